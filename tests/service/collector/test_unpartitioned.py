"""What is tested of PostgreSQL, again with tables that have no partitions (PILOTHOUSE_DATABASE_PARTITIONS=off)."""

import pytest

from testkit.collector.driver import DAY, NOW, Clock, row, running
from tests.service.collector.test_ingest import *  # noqa: F403 - the tests themselves, on another database
from tests.service.collector.test_reading import *  # noqa: F403
from tests.service.collector.test_retention import Upkeep
from tests.service.collector.test_sampling import *  # noqa: F403
from tests.service.collector.test_sizes import *  # noqa: F403


@pytest.fixture
def database_url(postgres):
    return postgres.clean_database()


@pytest.fixture
async def empty(database_url):
    limits = {"max_body_bytes": 500_000, "max_decoded_bytes": 900_000}
    async with running(database_url, database_partitions="off", **limits) as collector:
        await collector.ready()
        yield collector


def kinds(postgres):
    found = postgres.sql("SELECT DISTINCT relkind FROM pg_class WHERE relname LIKE 'records\\_%' ORDER BY 1", "clean")
    return set(found.split())


async def test_there_is_no_partition(collector, postgres):
    await collector.store([row(at_ms=NOW - 3 * DAY)])
    assert "p" not in kinds(postgres)


async def test_a_table_stays_as_it_was_made_when_the_setting_changes(collector, postgres, database_url):
    async with running(database_url) as other:
        await other.ready()
        await other.store([row(at_ms=NOW - age * DAY) for age in (0, 9)])
        await Upkeep(database_url, Clock(), retention_days=3).round()
        assert len(await other.records()) == 1
    assert "p" not in kinds(postgres)
