"""What is older than the retention goes, whole days at a time, with its labels and its counts."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from services.collector.components import connect
from services.collector.maintenance.rounds import Maintenance
from services.collector.metrics import CollectorMetrics
from services.collector.settings import CollectorSettings
from services.collector.store.database import Database
from services.collector.store.registry import ModelRegistry
from services.collector.store.statements import DELETED_ROWS
from testkit.collector.driver import DAY, NOW, Clock, Ids, row, running


class Upkeep:
    """Maintenance on the collector's database, one round at a time."""

    def __init__(self, url, clock, **days):
        self.registry = CollectorRegistry()
        self._adapter = connect(CollectorSettings(database_url=url))
        self._database = Database(self._adapter, timeout_seconds=10)
        metrics = CollectorMetrics(self.registry)
        days = {"retention_days": 0, "history_days": 0} | days
        self._maintenance = Maintenance(
            self._database, ModelRegistry(self._database, clock), metrics, clock=clock, **days
        )

    async def round(self):
        await self._database.prepare()
        try:
            await self._maintenance.round()
        finally:
            await self._adapter.close()

    def counted(self, name):
        return self.registry.get_sample_value(f"pilothouse_collector_{name}", {"model": "houses", "version": "1"})


async def test_old_days_are_dropped_and_counted(collector, database_url):
    await collector.store([row(at_ms=NOW - age * DAY, area=float(age)) for age in (0, 1, 2, 3, 3, 40)])
    upkeep = Upkeep(database_url, Clock(), retention_days=2)
    await upkeep.round()
    assert sorted(r["area"] for r in await collector.records()) == [0.0, 1.0, 2.0]
    assert (await collector.stats())[0]["records"] == 3
    assert upkeep.counted("partitions_dropped_total") == 2
    assert upkeep.counted("records_expired_total") == 3


async def test_without_a_retention_everything_is_kept(collector, database_url):
    await collector.store([row(at_ms=NOW - 5000 * DAY)])
    await Upkeep(database_url, Clock()).round()
    assert len(await collector.records()) == 1


async def test_labels_go_with_their_records(collector, database_url):
    await collector.store([row(at_ms=NOW - 9 * DAY), row()])
    ids = [r["id"] for r in await collector.records()]
    await collector.http.post("/v1/labels", json=[{"record_id": i, "label": "yes"} for i in ids])
    await Upkeep(database_url, Clock(), retention_days=3).round()
    kept = [(await collector.http.get(f"/v1/labels/{i}")).json()["labels"] for i in ids]
    assert [len(labels) for labels in kept] == [0, 1]


async def test_a_record_that_comes_after_its_day_was_dropped_is_taken(collector, database_url):
    late = row(at_ms=NOW - 9 * DAY)
    await collector.store([row(at_ms=NOW - 9 * DAY)])
    await Upkeep(database_url, Clock(), retention_days=3).round()
    await collector.store([late])
    assert len(await collector.records()) == 1


async def test_old_history_is_dropped_and_what_was_heard_of_since_is_kept(collector, database_url):
    old = "2025-01-01T00:00:00Z"
    for at in (old, "2026-11-17T00:00:00Z"):
        run = {"model": "houses", "version": "1", "verdict": "drift", "at": at}
        await collector.http.post("/v1/drift-runs", json=run)
    alerts = [{"status": s, "startsAt": old, "endsAt": old, "fingerprint": s} for s in ("firing", "resolved")]
    await collector.http.post("/v1/alerts", json={"alerts": alerts})
    await Upkeep(database_url, Clock(), history_days=30).round()
    assert len((await collector.http.get("/v1/drift-runs")).json()["drift_runs"]) == 1
    assert len((await collector.http.get("/v1/alerts")).json()["alerts"]) == 2
    await Upkeep(database_url, Clock(NOW + 31 * DAY), history_days=30).round()
    assert (await collector.http.get("/v1/alerts")).json()["alerts"] == []


@pytest.fixture
async def partitioned(postgres):
    url = postgres.clean_database()
    async with running(url) as collector:
        await collector.ready()
        await collector.announce()
        yield collector, url, lambda: _partitions(postgres)


def _partitions(postgres):
    statement = (
        "SELECT right(inhrelid::regclass::text, 8) FROM pg_inherits JOIN pg_class p ON p.oid = inhparent "
        "WHERE p.relkind = 'p' ORDER BY 1"
    )
    return postgres.sql(statement, "clean").split()


async def test_partitions_are_there_before_their_day(partitioned):
    _, url, partitions = partitioned
    assert partitions() == ["20261118", "20261119", "20261120"]
    await Upkeep(url, Clock(NOW + DAY)).round()
    assert partitions()[-1] == "20261121"


async def test_a_record_of_another_day_makes_its_partition(partitioned):
    collector, _, partitions = partitioned
    await collector.store([row(at_ms=NOW - 3 * DAY), row(at_ms=NOW + DAY)])
    assert partitions()[0] == "20261115"


async def test_empty_partitions_of_days_gone_by_are_dropped_too(partitioned):
    _, url, partitions = partitioned
    await Upkeep(url, Clock(NOW + 10 * DAY), retention_days=5).round()
    assert partitions() == ["20261128", "20261129", "20261130"]


async def test_a_batch_of_a_thousand_days_does_not_make_a_thousand_partitions(collector):
    answer = await collector.send([row(at_ms=NOW - i * DAY) for i in range(450)])
    assert answer.json()["accepted"] == 400
    assert {r["code"] for r in answer.json()["rejected"]} == {"too_many_days"}


async def test_three_at_once_drop_each_day_once(partitioned):
    collector, url, partitions = partitioned
    await collector.store([row(at_ms=NOW - age * DAY) for age in range(12)])
    upkeeps = [Upkeep(url, Clock(), retention_days=2) for _ in range(3)]
    await asyncio.gather(*(upkeep.round() for upkeep in upkeeps))
    assert partitions() == ["20261116", "20261117", "20261118", "20261119", "20261120"]
    dropped = [upkeep.counted("records_expired_total") or 0 for upkeep in upkeeps]
    assert sum(dropped) == 9
    assert len(await collector.records()) == 3


async def test_three_at_once_make_the_days_ahead_once(partitioned):
    _, url, partitions = partitioned
    await asyncio.gather(*(Upkeep(url, Clock(NOW + 5 * DAY)).round() for _ in range(3)))
    assert partitions()[-3:] == ["20261123", "20261124", "20261125"]


@pytest.fixture(params=["sqlite", "postgresql without partitions"])
async def unpartitioned(request, tmp_path):
    """A collector whose days are no partitions, and its database's URL."""
    url = f"sqlite:///{tmp_path}/collector.sqlite"
    if request.param != "sqlite":
        url = request.getfixturevalue("postgres").clean_database()
    async with running(url, database_partitions="off") as collector:
        await collector.ready()
        await collector.announce()
        yield collector, url


async def test_a_large_day_is_dropped_a_bounded_number_of_rows_at_a_time(unpartitioned):
    collector, url = unpartitioned
    rows = 2 * DELETED_ROWS + 100
    ids = Ids()
    for start in range(0, rows, 4000):
        await collector.store([row(record_id=ids(NOW - 5 * DAY)) for _ in range(start, min(start + 4000, rows))])
    adapter = connect(CollectorSettings(database_url=url))
    database = Database(adapter, timeout_seconds=30)
    await database.prepare()
    table = await ModelRegistry(database).table("houses", "1")
    left = []
    done = False
    while not done:
        async with database.writing() as connection:
            done = await adapter.drop_day(connection, table, (NOW - 5 * DAY) // DAY)
        left.append(len(await collector.records(limit=10_000)) if left else None)
    await adapter.close()
    assert left == [None, 100, 0]


async def test_a_day_that_was_dropped_halfway_is_dropped_to_its_end(unpartitioned):
    collector, url = unpartitioned
    await collector.store([row(at_ms=NOW - 5 * DAY + i) for i in range(DELETED_ROWS + 10)])
    adapter = connect(CollectorSettings(database_url=url))
    database = Database(adapter, timeout_seconds=30)
    await database.prepare()
    async with database.writing() as connection:
        assert not await adapter.drop_day(
            connection, await ModelRegistry(database).table("houses", "1"), NOW // DAY - 5
        )
    await adapter.close()
    upkeep = Upkeep(url, Clock(), retention_days=2)
    await upkeep.round()
    assert (await collector.stats())[0]["records"] == 0
    assert await collector.records() == []
    assert upkeep.counted("partitions_dropped_total") == 1


async def test_records_come_in_while_a_large_day_is_dropped(unpartitioned):
    collector, url = unpartitioned
    for start in range(0, 4 * DELETED_ROWS, 5000):
        await collector.store([row(at_ms=NOW - 5 * DAY + start + i) for i in range(5000)])
    dropping = asyncio.create_task(Upkeep(url, Clock(), retention_days=2).round())
    sent = 0
    while not dropping.done():
        await collector.store([row(at_ms=NOW + sent)])
        sent += 1
    await dropping
    assert sent > 2
    assert (await collector.stats())[0]["records"] == sent
