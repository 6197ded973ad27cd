"""What a record costs in the spool: `python -m bench.spool`.

Encoding, framing and appending one record of 20 features, against a bare `os.write` of as many bytes in the same loop.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np

from pilothouse.ids import uuid7_bytes
from services.inference.spool.segments import SpoolWriter, encode_frame

RECORDS, ROUNDS = 20_000, 5
SCHEMA = b"bench#01"


def measure(folder: Path, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Microseconds of each append, and of each bare write."""
    writer = SpoolWriter(folder / f"worker{number}", "process", 10**10, 8_000_000)
    bare = os.open(folder / f"bare{number}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    encoder = msgspec.msgpack.Encoder()
    values = [float(i) * 1.1 for i in range(20)]
    ours, theirs = np.empty(RECORDS), np.empty(RECORDS)
    block = b"x" * len(encode_frame(SCHEMA, encoder.encode((uuid7_bytes(), 1.5, None, "t" * 32, *values, 3.0))))
    for i in range(RECORDS):
        begun = time.perf_counter_ns()
        writer.append(encode_frame(SCHEMA, encoder.encode((uuid7_bytes(), 1.5, None, "t" * 32, *values, 3.0))))
        between = time.perf_counter_ns()
        os.write(bare, block)
        ours[i], theirs[i] = between - begun, time.perf_counter_ns() - between
    os.close(bare)
    return ours / 1000, theirs / 1000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        rounds = [measure(Path(folder), n) for n in range(ROUNDS)]
    print("round   append p50   p99   bare write p50   p99   ratio of medians   (µs)")
    for n, (ours, theirs) in enumerate(rounds):
        a, b, c, d = (float(np.percentile(x, p)) for x in (ours, theirs) for p in (50, 99))
        print(f"{n:5}   {a:10.1f} {b:5.1f}   {c:14.1f} {d:5.1f}   {a / c:8.2f}")


if __name__ == "__main__":
    main()
