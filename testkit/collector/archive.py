"""A collector with an archive in a folder, as tests drive it: a round at a time."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pilothouse.archive import day_path
from testkit.collector.driver import DAY, NOW, Clock, Collector, running

TODAY = NOW // DAY


@asynccontextmanager
async def archiving(url: str, root: Path, clock: Clock, **settings: Any) -> AsyncIterator[Collector]:
    async with running(url, clock, archive_url=f"file://{root}", archive_delay_hours=0, **settings) as collector:
        await collector.ready()
        await write(collector)  # its own first round is over then
        yield collector


async def days(collector: Collector, **query: Any) -> list[dict[str, Any]]:
    answer = await collector.http.get("/v1/archive", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["days"]
    return found


async def write(collector: Collector, **day: Any) -> None:
    """A round, and its end."""
    archiver = collector.components.archiver
    assert archiver is not None
    if day:
        archiver.ask((day["model"], day["version"], day["day"]))
    archiver.failure = None
    await archiver.round()


def file(root: Path, age: int = 1, model: str = "houses", version: str = "1") -> Path:
    return root / day_path(model, version, TODAY - age)


def read(root: Path, age: int = 1, **key: str) -> pa.Table:
    return pq.ParquetFile(file(root, age, **key)).read()


async def label(collector: Collector, record_id: bytes, value: Any) -> None:
    body = [{"record_id": str(uuid.UUID(bytes=record_id)), "label": value}]
    assert (await collector.http.post("/v1/labels", json=body)).json()["accepted"] == 1


async def maintain(collector: Collector) -> None:
    await collector.components.maintenance.round()
