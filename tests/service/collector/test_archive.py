"""Complete days are written to the archive once, and again when they have changed."""

import asyncio

import pyarrow.parquet as pq
import pytest

from services.collector.archive.ledger import LEASE_SECONDS
from testkit.collector.archive import TODAY, archiving, days, file, label, read, write
from testkit.collector.driver import DAY, NOW, PRICES, Ids, columns_of, row, running


async def test_complete_days_are_written_and_today_is_not(archive, root):
    await archive.store([row(at_ms=NOW - age * DAY, area=float(age)) for age in (0, 1, 1, 2)])
    await write(archive)
    assert [(d["day"], d["records"]) for d in await days(archive)] == [("2026-11-17", 2), ("2026-11-16", 1)]
    assert read(root, 1).column("area").to_pylist() == [1.0, 1.0]
    assert not file(root, 0).exists()


async def test_a_file_has_what_the_collector_answers_in_the_same_types(archive, root, tmp_path):
    ids = Ids()
    rows = [row(record_id=ids(NOW - DAY + i), area=None if i % 3 else float(i)) for i in range(50)]
    await archive.store(rows)
    await label(archive, rows[7][0], "yes")
    answer = await archive.http.get("/v1/records", params={"model": "houses", "format": "parquet", "labels": "true"})
    (tmp_path / "answer.parquet").write_bytes(answer.content)
    await write(archive)
    stored, told = read(root), pq.read_table(tmp_path / "answer.parquet")
    assert stored.select(told.column_names).equals(told)
    assert set(stored.column_names) - set(told.column_names) == {"level", "labelled_at"}


async def test_a_day_is_not_complete_before_its_delay(database_url, root, clock):
    clock.now = (TODAY * DAY) + DAY // 4
    async with running(database_url, clock, archive_url=f"file://{root}", archive_delay_hours=7) as collector:
        await collector.ready()
        await collector.announce()
        await collector.store([row(at_ms=NOW - DAY)])
        await write(collector)
        assert await days(collector) == []
        clock.now += DAY // 12
        await write(collector)
        assert len(await days(collector)) == 1


async def test_what_has_not_changed_is_not_written_again(archive, root, clock):
    await archive.store([row(at_ms=NOW - DAY)])
    await write(archive)
    first = file(root).stat().st_mtime_ns
    clock.now += 2 * DAY
    await write(archive)
    assert file(root).stat().st_mtime_ns == first


async def test_late_records_and_labels_have_their_day_written_again_once_a_day(archive, root, clock):
    early = row(at_ms=NOW - DAY)
    await archive.store([early])
    await write(archive)
    await archive.store([row(at_ms=NOW - DAY + 5)])
    await label(archive, early[0], "yes")
    await write(archive)
    assert read(root).num_rows == 1, "a day is not written for every late record"
    clock.now += DAY
    await write(archive)
    assert sorted(read(root).column("label").to_pylist(), key=str) == [None, "yes"]


async def test_a_corrected_label_is_a_change_too(archive, root, clock):
    one = row(at_ms=NOW - DAY)
    await archive.store([one])
    await label(archive, one[0], "yes")
    await write(archive)
    clock.now += DAY
    await label(archive, one[0], "no")
    await write(archive)
    assert read(root).column("label").to_pylist() == ["no"]


async def test_a_day_that_is_asked_for_is_written_whether_it_has_changed_or_not(archive, root):
    await archive.store([row(at_ms=NOW)])
    today = {"model": "houses", "version": "1", "day": "2026-11-18"}
    answer = await archive.http.post("/v1/archive/runs", params=today)
    assert answer.status_code == 202
    for _ in range(200):
        if await days(archive):
            break
        await asyncio.sleep(0.05)
    assert read(root, 0).num_rows == 1


@pytest.mark.parametrize("query", [{"day": "2026-11-18"}, {"model": "houses", "version": "1", "day": "2026-13-99"}])
async def test_a_day_that_cannot_be_is_refused(archive, query):
    assert (await archive.http.post("/v1/archive/runs", params=query)).status_code == 422


async def test_without_an_archive_there_is_nothing_to_write_to(collector):
    assert (await collector.http.post("/v1/archive/runs")).json()["type"].endswith("no-archive")
    assert (await collector.http.get("/v1/archive")).json() == {"archive": None, "failure": None, "days": []}


def uuid_at(at_ms):
    return Ids(at_ms)(at_ms)


async def test_every_model_version_has_its_own_files(archive, root):
    await archive.announce(PRICES)
    await archive.store([row(at_ms=NOW - DAY)])
    await archive.send([[uuid_at(NOW - DAY), 1.0, 2.0]], PRICES, ["id", "area", "prediction"])
    await write(archive)
    assert read(root, 1, model="prices", version="2.0-rc.1").num_rows == 1
    assert {d["model"] for d in await days(archive)} == {"houses", "prices"}
    assert [d["model"] for d in await days(archive, model="prices")] == ["prices"]


async def test_two_collectors_write_each_day_once(database_url, root, clock):
    async with archiving(database_url, root, clock) as one, archiving(database_url, root, clock) as other:
        await one.announce()
        await one.store([row(at_ms=NOW - age * DAY) for age in range(1, 7)])
        await asyncio.gather(write(one), write(other))
        written = [c.metric("archive_days_total", model="houses", version="1") or 0 for c in (one, other)]
        assert sum(written) == 6
        assert len(await days(one)) == 6


async def test_the_lease_of_a_collector_that_has_died_runs_out(database_url, root, clock):
    async with archiving(database_url, root, clock) as dead, archiving(database_url, root, clock) as other:
        await dead.announce()
        await dead.store([row(at_ms=NOW - DAY)])
        assert await dead.components.archiver.ledger.take()
        await write(other)
        assert await days(other) == []
        clock.now += LEASE_SECONDS * 1000 + 1
        await write(other)
        assert len(await days(other)) == 1


async def test_a_collector_that_has_lost_its_lease_publishes_nothing(database_url, root, clock):
    async with archiving(database_url, root, clock) as slow, archiving(database_url, root, clock) as other:
        await slow.announce()
        await slow.store([row(at_ms=NOW - DAY)])
        ledger = slow.components.archiver.ledger
        due = await ledger.one("houses", "1", TODAY - 1)
        assert await ledger.take()
        clock.now += LEASE_SECONDS * 1000 + 1
        await write(other)
        with pytest.raises(Exception, match="taken over"):
            await ledger.written(due, records=1, size=1)


async def test_what_a_killed_writer_left_is_no_day_and_is_cleared_away(archive, root):
    await archive.store([row(at_ms=NOW - DAY)])
    left = file(root).with_name(".records.parquet.0a1b2c3d")
    left.parent.mkdir(parents=True)
    left.write_bytes(b"PAR1")
    await write(archive)
    assert [p.name for p in left.parent.iterdir()] == ["records.parquet"]


async def test_metrics_say_what_was_written_and_how_far_behind_it_is(archive, root):
    await archive.store([row(at_ms=NOW - age * DAY) for age in (1, 3)])
    await write(archive)
    key = {"model": "houses", "version": "1"}
    assert archive.metric("archive_days_total", **key) == 2
    assert archive.metric("archive_bytes_total", **key) == sum(file(root, age).stat().st_size for age in (1, 3))
    assert archive.metric("archive_waiting_days", **key) == 0
    assert archive.metric("archive_age_seconds", **key) == (NOW - TODAY * DAY) / 1000
    await archive.store([row(at_ms=NOW - 2 * DAY)])
    await archive.store([row(at_ms=NOW - 3 * DAY)])
    standing = await archive.components.archiver.ledger.standing(before=TODAY)
    assert standing["houses", "1"].waiting == 2


async def test_the_columns_of_a_file_are_those_of_the_manifest(archive, root):
    await archive.store([row(at_ms=NOW - DAY)])
    await write(archive)
    names = read(root).column_names
    assert names == ["id", "at", "level", *columns_of()[1:], "label", "labelled_at"]
