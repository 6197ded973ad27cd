"""A real collector on real SQLite, served over HTTP, and what is sent to it."""

from __future__ import annotations

import sqlite3
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pyarrow as pa
import uvicorn
from prometheus_client import CollectorRegistry

from pilothouse.ids import uuid7
from pilothouse.manifest import Manifest
from pilothouse.package import Package, write_files
from pilothouse.wire.records import MSGPACK
from services.collector.app import create_app
from services.collector.settings import CollectorSettings
from testkit.waiting import wait_for

HOUR_MS = 3_600_000


class Collector:
    """The collector at an address that stays the same when it is stopped and started again."""

    def __init__(self, state: Path, port: int = 0, **settings: Any) -> None:
        state.mkdir(exist_ok=True)
        self._settings = CollectorSettings(port=port, state=state, log_level="warning", **settings)
        self.port = port
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        app = create_app(self._settings, CollectorRegistry())
        self._server = uvicorn.Server(uvicorn.Config(app, port=self.port, log_config=None, ws="none"))
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        wait_for(lambda: self._server.started)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        wait_for(lambda: httpx2.get(f"{self.url}/health/ready").is_success)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    def announce(self, manifest: Manifest) -> None:
        body = msgspec.json.encode(manifest.model_dump(mode="json"))
        headers = {"content-type": "application/json"}
        answer = httpx2.put(f"{self.url}/v1/models/{manifest.key}", content=body, headers=headers)
        assert answer.is_success, answer.text

    def log(
        self,
        manifest: Manifest,
        names: Sequence[str],
        rows: Sequence[Sequence[Any]],
        ages_ms: Iterable[int] | None = None,
    ) -> list[str]:
        """Store rows of these columns, a millisecond apart up to now or so long ago; their ids."""
        now = time.time_ns() // 1_000_000
        ages = ages_ms or range(len(rows), 0, -1)
        ids = [uuid7(now - age) for age in ages]
        stored = [[i.bytes, *row] for i, row in zip(ids, rows, strict=True)]
        batch = {"model": manifest.name, "version": manifest.version, "columns": ["id", *names], "rows": stored}
        body = msgspec.msgpack.encode({"batches": [batch]})
        answer = httpx2.post(f"{self.url}/v1/records", content=body, headers={"content-type": MSGPACK}, timeout=60)
        assert answer.is_success, answer.text[:300]
        assert answer.json()["accepted"] == len(rows), answer.json()["rejected"][:1]
        return [str(i) for i in ids]

    def log_table(self, manifest: Manifest, table: pa.Table, ages_ms: Iterable[int] | None = None) -> list[str]:
        return self.log(manifest, table.column_names, wire_rows(table), ages_ms)

    def label(self, ids: Iterable[str], labels: Iterable[Any]) -> None:
        body = [{"record_id": i, "label": label} for i, label in zip(ids, labels, strict=True)]
        answer = httpx2.post(f"{self.url}/v1/labels", json=body, timeout=60)
        assert answer.is_success, answer.text
        assert answer.json()["rejected"] == []

    def label_unjudged(self, ids: Iterable[str], label: str) -> None:
        """Labels as a collector stored them that did not ask the model yet: they stay in its database."""
        now = time.time_ns() // 1_000_000
        with closing(sqlite3.connect(self._settings.state / "collector.sqlite")) as database:
            rows = [(uuid.UUID(i).bytes, label, now) for i in ids]
            database.executemany("INSERT INTO labels (record_id, label, at) VALUES (?, ?, ?)", rows)
            database.commit()


def wire_rows(table: pa.Table) -> list[list[Any]]:
    """Rows as they go on the wire: times are milliseconds."""
    columns = [_milliseconds(c) if pa.types.is_timestamp(c.type) else c for c in table.columns]
    return [list(row) for row in zip(*(c.to_pylist() for c in columns), strict=True)]


def _milliseconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.timestamp("ms", column.type.tz)).cast(pa.int64())


def write_package(root: Path, manifest: Manifest, reference: pa.Table) -> Package:
    """A package of a manifest and a reference, in its folder below `root`."""
    import pyarrow.parquet

    folder = root / manifest.name / manifest.version
    folder.mkdir(parents=True)
    pyarrow.parquet.write_table(reference, folder / "reference.parquet")
    return Package(write_files(manifest, folder), folder)


@contextmanager
def running_collector(state: Path, **settings: Any) -> Iterator[Collector]:
    collector = Collector(state, **settings)
    try:
        yield collector
    finally:
        collector.stop()
