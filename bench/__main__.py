"""`python -m bench [part ...]`: every benchmark, or those named, each in a process of its own.

A speed is a ratio in one run against something that stands still. What a part measures, how long it takes and which
options it has stands in its module.
"""

from __future__ import annotations

import os
import subprocess
import sys

PARTS = {
    "serving": ("bench.serving",),
    "start": ("bench.start",),
    "spool": ("bench.spool",),
    "ingest": ("bench.ingest",),
    "reading": ("bench.reading",),
    "drift": ("bench.drift_cost",),
    "method": ("bench.drift_method",),
}


def main(wanted: list[str]) -> int:
    unknown = sorted(set(wanted) - PARTS.keys())
    if unknown:
        print(f"there is no part {', '.join(unknown)}; there are: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    failed = [part for part in wanted or PARTS if not _ran(part)]
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _ran(part: str) -> bool:
    print(f"\n== {part}", flush=True)
    environment = os.environ | {"DO_NOT_TRACK": "1"}
    return subprocess.run([sys.executable, "-m", *PARTS[part]], check=False, env=environment).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
