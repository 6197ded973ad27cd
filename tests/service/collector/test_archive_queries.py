"""The DuckDB query of docs/archive.md, as it stands there, on files that a collector wrote."""

import re
from pathlib import Path

import duckdb
import pytest

from testkit.collector.archive import label, write
from testkit.collector.driver import DAY, NOW, PRICES, Clock, Ids, running

PAGE = Path(__file__).parents[3] / "docs" / "archive.md"


def query(root):
    text = re.search(r"DuckDB:\n```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
    return text.replace("s3://bucket/pilothouse/model=house-prices/version=1", f"{root}/model=prices/version=2.0-rc.1")


@pytest.fixture
async def root(tmp_path):
    """An archive of two days of October: ten predictions each, that miss by one and by two."""
    url, archive = f"sqlite:///{tmp_path}/collector.sqlite", f"file://{tmp_path}/archive"
    async with running(url, Clock(), archive_url=archive, archive_delay_hours=0) as collector:
        await collector.ready()
        await collector.announce(PRICES)
        ids = Ids()
        for age, miss in ((30, 1.0), (25, 2.0)):
            rows = [[ids(NOW - age * DAY), 1.0, 10.0 + i] for i in range(10)]
            await collector.send(rows, PRICES, ["id", "area", "prediction"])
            for i, one in enumerate(rows):
                await label(collector, one[0], 10.0 + i + miss)
        await write(collector)
    return tmp_path / "archive"


async def test_the_query_of_the_page_answers(root):
    found = [tuple(map(str, day)) for day in duckdb.sql(query(root)).fetchall()]
    assert found == [("2026-10-19", "10", "14.5", "1.0"), ("2026-10-24", "10", "14.5", "2.0")]
