"""What the collector takes in: `python -m bench.ingest [records] [senders]`.

A real collector process on a real PostgreSQL (with fsync), 20 features, over HTTP with validation, the senders on the
same machine, against a bare COPY of as many of the same records into a plain table over one connection.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import httpx2
import msgspec
import psutil

from pilothouse.columns import record_columns
from pilothouse.ids import uuid7_bytes
from pilothouse.manifest import Feature, Manifest, Output, TabularInput
from testkit.ports import free_port
from testkit.postgres import PostgresServer, find_binaries

BATCH = 2000
NUMBERS = tuple(Feature(name=f"feature_{i}", type="number") for i in range(17))
CATEGORIES = tuple(Feature(name=f"kind_{i}", type="category", categories=("a", "b", "c")) for i in range(3))
MANIFEST = Manifest(
    name="bench",
    version="1",
    task="binary",
    input=TabularInput(features=(*NUMBERS, *CATEGORIES)),
    output=Output(classes=("no", "yes")),
)


def a_row(i: int) -> list[object]:
    numbers = [i * 0.37 + k for k in range(17)]
    return [uuid7_bytes(), 1.5, "api", "4bf92f3577b34da6a3ce929d0e0e4736", *numbers, "a", "b", "c", "yes", 0.25, 0.75]


def bodies(records: int, version: str = "1") -> list[bytes]:
    columns = ["id", *(c.name for c in record_columns(MANIFEST))]
    encoder = msgspec.msgpack.Encoder()
    made = []
    for start in range(0, records, BATCH):
        rows = [a_row(i) for i in range(start, min(start + BATCH, records))]
        made.append(
            encoder.encode({"batches": [{"model": "bench", "version": version, "columns": columns, "rows": rows}]})
        )
    return made


def send(url: str, mine: list[bytes]) -> None:
    with httpx2.Client(base_url=url, timeout=60) as client:
        for body in mine:
            answer = client.post("/v1/records", content=body, headers={"content-type": "application/msgpack"})
            assert answer.status_code == 200, answer.text
            assert answer.json()["duplicates"] == 0


def through_the_collector(url: str, records: int, senders: int, version: str = "1") -> float:
    """Records a second."""
    made = bodies(records, version)
    threads = [threading.Thread(target=send, args=(url, made[i::senders])) for i in range(senders)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return records / (time.perf_counter() - begun)


async def by_bare_copy(url: str, records: int) -> float:
    connection = await asyncpg.connect(url)
    columns = ", ".join(
        f'"{c.name}" {"double precision" if c.kind == "number" else "text"}' for c in record_columns(MANIFEST)
    )
    await connection.execute(f"CREATE TABLE bare (id bytea, {columns})")
    batches = [[a_row(i) for i in range(start, start + BATCH)] for start in range(0, records, BATCH)]
    begun = time.perf_counter()
    for batch in batches:
        await connection.copy_records_to_table("bare", records=batch)
    seconds = time.perf_counter() - begun
    await connection.close()
    return records / seconds


def wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if httpx2.get(f"{url}/health/ready").status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.1)
    raise SystemExit("the collector did not become ready")


@contextmanager
def serving() -> Iterator[tuple[str, subprocess.Popen[bytes], PostgresServer]]:
    """A collector process on a PostgreSQL of its own: its address, the process, the server."""
    binaries = find_binaries()
    if binaries is None:
        raise SystemExit("no PostgreSQL server here")
    with tempfile.TemporaryDirectory(prefix="pilothouse-bench-") as folder:
        server = PostgresServer(binaries, Path(folder), durable=True)
        server.create()
        server.start()
        port = free_port()
        settings = {"PILOTHOUSE_DATABASE_URL": server.create_database(), "COLLECTOR_PORT": str(port)}
        command = [sys.executable, "-m", "services.collector"]
        environment = os.environ | settings | {"PILOTHOUSE_LOG_LEVEL": "warning"}
        collector = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_ready(url)
            yield url, collector, server
        finally:
            collector.terminate()
            collector.wait()
            server.stop()


def main() -> None:
    records = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    senders = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with serving() as (url, collector, server):
        httpx2.put(f"{url}/v1/models/bench/1", content=MANIFEST.model_dump_json()).raise_for_status()
        through_the_collector(url, 10_000, senders)
        process = psutil.Process(collector.pid)
        print("round   collector rec/s   bare COPY rec/s   ratio   collector MB")
        for number in range(3):
            taken = through_the_collector(url, records, senders)
            bare = asyncio.run(by_bare_copy(server.create_database(), records))
            memory = process.memory_info().rss / 1e6
            print(f"{number:5}   {taken:15,.0f}   {bare:15,.0f}   {taken / bare:5.2f}   {memory:12.0f}", flush=True)


if __name__ == "__main__":
    main()
