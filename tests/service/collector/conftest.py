"""Each test that takes `collector` runs on real SQLite and on real PostgreSQL."""

import pytest

from testkit.collector.driver import running


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
