"""A model card as the page shows it: its Markdown, without pictures from elsewhere and a size smaller.

Raw HTML is escaped by Streamlit. A picture would be fetched from wherever the card says, and tell of its reader.
"""

from __future__ import annotations

import re

_FENCE = re.compile(r"^\s*(```|~~~)")
_HEADING = re.compile(r"^(#{1,4})(?=\s)")
_MOST = 40_000


def shown(markdown: str) -> str:
    """`markdown` with its headings two levels down and its pictures as text."""
    lines, fenced = [], False
    for line in markdown[:_MOST].splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        lines.append(line if fenced else _HEADING.sub(r"##\1", line).replace("![", r"!\["))
    return "\n".join(lines)
