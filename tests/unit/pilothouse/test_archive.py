"""Where days lie, and that a file is there whole or not at all."""

import resource

import pytest

from pilothouse.archive import day_number, day_path, day_text, open_archive
from pilothouse.errors import ArchiveAddressError, ArchiveAwayError

PATH = day_path("houses", "1", 20_775)


async def parts(*found):
    for part in found:
        if isinstance(part, Exception):
            raise part
        yield part


@pytest.fixture
def archive(tmp_path):
    return open_archive(f"file://{tmp_path}/archive")


def test_a_day_is_named_as_hive_partitions_are():
    assert PATH == "model=houses/version=1/day=2026-11-18/records.parquet"
    assert day_number(day_text(20_775)) == 20_775


@pytest.mark.parametrize("address", ["archive", "/archive", "file://host/archive", "file:///", "ftp://host/x", "s3://",
                                     "gs:///x", "s3://bucket/x?region=eu", ""])  # fmt: skip
def test_an_address_that_is_none_is_refused_with_those_that_are(address):
    with pytest.raises(ArchiveAddressError, match="gs://BUCKET/PREFIX, s3://BUCKET/PREFIX or file:///FOLDER"):
        open_archive(address)


async def test_what_was_put_is_read(archive):
    assert await archive.put(PATH, parts(b"ab", b"c")) == 3
    with archive.open(PATH) as file:
        assert file.read() == b"abc"


async def test_what_fails_midway_leaves_what_was_there_and_nothing_else(archive, tmp_path):
    await archive.put(PATH, parts(b"before"))
    with pytest.raises(RuntimeError, match="midway"):
        await archive.put(PATH, parts(b"after", RuntimeError("midway")))
    assert [p.read_bytes() for p in (tmp_path / "archive").rglob("*") if p.is_file()] == [b"before"]


async def test_a_disk_that_is_full_is_said_and_leaves_what_was_there(archive, tmp_path):
    await archive.put(PATH, parts(b"before"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(ArchiveAwayError, match=r"^file:///.*: File too large$"):
            await archive.put(PATH, parts(*[bytes(50_000)] * 4))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [p.read_bytes() for p in (tmp_path / "archive").rglob("*") if p.is_file()] == [b"before"]


async def test_a_folder_that_cannot_be_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ArchiveAwayError, match="Not a directory"):
        await open_archive(f"file://{tmp_path}/file/archive").check()
