"""Labels are counted where they are few, and estimated from a sample where they are very many."""

from uuid import UUID

import pytest

from services.collector.components import connect
from services.collector.records.stats import LabelCount, count_labels, lowest_level
from services.collector.settings import CollectorSettings
from services.collector.store.database import Database
from services.collector.store.registry import ModelRegistry
from testkit.collector.driver import NOW, Ids, row

_SAMPLE_BITS = 8


@pytest.fixture
async def labelled(collector, database_url):
    """Store so many records, label every so-manieth, and count the labels, no more than `counted` one by one."""
    adapter = connect(CollectorSettings(database_url=database_url))
    database = Database(adapter, timeout_seconds=30)
    await database.prepare()

    async def count(records, *, each, counted):
        ids = Ids(5)
        rows = [row(record_id=ids(NOW)) for _ in range(records)]
        await collector.store(rows)
        labels = [{"record_id": str(UUID(bytes=r[0])), "label": "yes"} for r in rows[::each]]
        assert (await collector.http.post("/v1/labels", json=labels)).json()["accepted"] == len(labels)
        table = await ModelRegistry(database).table("houses", "1")
        span = (UUID(bytes=min(r[0] for r in rows)), UUID(bytes=max(r[0] for r in rows)))
        async with database.reading() as connection:
            return await count_labels(
                connection, adapter, table, records=records, span=span, counted=counted, sample_bits=_SAMPLE_BITS
            )

    yield count
    await adapter.close()


async def test_few_labels_are_counted_each(labelled):
    assert await labelled(4000, each=4, counted=1000) == LabelCount(1000, estimated=False)


async def test_very_many_labels_are_estimated_within_the_error_of_the_sample(labelled):
    found = await labelled(4000, each=4, counted=999)
    assert found.estimated
    assert abs(found.labels - 1000) < 4 * 4000 * (0.25 * 0.75 / 2**_SAMPLE_BITS) ** 0.5


async def test_of_few_records_all_labels_are_counted_however_many(labelled):
    assert await labelled(300, each=1, counted=5) == LabelCount(300, estimated=False)


def test_a_sample_is_at_least_as_large_as_it_is_meant_to_be_and_at_most_twice():
    for records in (2**17, 2**20 - 1, 2**20, 10**7):
        assert 2**14 <= records >> lowest_level(records) < 2**15
    assert lowest_level(2**17 - 1) == 0
