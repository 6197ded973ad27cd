"""The runbooks of the alerts that come with Pilothouse: what an alert means, what to look at, what to do.

They are the sections of docs/runbooks.md, which the page shows at `/runbooks?alert=NAME`. Alerts name them so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs, urlsplit

_FILE = Path(__file__).parents[2] / "docs" / "runbooks.md"
_SECTION_LINK = re.compile(r"\[([^\]]+)\]\(#([^)]*)\)")
_OTHER_LINK = re.compile(r"\[([^\]]+)\]\((?!https?://|/runbooks\?)[^)]*\)")
_PARAGRAPH = re.compile(r"\n(?=\*\*(?:Look at|Do)\*\* )")  # Markdown joins lines
_FIRST_SENTENCE = re.compile(r"\*\*Means\*\*\s+(.+?\.)(?:\s|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Runbook:
    """The section of an alert; `text` is Markdown."""

    alert: str
    text: str

    @property
    def meaning(self) -> str:
        """Its first sentence."""
        found = _FIRST_SENTENCE.search(self.text)
        said = " ".join(found[1].split()) if found else ""
        return said[:1].upper() + said[1:]


@cache
def every_runbook() -> dict[str, Runbook]:
    """By the alert's name in lower case, in the order of the file. Links to other files lead nowhere from a page and
    become their text."""
    if not _FILE.is_file():
        return {}
    headed = re.split(r"^## +(.+)$", _FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    names = {heading.lower(): heading for heading in map(str.strip, headed[::2])}

    def linked(found: re.Match[str]) -> str:
        return f"[{found[1]}](/runbooks?alert={names[found[2]]})" if found[2] in names else found[1]

    plain = (_OTHER_LINK.sub(r"\1", _SECTION_LINK.sub(linked, text)).strip() for text in headed[1::2])
    texts = (_PARAGRAPH.sub("\n\n", text) for text in plain)
    return {key: Runbook(name, text) for (key, name), text in zip(names.items(), texts, strict=True)}


def find_runbook(alert: str) -> Runbook | None:
    """Upper and lower case are the same."""
    return every_runbook().get(alert.lower())


def runbook_at(address: str) -> Runbook | None:
    """The one that an alert's `runbook_url` leads to, whatever it says of where the page is; None for another's."""
    parts = urlsplit(address)
    if PurePosixPath(parts.path).name != "runbooks":
        return None
    return find_runbook(parse_qs(parts.query).get("alert", [""])[0])
