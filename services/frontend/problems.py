"""What the page's server itself answers when something goes wrong: a problem for a program, a page for a browser."""

from __future__ import annotations

from html import escape

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from pilothouse.serving.problem import Entry, ErrorTable, find_entry, response_of
from services.frontend.errors import (
    AddressError,
    MethodError,
    NoReportError,
    PageEndsError,
    ServiceAway,
    ServiceRefused,
)

_AGAIN = {"Retry-After": "5", "Refresh": "10"}
ERRORS: ErrorTable = {
    ServiceAway: Entry(503, "drift-away", "The drift service does not answer", _AGAIN),
    ServiceRefused: Entry(502, "drift-refuses", "The drift service does not let this page in"),
    MethodError: Entry(405, "method-not-allowed", "Method Not Allowed", {"Allow": "GET, HEAD"}),
    NoReportError: Entry(404, "unknown-report", "No such report"),
    AddressError: Entry(414, "uri-too-long", "URI Too Long"),
    PageEndsError: Entry(503, "stopping", "Ask again in a moment", _AGAIN),
}
_ADVICE = {
    ServiceAway: "Predictions go on and are logged. This page asks again every ten seconds.",
    ServiceRefused: "Is PILOTHOUSE_API_KEY of the page one of its keys, with the scope read?",
}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><style>
:root {{ color-scheme: light dark }}
body {{ max-width: 38rem; margin: 12vh auto; padding: 0 1.2rem; font: 16px/1.5 system-ui, sans-serif }}
h1 {{ font-size: 1.4rem }} p {{ overflow-wrap: anywhere }}
</style></head><body><h1>{title}</h1><p>{detail}</p><p>{advice}</p><p><a href="/">To the page</a></p></body></html>"""


def wants_page(scope: Scope) -> bool:
    """Whether the caller is a browser that opens an address, which asks for HTML by name."""
    return any("text/html" in accepted.lower() for accepted in Headers(scope=scope).getlist("accept"))


async def respond(error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with an error that the table has."""
    response = _page(error) if wants_page(scope) else response_of(ERRORS, error)
    response.headers.update({"Cache-Control": "no-store", "Vary": "Accept"})
    await response(scope, receive, send)


def _page(error: Exception) -> Response:
    entry = find_entry(ERRORS, error)
    assert entry is not None
    text = _PAGE.format(title=entry.title, detail=escape(str(error)), advice=_ADVICE.get(type(error), ""))
    return HTMLResponse(text, entry.status, {**entry.headers, "Content-Security-Policy": _POLICY})
