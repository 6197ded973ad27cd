"""docs/speed.md, written from what the benchmarks printed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".cache" / "bench"
PAGE = ROOT / "docs" / "speed.md"


def write_between(marker: str, text: str) -> None:
    """Replace what stands on the page between `<!-- marker -->` and the next `<!-- end -->`."""
    opening = f"<!-- {marker} -->\n"
    before, begin, rest = PAGE.read_text(encoding="utf-8").partition(opening)
    _, end, after = rest.partition("<!-- end -->")
    if not begin or not end:
        raise SystemExit(f"{PAGE} has no part {marker!r}")
    PAGE.write_text(before + begin + text + end + after, encoding="utf-8")


def write_figures(parts: Iterable[str]) -> None:
    """What each part printed last, as it was printed."""
    written = [(part, FOLDER / f"{part}.txt") for part in parts]
    blocks = [
        f"### {part}\n```text\n{path.read_text(encoding='utf-8').strip()}\n```\n"
        for part, path in written
        if path.exists()
    ]
    write_between("figures", "\n".join(blocks))
