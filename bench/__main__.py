"""`python -m bench [--docs] [part ...]`: every benchmark, or those named, each in a process of its own.

A speed is a ratio in one run against something that stands still. What a part measures, how long it takes and which
options it has stands in its module. What each printed is kept in `.cache/bench`; with `--docs` docs/speed.md
is written from that.
"""

from __future__ import annotations

import os
import subprocess
import sys

from bench.figures import FOLDER, write_figures

PARTS = {
    "serving": ("bench.serving",),
    "start": ("bench.start",),
    "spool": ("bench.spool",),
    "ingest": ("bench.ingest",),
    "reading": ("bench.reading",),
    "drift": ("bench.drift_cost",),
    "method": ("bench.drift_method",),
}


def main(arguments: list[str]) -> int:
    docs, wanted = "--docs" in arguments, [a for a in arguments if a != "--docs"]
    unknown = sorted(set(wanted) - PARTS.keys())
    if unknown:
        print(f"there is no part {', '.join(unknown)}; there are: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    failed = [part for part in wanted or PARTS if not _ran(part, docs=docs)]
    if docs:
        write_figures(part for part in PARTS if part != "serving")
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _ran(part: str, *, docs: bool) -> bool:
    print(f"\n== {part}", flush=True)
    more = ["--docs"] if docs and part == "serving" else []
    command = [sys.executable, "-m", *PARTS[part], *more]
    environment = os.environ | {"DO_NOT_TRACK": "1", "PYTHONUNBUFFERED": "1"}
    said = []
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            said.append(line)
    FOLDER.mkdir(parents=True, exist_ok=True)
    if process.returncode == 0:
        (FOLDER / f"{part}.txt").write_text("".join(said), encoding="utf-8")
    return process.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
