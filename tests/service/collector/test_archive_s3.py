"""The archive in a bucket of a real S3 server: whole objects, and words for what goes wrong."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pilothouse.archive import day_path, open_archive
from pilothouse.errors import ArchiveAwayError
from testkit.collector.archive import days, maintain, write
from testkit.collector.driver import DAY, NOW, Clock, Ids, row, running

DAY_PATH = day_path("houses", "1", NOW // DAY - 5)


@pytest.fixture
async def archive(bucket, tmp_path):
    url = f"sqlite:///{tmp_path}/collector.sqlite"
    async with running(url, Clock(), archive_url=bucket, archive_delay_hours=0, retention_days=2) as collector:
        await collector.ready()
        await collector.announce()
        yield collector


def read(bucket):
    return pq.read_table(open_archive(bucket).open(DAY_PATH))


async def test_a_day_is_written_dropped_and_joined_by_what_comes_later(archive, bucket):
    ids = Ids()
    rows = [row(record_id=ids(NOW - 5 * DAY + i)) for i in range(3000)]
    await archive.store(rows[::2])
    await write(archive)
    await maintain(archive)
    await archive.store(rows[1::2])
    await write(archive)
    await maintain(archive)
    assert read(bucket).column("id").to_pylist() == sorted(read(bucket).column("id").to_pylist())
    assert read(bucket).num_rows == 3000
    assert [d["records"] for d in await days(archive)] == [3000]


async def test_an_upload_of_several_parts_that_fails_midway_is_not_there(bucket):
    async def parts():
        yield bytes(12 << 20)
        raise RuntimeError("midway")

    archive = open_archive(bucket)
    with pytest.raises(RuntimeError, match="midway"):
        await archive.put(DAY_PATH, parts())
    with pytest.raises(FileNotFoundError):
        archive.open(DAY_PATH)


async def test_large_objects_arrive_whole(bucket):
    table = pa.table({"x": pa.array(range(3_000_000))})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="none")
    content = sink.getvalue().to_pybytes()

    async def parts():
        for start in range(0, len(content), 1 << 20):
            yield content[start : start + (1 << 20)]

    assert await open_archive(bucket).put(DAY_PATH, parts()) == len(content)
    assert read(bucket).equals(table)


async def test_a_bucket_that_is_not_there_is_said_in_a_line(bucket):
    with pytest.raises(ArchiveAwayError, match=r"^s3://no-such-bucket/x: NoSuchBucket: The specified bucket"):
        await open_archive("s3://no-such-bucket/x").check()


async def test_a_store_that_does_not_answer_is_said_in_a_line(bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(ArchiveAwayError) as caught:
        await open_archive(bucket).check()
    assert str(caught.value).startswith(f"{bucket}: ")
    assert "\n" not in str(caught.value)


async def test_without_credentials_it_is_said_where_they_come_from(bucket, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ArchiveAwayError, match="no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET"):
        await open_archive(bucket).check()


async def test_while_the_store_is_away_records_come_in_and_nothing_is_dropped(bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    url = f"sqlite:///{tmp_path}/collector.sqlite"
    async with running(url, Clock(), archive_url=bucket, archive_delay_hours=0, retention_days=2) as collector:
        await collector.ready()
        await collector.announce()
        await collector.store([row(at_ms=NOW - 5 * DAY)])
        with pytest.raises(ArchiveAwayError):
            await write(collector)
        await maintain(collector)
        assert len(await collector.records()) == 1
