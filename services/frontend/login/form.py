"""The login as a page of its own: no script, nothing from elsewhere, light and dark as the other pages are."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path
from string import Template

from services.frontend import theme

_FILE = Path(__file__).with_name("login.html")
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",  # with `no-referrer` a browser would not say in the Origin that the form is ours
    "X-Content-Type-Options": "nosniff",
}


def login_page(fault: str = "") -> str:
    """The form, with what was wrong with the last try. It posts to the address that it was asked by."""
    return Template(_FILE.read_text(encoding="utf-8")).substitute(
        icon=base64.b64encode(theme.MARK.encode()).decode(),
        light=_variables(theme.LIGHT),
        dark=_variables(theme.DARK),
        font=theme.SANS,
        wordmark=theme.wordmark(),
        fault=escape(fault),
    )


def _variables(palette: dict[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in palette.items())
