"""SQLite is told what it has to know to use the index of the upper levels: without it, a sample scans the table."""

from uuid import UUID

import sqlalchemy as sa

from services.collector.components import connect
from services.collector.records.reading import RecordReader
from services.collector.records.selection import Selection, fields_of
from services.collector.records.stats import count_labels
from services.collector.settings import CollectorSettings
from services.collector.store.database import Database
from services.collector.store.registry import ModelRegistry
from testkit.collector.driver import NOW, Ids, row, running


async def test_a_sample_and_an_estimate_never_scan_the_table(tmp_path):
    url = f"sqlite:///{tmp_path}/collector.sqlite"
    async with running(url) as collector:
        await collector.ready()
        await collector.announce()
        ids = Ids(3)
        await collector.store([row(record_id=ids(NOW)) for _ in range(4000)])
        asked = await statements(url)
    assert len(asked) > 3
    assert [plan for _, plan in asked if "SCAN records_" in plan] == []


async def statements(url):
    """What a sample and an estimate ask of the table of records, each with SQLite's plan for it."""
    adapter = connect(CollectorSettings(database_url=url))
    database = Database(adapter, timeout_seconds=30)
    await database.prepare()
    table = await ModelRegistry(database).table("houses", "1")
    seen = []
    engine = adapter.reader.sync_engine
    sa.event.listen(engine, "before_cursor_execute", lambda c, k, s, p, x, m: seen.append((s, p)))
    reader = RecordReader(database)
    await reader.sample(Selection(table, fields_of(table, ["id"], labels=False)), 100)
    async with database.reading() as connection:
        span = (UUID(bytes=Ids(3)(0)), UUID(bytes=Ids(3)(NOW + 1)))
        await count_labels(connection, adapter, table, records=4000, span=span, counted=-1, sample_bits=8)
    asked = [(s, p) for s, p in seen if f"FROM {table.name}" in s.replace('"', "")]
    async with adapter.reader.connect() as connection:
        plans = [
            (s, str([r[3] for r in await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {s}", p)])) for s, p in asked
        ]
    await adapter.close()
    return plans
