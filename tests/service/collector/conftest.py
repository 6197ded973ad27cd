"""Each test that takes `collector` or `archive` runs on real SQLite and on real PostgreSQL."""

import pytest

from testkit.collector.archive import archiving
from testkit.collector.driver import Clock, running


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/collector.sqlite"
    return request.getfixturevalue("postgres").clean_database()


@pytest.fixture
async def empty(database_url):
    """A ready collector that knows no model."""
    async with running(database_url, max_body_bytes=500_000, max_decoded_bytes=900_000) as collector:
        await collector.ready()
        yield collector


@pytest.fixture
async def collector(empty):
    """A ready collector that knows `houses` version 1."""
    assert (await empty.announce()).status_code == 201
    return empty


@pytest.fixture
def root(tmp_path):
    return tmp_path / "archive"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def archive(database_url, root, clock):
    """A collector that knows `houses` and has an archive, which it writes when it is asked to."""
    async with archiving(database_url, root, clock) as collector:
        await collector.announce()
        yield collector
