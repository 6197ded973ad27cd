"""What reading back costs: `python -m bench.reading [rows]`.

Samples of 5,000 from a large table against the same from 20,000 rows, and the collector's memory while it exports all
of the large one, on a real PostgreSQL over HTTP.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
from typing import Any

import httpx2
import psutil

from bench.ingest import MANIFEST, serving, through_the_collector

SMALL, SAMPLE, ROUNDS = 20_000, 5_000, 15


def sample_seconds(url: str, version: str, **window: Any) -> float:
    query: dict[str, Any] = {"model": "bench", "version": version, "sample": SAMPLE, "format": "arrow"} | window
    begun = time.perf_counter()
    httpx2.get(f"{url}/v1/records", params=query, timeout=60).raise_for_status()
    return time.perf_counter() - begun


def export(url: str, kind: str, process: psutil.Process) -> tuple[float, float, float]:
    """Seconds, megabytes sent, and the most memory held meanwhile."""
    peak, done = 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.05):
            peak = max(peak, process.memory_info().rss / 1e6)

    watcher = threading.Thread(target=watch)
    watcher.start()
    begun, size = time.perf_counter(), 0
    query = {"model": "bench", "version": "large", "format": kind}
    with httpx2.stream("GET", f"{url}/v1/records", params=query, timeout=120) as answer:
        for part in answer.iter_raw():
            size += len(part)
    done.set()
    watcher.join()
    return time.perf_counter() - begun, size / 1e6, peak


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
    with serving() as (url, collector, _):
        process = psutil.Process(collector.pid)
        for version, count in (("small", SMALL), ("large", rows)):
            manifest = MANIFEST.model_copy(update={"version": version})
            httpx2.put(f"{url}/v1/models/bench/{version}", content=manifest.model_dump_json()).raise_for_status()
            for done in range(0, count, 100_000):
                through_the_collector(url, min(100_000, count - done), 3, version)
            sample_seconds(url, version)
        seconds: dict[str, list[float]] = {"small": [], "large": []}
        for _ in range(ROUNDS):
            for version, measured in seconds.items():
                measured.append(sample_seconds(url, version))
        small, large = (statistics.median(seconds[v]) for v in ("small", "large"))
        print(f"sample of {SAMPLE} from {SMALL} rows: {small * 1000:.0f} ms")
        print(f"sample of {SAMPLE} from {rows} rows: {large * 1000:.0f} ms, {large / small:.2f} times")
        print(f"memory before the exports {process.memory_info().rss / 1e6:.0f} MB")
        for kind in ("arrow", "csv", "parquet"):
            took, size, peak = export(url, kind, process)
            print(f"{kind}: {rows / took:,.0f} rows/s, {size:.0f} MB sent, peak memory {peak:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
