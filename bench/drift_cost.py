"""What drift costs: `python -m bench.drift_cost [rows ...] [columns=5,20,50]`.

Wall time and peak memory of a score (`POST /drift/run`) and of a report, over windows of more and more rows. The real
service reads them from a real collector on a real PostgreSQL. Beside it, in the same run and in a process of its own,
Evidently's DataDriftPreset has the whole frame. A million rows in all column counts take half an hour, most of it to
store them.
"""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
import msgspec
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from bench.ingest import serving, wait_until_ready
from pilothouse.ids import uuid7_bytes
from pilothouse.manifest import Feature, Manifest, Monitoring, Output, TabularInput
from testkit.drift.stack import write_package
from testkit.ports import free_port

ROWS, COLUMNS = (1_000, 10_000, 100_000, 1_000_000), (5, 20, 50)
REFERENCE_ROWS, BATCH, ROUNDS = 10_000, 2_000, 9
PEER_CELLS = 5_000_000  # rows times columns: more takes Evidently minutes and gigabytes
SEED = 7


def manifest_of(columns: int) -> Manifest:
    """A regression: every fourth feature a category; the prediction is one of the columns."""
    features = tuple(
        Feature(name=f"kind_{i}", type="category", categories=tuple("abcdef"))
        if i % 4 == 3
        else Feature(name=f"feature_{i}", type="number")
        for i in range(columns - 1)
    )
    monitoring = Monitoring(interval_seconds=100_000)  # nothing is scored but what is measured
    return Manifest(name=f"bench{columns}", version="1", task="regression", input=TabularInput(features=features),
                    output=Output(), monitoring=monitoring)  # fmt: skip


def table_of(manifest: Manifest, rows: int, seed: int) -> pa.Table:
    """Numbers that depend on each other, and categories."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=rows)
    columns = {
        f.name: rng.choice(list("abcdef"), rows, p=[0.4, 0.2, 0.2, 0.1, 0.05, 0.05]).tolist()
        if f.categories
        else (common + rng.normal(size=rows)).round(4)
        for f in manifest.input.features  # type: ignore[union-attr]  # it is tabular
    }
    return pa.table(columns | {"prediction": (common * 3 + rng.normal(size=rows)).round(4)})


def store(url: str, manifest: Manifest, rows: int) -> None:
    httpx2.put(f"{url}/v1/models/{manifest.key}", content=manifest.model_dump_json()).raise_for_status()
    with httpx2.Client(base_url=url, timeout=120, headers={"content-type": "application/msgpack"}) as client:
        for start in range(0, rows, BATCH):
            table = table_of(manifest, min(BATCH, rows - start), SEED + start)
            each = zip(*(column.to_pylist() for column in table.columns), strict=True)
            batch = {"model": manifest.name, "version": manifest.version, "columns": ["id", *table.column_names],
                     "rows": [[uuid7_bytes(), *row] for row in each]}  # fmt: skip
            client.post("/v1/records", content=msgspec.msgpack.encode({"batches": [batch]})).raise_for_status()


@contextmanager
def drift_service(models: Path, state: Path, collector_url: str) -> Iterator[tuple[str, psutil.Process]]:
    port = free_port()
    settings = {"DRIFT_PORT": str(port), "PILOTHOUSE_MODELS": str(models), "PILOTHOUSE_STATE": str(state),
                "PILOTHOUSE_COLLECTOR_URL": collector_url, "PILOTHOUSE_LOG_LEVEL": "error"}  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", "services.drift"], env=os.environ | settings)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url)
        yield url, psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


@contextmanager
def peak_memory(process: psutil.Process, *, of_children: bool) -> Iterator[list[float]]:
    """Most megabytes that the process, or its children together, held meanwhile; filled in at the end."""
    seen, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            watched = process.children() if of_children else [process]
            try:
                seen[0] = max(seen[0], sum(p.memory_info().rss for p in watched) / 1e6)
            except psutil.NoSuchProcess:
                continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


def scores(url: str, process: psutil.Process, manifest: Manifest, rows: Sequence[int]) -> list[tuple[float, ...]]:
    """For each window, median seconds, the service's median processor seconds, and its peak megabytes.

    Windows take turns, so that what else runs on the machine is the same for all.
    """
    seconds: dict[int, list[float]] = {count: [] for count in rows}
    spent: dict[int, list[float]] = {count: [] for count in rows}
    peaks = dict.fromkeys(rows, 0.0)
    spans = {count: span(url, manifest, count) for count in rows}
    for _, count in itertools.product(range(ROUNDS), rows):
        with peak_memory(process, of_children=False) as peak:
            before, begun = process.cpu_times(), time.perf_counter()
            query = {"model": manifest.name, **spans[count]}
            answer = httpx2.post(f"{url}/drift/run", params=query, timeout=120).raise_for_status().json()
            seconds[count].append(time.perf_counter() - begun)
            after = process.cpu_times()
        spent[count].append(after.user + after.system - before.user - before.system)
        peaks[count] = max(peaks[count], peak[0])
        assert answer["joint"][0]["status"] == "compared"
        assert abs(answer["window"]["rows"] / count - 1) < 0.1, "of a large window it is estimated from the sample"
    return [(statistics.median(seconds[c]), statistics.median(spent[c]), peaks[c]) for c in rows]


def span(url: str, manifest: Manifest, rows: int) -> dict[str, str]:
    """The newest rows as a window of time: one of `rows=N` costs the collector a walk over N entries of its index."""
    query = {"model": manifest.name, "window": f"rows={rows}"}
    window = httpx2.post(f"{url}/drift/run", params=query, timeout=120).raise_for_status().json()["window"]
    return {"from": window["from"], "to": window["to"]}


def report(url: str, process: psutil.Process, manifest: Manifest, rows: int) -> tuple[float, float]:
    """Seconds, and peak megabytes of the worker."""
    query: dict[str, str | int] = {
        "model": manifest.name, "window": f"rows={rows}", "wait": 290, "format": "json",
    }  # fmt: skip
    with peak_memory(process, of_children=True) as peak:
        begun = time.perf_counter()
        assert httpx2.get(f"{url}/drift-report", params=query, timeout=300).status_code == 200
        seconds = time.perf_counter() - begun
    return seconds, peak[0]


def evidently(folder: Path, manifest: Manifest, rows: int) -> tuple[float, float] | None:
    """Seconds and peak megabytes of the preset with its defaults on the whole frame; None where it takes too long."""
    if rows * len(manifest.monitored_columns) > PEER_CELLS:
        return None
    reference, current = folder / "reference.parquet", folder / "current.parquet"
    pq.write_table(table_of(manifest, REFERENCE_ROWS, 1), reference)
    pq.write_table(table_of(manifest, rows, 2), current)
    command = [sys.executable, "-W", "ignore", "-c", _PEER, str(reference), str(current)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | {"DO_NOT_TRACK": "1"})
    seconds, kilobytes = map(float, said.stdout.split()[-2:])
    return seconds, kilobytes / 1e3


_PEER = """
import resource, sys, time
import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset
reference, current = map(pd.read_parquet, sys.argv[1:])
begun = time.perf_counter()
Report([DataDriftPreset()]).run(current, reference).get_html_str(as_iframe=False)
print(time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def main(rows: tuple[int, ...], columns: tuple[int, ...]) -> None:
    manifests = [manifest_of(count) for count in columns]
    with tempfile.TemporaryDirectory() as name, serving() as (collector_url, _, _):
        folder = Path(name)
        for manifest in manifests:
            write_package(folder / "models", manifest, table_of(manifest, REFERENCE_ROWS, 0))
            store(collector_url, manifest, max(rows))
        with drift_service(folder / "models", folder / "state", collector_url) as (url, process):
            heads = (
                "columns",
                "rows",
                "score",
                "its processor",
                "peak",
                "report",
                "peak",
                "Evidently, whole frame",
                "peak",
            )
            print("|", " | ".join(heads), "|")
            print("|---|---|---|---|---|---|---|---|---|", flush=True)
            for manifest in manifests:
                httpx2.post(f"{url}/drift/run", params={"model": manifest.name}, timeout=120)  # calibrates
                report(url, process, manifest, 500)  # imports Evidently
                measured = scores(url, process, manifest, rows)
                for count, (seconds, spent, megabytes) in zip(rows, measured, strict=True):
                    begin = f"| {len(manifest.monitored_columns)} | {count:,} | {seconds:.2f} s | {spent:.2f} s |"
                    print(f"{begin} {megabytes:.0f} MB |", end=" ", flush=True)
                    cells = [report(url, process, manifest, count), evidently(folder, manifest, count)]
                    shown = [f"{c[0]:.1f} s | {c[1]:.0f} MB" if c else "left out: minutes | " for c in cells]
                    print(" | ".join(shown), "|", flush=True)


if __name__ == "__main__":
    asked = tuple(int(word) for word in sys.argv[1:] if word.isdigit())
    chosen = next((word[8:] for word in sys.argv[1:] if word.startswith("columns=")), "")
    main(asked or ROWS, tuple(int(c) for c in chosen.split(",")) if chosen else COLUMNS)
