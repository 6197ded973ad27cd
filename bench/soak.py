"""Does memory stay flat? `python -m bench.soak [MINUTES]` (SOAK_MINUTES, 10); needs wrk.

The real service with a collector beside it, under full load, features and images in turn. Its resident memory is read
between the turns; a line is fitted (least squares) to the later three quarters, and what it says of ten million
predictions must stay below a tenth of what the service held.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.serving.arena import Ready, opened
from bench.serving.contestants import LOGGED, ROOT
from bench.serving.load import load

SECONDS, MILLIONS, ALLOWED_SHARE = 10, 10, 0.1
KINDS = ("tabular", "image, raw")


def readings(ready: Ready, minutes: float) -> Iterator[tuple[float, float]]:
    """Predictions so far, in millions, and megabytes held, after each turn."""
    deadline, done, turn = time.monotonic() + minutes * 60, 0, 0
    while time.monotonic() < deadline:
        found = load(ready.targets[KINDS[turn % 2]], SECONDS)
        if found.errors:
            raise SystemExit(f"{found.errors} errors")
        done, turn = done + found.requests, turn + 1
        yield done / 1e6, ready.server.memory_bytes() / 1e6


def main() -> None:
    minutes = float(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SOAK_MINUTES", "10"))
    held: list[tuple[float, float]] = []
    with (
        tempfile.TemporaryDirectory(prefix="pilothouse-soak-") as folder,
        opened([LOGGED], Path(folder), ROOT / ".cache" / "peers") as arena,
    ):
        for predictions, megabytes in readings(arena.ready[LOGGED.name], minutes):
            held.append((predictions, megabytes))
            print(f"{predictions:8.3f} million predictions   {megabytes:7.1f} MB", flush=True)
    later = np.array(held[len(held) // 4 :])
    if len(later) < 4:
        raise SystemExit("too short to judge: at least two minutes are needed")
    slope, _ = np.polyfit(later[:, 0], later[:, 1], 1)
    grown, level = slope * MILLIONS, float(np.median(later[:, 1]))
    print(f"{slope:+.2f} MB a million predictions: {grown:+.1f} MB over ten million, of {level:.0f} MB.")
    if grown > ALLOWED_SHARE * level:
        raise SystemExit("memory grows")


if __name__ == "__main__":
    main()
