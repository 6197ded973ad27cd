"""The runbooks of the alerts that come with Pilothouse: what an alert means, what to look at, what to do.

Their rules name a file of the repository (`docs/runbooks.md#drift`), which is no address that a browser could open, so
the section is shown in the page.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

_FILE = Path(__file__).parents[4] / "docs" / "runbooks.md"
_LINK = re.compile(r"\[([^\]]+)\]\((?!https?://)[^)]*\)")


def section(address: str) -> str | None:
    """The Markdown of the section that `address` points to; None when it points elsewhere, or there is none."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or Path(parts.path).name != _FILE.name:
        return None
    return _sections().get(parts.fragment.lower())


@cache
def _sections() -> dict[str, str]:
    """By the heading in lower case. Links to other files lead nowhere from a page and become their text."""
    if not _FILE.is_file():
        return {}
    headed = re.split(r"^## +(.+)$", _FILE.read_text(), flags=re.MULTILINE)[1:]
    pairs = zip(headed[::2], headed[1::2], strict=True)
    return {heading.strip().lower(): _LINK.sub(r"\1", text).strip() for heading, text in pairs}
