"""A running collector as tests speak to it, and the records they send."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import msgspec
from prometheus_client import CollectorRegistry

from pilothouse.columns import record_columns
from pilothouse.ids import uuid7_bytes
from pilothouse.manifest import Feature, ImageInput, Manifest, Output, TabularInput
from services.collector.app import create_app
from services.collector.components import Components
from services.collector.settings import CollectorSettings

NOW = 1_795_000_000_000  # 2026-11-18T11:06:40Z
DAY = 86_400_000

MANIFEST = Manifest(
    name="houses",
    version="1",
    task="binary",
    input=TabularInput(
        features=(
            Feature(name="area", type="number"),
            Feature(name="rooms", type="integer"),
            Feature(name="Kind", type="category", categories=("flat", "house")),
            Feature(name="pool", type="boolean"),
            Feature(name="sold", type="datetime"),
        )
    ),
    output=Output(classes=("no", "yes")),
)
PRICES = Manifest(
    name="prices",
    version="2.0-rc.1",
    task="regression",
    input=TabularInput(features=(Feature(name="area", type="number"),)),
    output=Output(target="price"),
)
PICTURES = Manifest(
    name="pictures",
    version="1",
    task="multiclass",
    input=ImageInput(width=8, height=8, statistics=("brightness",), embedding_size=4),
    output=Output(classes=("cat", "dog", "=bird")),
)
VALUES = {
    "latency_ms": 1.25, "source": "api", "trace_id": None, "area": 81.5, "rooms": 3, "Kind": "flat", "pool": True,
    "sold": 1_700_000_000_123, "prediction": "yes", "probability_no": 0.25, "probability_yes": 0.75,
}  # fmt: skip


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


class Ids:
    """Ids with random bits from a seed, so that a test of chance has the same outcome every time."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)

    def __call__(self, at_ms: int = NOW) -> bytes:
        bits = self._random.getrandbits(80) & (((1 << 12) - 1) << 64 | ((1 << 62) - 1))
        return (at_ms << 80 | 0x7 << 76 | 0b10 << 62 | bits).to_bytes(16)


def columns_of(manifest: Manifest = MANIFEST) -> list[str]:
    return ["id", *(c.name for c in record_columns(manifest))]


def row(at_ms: int = NOW, record_id: bytes | None = None, **changes: Any) -> list[Any]:
    return [record_id or uuid7_bytes(at_ms), *(VALUES | changes).values()]


class Collector:
    """The HTTP client of a collector in this process, its clock, its metrics and what it is made of."""

    def __init__(
        self, http: httpx2.AsyncClient, registry: CollectorRegistry, clock: Clock, components: Components
    ) -> None:
        self.http, self.registry, self.clock, self.components = http, registry, clock, components

    async def ready(self, seconds: float = 20) -> None:
        deadline = asyncio.get_running_loop().time() + seconds
        while (answer := await self.http.get("/health/ready")).status_code != 200:
            assert asyncio.get_running_loop().time() < deadline, answer.text
            await asyncio.sleep(0.02)

    async def announce(self, manifest: Manifest = MANIFEST) -> httpx2.Response:
        path = f"/v1/models/{manifest.name}/{manifest.version}"
        return await self.http.put(path, content=manifest.model_dump_json())

    async def send(
        self, rows: Sequence[Sequence[Any]], manifest: Manifest = MANIFEST, columns: Sequence[str] | None = None
    ) -> httpx2.Response:
        batch = {"model": manifest.name, "version": manifest.version, "rows": rows}
        return await self.send_batches([batch | {"columns": columns or columns_of(manifest)}])

    async def send_batches(self, batches: Sequence[dict[str, Any]], **headers: str) -> httpx2.Response:
        body = msgspec.msgpack.encode({"batches": batches})
        return await self.http.post(
            "/v1/records", content=body, headers={"content-type": "application/msgpack"} | headers
        )

    async def store(self, rows: Sequence[Sequence[Any]], manifest: Manifest = MANIFEST) -> None:
        """Send rows that must all be new and good."""
        answer = await self.send(rows, manifest)
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"accepted": len(rows), "duplicates": 0, "rejected": []}

    async def send_json(self, text: object) -> httpx2.Response:
        body = text if isinstance(text, str | bytes) else json.dumps(text)
        return await self.http.post("/v1/records", content=body, headers={"content-type": "application/json"})

    async def records(self, model: str = "houses", **query: Any) -> list[dict[str, Any]]:
        answer = await self.http.get("/v1/records", params={"model": model} | query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["records"]
        return found

    async def stats(self, model: str = "houses") -> list[dict[str, Any]]:
        answer = await self.http.get("/v1/stats", params={"model": model})
        found: list[dict[str, Any]] = answer.json()["models"]
        return found

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"pilothouse_collector_{name}", labels)


@asynccontextmanager
async def running(url: str, clock: Clock | None = None, **settings: Any) -> AsyncIterator[Collector]:
    """A collector on the database at `url`, from its start to its stop."""
    registry, clock = CollectorRegistry(), clock or Clock()
    app = create_app(CollectorSettings(database_url=url, **settings), registry, clock)
    transport = httpx2.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://localhost") as c,
    ):
        yield Collector(c, registry, clock, app.state.components)
