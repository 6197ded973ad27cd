"""`python -m bench.serving [--rounds 5] [--seconds 4] [--only NAME ...] [--docs]`.

Writes serving.json, serving.md and serving.svg; with `--docs` the tables and the chart of docs/speed.md as well,
from all who take part. Needs wrk.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import write_between
from bench.serving import report, rounds
from bench.serving.arena import opened
from bench.serving.contestants import ALONE, BARE, EVERYBODY, LOGGED, PARTS, ROOT, TWO, TWO_PARTS, UNLOGGED


def main(arguments: list[str] | None = None) -> None:
    asked = _parser().parse_args(arguments)
    always = (BARE, PARTS, TWO_PARTS, LOGGED, UNLOGGED, ALONE, TWO)
    chosen = [c for c in EVERYBODY if not asked.only or c in always or any(n in c.name for n in asked.only)]
    asked.out.mkdir(parents=True, exist_ok=True)
    about = {"machine": report.machine(), "at": datetime.now(UTC).isoformat(timespec="seconds")}
    with (
        tempfile.TemporaryDirectory(prefix="pilothouse-bench-") as folder,
        opened(chosen, Path(folder), asked.cache) as arena,
    ):
        found = about | {"rounds": asked.rounds, "seconds": asked.seconds, "left_out": arena.left_out}
        found |= rounds.run(arena, asked.rounds, asked.seconds)
    (asked.out / "serving.json").write_text(json.dumps(found, indent=1) + "\n")
    text = report.text(found)
    (asked.out / "serving.md").write_text(text)
    (asked.out / "serving.svg").write_text(report.chart(found))
    print(text)
    if asked.docs:
        _write_docs(text, report.chart(found))


def _write_docs(tables: str, chart: str) -> None:
    write_between("measured", tables)
    (ROOT / "docs" / "images" / "serving.svg").write_text(chart, encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.serving", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4, help="of each measurement")
    parser.add_argument(
        "--only", nargs="*", default=[], help="words of the names of who takes part beside ours and bare"
    )
    parser.add_argument("--docs", action="store_true", help="write docs/speed.md too")
    parser.add_argument("--out", type=Path, default=ROOT / ".cache" / "bench", help="folder of the results")
    parser.add_argument(
        "--cache", type=Path, default=ROOT / ".cache" / "peers", help="folder of the peers' environments"
    )
    return parser


if __name__ == "__main__":
    main()
