"""Days are dropped from the database when the archive has all of them, and what comes later joins them there."""

import uuid

import pytest

from testkit.collector.archive import archiving, days, file, label, maintain, read, write
from testkit.collector.driver import DAY, NOW, row


@pytest.fixture
async def short(database_url, root, clock):
    """As `archive`, and records are kept for two days."""
    async with archiving(database_url, root, clock, retention_days=2) as collector:
        await collector.announce()
        yield collector


async def test_retention_drops_only_days_that_the_archive_has(short, root):
    await short.store([row(at_ms=NOW - age * DAY) for age in (0, 5)])
    await maintain(short)
    assert len(await short.records()) == 2
    await write(short)
    await maintain(short)
    assert len(await short.records()) == 1
    assert read(root, 5).num_rows == 1
    assert [d["dropped"] for d in await days(short)] == [True]


async def test_labels_of_a_day_that_waits_for_the_archive_are_kept(short, root):
    old = row(at_ms=NOW - 5 * DAY)
    await short.store([old])
    await label(short, old[0], "yes")
    await maintain(short)
    await write(short)
    await maintain(short)
    assert read(root, 5).column("label").to_pylist() == ["yes"]
    assert (await short.http.get(f"/v1/labels/{uuid.UUID(bytes=old[0])}")).json()["labels"] == []


async def test_a_record_that_comes_between_archiving_and_dropping_stops_the_dropping(short, root):
    await short.store([row(at_ms=NOW - 5 * DAY)])
    await write(short)
    await short.store([row(at_ms=NOW - 5 * DAY + 1)])
    await maintain(short)
    assert len(await short.records()) == 2


async def test_records_that_come_after_their_day_was_dropped_join_those_in_the_archive(short, root):
    first, second, third = (row(at_ms=NOW - 5 * DAY + i, area=float(i)) for i in (10, 20, 30))
    await short.store([first, third])
    await label(short, first[0], "yes")
    await write(short)
    await maintain(short)
    assert await short.records() == []
    await short.store([second, row(record_id=first[0], area=10.0)])
    await write(short)
    await maintain(short)
    assert read(root, 5).select(["area", "label"]).to_pylist() == [
        {"area": 10.0, "label": "yes"}, {"area": 20.0, "label": None}, {"area": 30.0, "label": None}
    ]  # fmt: skip
    assert await short.records() == []


async def test_a_file_that_is_gone_is_said_and_nothing_more_is_dropped(short, root):
    await short.store([row(at_ms=NOW - 5 * DAY)])
    await write(short)
    await maintain(short)
    file(root, 5).unlink()
    await short.store([row(at_ms=NOW - 5 * DAY + 1)])
    await write(short)
    await maintain(short)
    assert "is gone from the archive" in (await short.http.get("/v1/archive")).json()["failure"]
    assert len(await short.records()) == 1
