"""What the tables hold and take, as gauges, on both databases."""

import pytest
from prometheus_client import CollectorRegistry

from services.collector.components import connect
from services.collector.errors import UnavailableError
from services.collector.maintenance.sizes import Sizes
from services.collector.metrics import CollectorMetrics
from services.collector.settings import CollectorSettings
from services.collector.store.database import Database
from services.collector.store.registry import ModelRegistry
from testkit.collector.driver import NOW, Ids, row


@pytest.fixture
async def gauge(database_url):
    """Measures now, and reads a gauge."""
    registry = CollectorRegistry()
    database = Database(connect(CollectorSettings(database_url=database_url)), timeout_seconds=10)
    sizes = Sizes(database, ModelRegistry(database), CollectorMetrics(registry))

    async def measure(name, **labels):
        database.migrated.set()
        await sizes.measure()
        return registry.get_sample_value(f"pilothouse_collector_{name}", labels)

    yield measure
    await database.adapter.close()


async def test_rows_and_bytes_of_a_model_version(collector, gauge):
    houses = {"model": "houses", "version": "1"}
    assert await gauge("table_rows", **houses) == 0
    empty = await gauge("table_bytes", **houses)
    ids = Ids()
    await collector.store([row(record_id=ids(NOW + i)) for i in range(3000)])
    assert await gauge("table_rows", **houses) == 3000
    grown = await gauge("table_bytes", **houses) - empty
    assert 3000 * 60 < grown < 3000 * 1000
    assert await gauge("database_bytes") > grown


async def test_the_pool_says_how_large_it_may_become(collector):
    assert collector.metric("pool_limit") in (5, 6)  # SQLite's one writer has a pool of its own
    assert collector.metric("pool_in_use") <= collector.metric("pool_limit")


async def test_before_the_database_is_reached_nothing_is_measured(tmp_path):
    database = Database(connect(CollectorSettings(state=tmp_path)), timeout_seconds=10)
    registry = CollectorRegistry()
    with pytest.raises(UnavailableError):
        await Sizes(database, ModelRegistry(database), CollectorMetrics(registry)).measure()
    assert registry.get_sample_value("pilothouse_collector_database_bytes") == 0
    await database.adapter.close()
