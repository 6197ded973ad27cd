import os
import resource
import subprocess
import sys

import pytest

from services.inference.errors import SpoolFullError, SpoolUnusableError
from services.inference.spool.reader import SpoolReader, adopt
from services.inference.spool.segments import SpoolWriter, encode_frame, lock_directory


def frame(number):
    return encode_frame(b"schema#1", b"record %d" % number)


def writer_in(folder, max_bytes=1_000_000, segment_bytes=100, mode="process"):
    return SpoolWriter(folder, mode, max_bytes, segment_bytes)


@pytest.fixture
def writer(tmp_path):
    return writer_in(tmp_path / "worker")


def drain(reader):
    read = []
    while (chunk := reader.read()) and (chunk.frames or chunk.last):
        read += [f.payload for f in chunk.frames]
        reader.commit(chunk)
    return read


def test_records_are_read_in_the_order_written_over_many_segments(writer):
    for n in range(50):
        writer.append(frame(n))
    reader = SpoolReader(writer.folder, writer)
    assert drain(reader) == [b"record %d" % n for n in range(50)]


def test_a_segment_is_unlinked_only_when_all_of_it_is_committed(writer):
    for n in range(9):
        writer.append(frame(n))
    writer.seal()
    reader = SpoolReader(writer.folder, writer, chunk_bytes=70)
    before = len(list(writer.folder.glob("*.seg")))
    first = reader.read()
    assert len(list(writer.folder.glob("*.seg"))) == before
    reader.commit(first)
    assert len(list(writer.folder.glob("*.seg"))) == before
    drain(reader)
    assert list(writer.folder.glob("*.seg")) == []
    assert writer.size_bytes == 0


def test_what_was_read_but_not_committed_is_read_again(writer):
    writer.append(frame(1))
    reader = SpoolReader(writer.folder, writer)
    assert reader.read().frames == reader.read().frames


def test_the_segment_being_written_is_read_as_it_grows(writer):
    reader = SpoolReader(writer.folder, writer)
    for n in range(3):
        writer.append(frame(n))
        chunk = reader.read()
        assert [f.payload for f in chunk.frames] == [b"record %d" % n]
        reader.commit(chunk)
    assert reader.read() is None


def test_the_spool_takes_no_more_than_its_bound(tmp_path):
    writer = writer_in(tmp_path / "worker", max_bytes=200)
    with pytest.raises(SpoolFullError, match="at most 200 bytes"):
        for n in range(20):
            writer.append(frame(n))
    assert writer.size_bytes <= 200


def test_there_is_room_again_when_segments_were_released(tmp_path):
    writer = writer_in(tmp_path / "worker", max_bytes=120, segment_bytes=50)
    writer.append(frame(1))
    writer.append(frame(2))
    with pytest.raises(SpoolFullError):
        for n in range(9):
            writer.append(frame(n))
    writer.seal()
    drain(SpoolReader(writer.folder, writer))
    writer.append(frame(3))
    assert drain(SpoolReader(writer.folder, writer)) == [b"record 3"]


def test_a_write_that_the_disk_refuses_leaves_whole_records_and_goes_on(tmp_path):
    """RLIMIT_FSIZE makes the kernel take a part of a write and refuse the rest, as a full disk does."""
    writer = writer_in(tmp_path / "worker", segment_bytes=10_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (70, hard))
    try:
        writer.append(frame(1))
        with pytest.raises(SpoolFullError):
            writer.append(frame(2) + frame(3))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    writer.append(frame(4))
    assert drain(SpoolReader(writer.folder, writer)) == [b"record 1", b"record 4"]


def test_a_directory_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SpoolUnusableError, match="Not a directory"):
        writer_in(tmp_path / "file" / "worker")


def test_the_directory_of_a_living_worker_is_left_alone(tmp_path, writer):
    assert list(adopt(tmp_path, tmp_path / "own")) == []


def test_the_directory_of_a_killed_worker_is_adopted_with_its_records(tmp_path):
    script = (
        "import os, pathlib, sys; from services.inference.spool.segments import SpoolWriter;"
        "from services.inference.spool.segments import encode_frame;"
        "w = SpoolWriter(pathlib.Path(sys.argv[1]), 'process', 10**6, 10**6);"
        "w.append(encode_frame(b'schema#1', b'record 1')); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "dead")], check=False)
    (orphan,) = adopt(tmp_path, tmp_path / "own")
    assert drain(SpoolReader(orphan.folder, None)) == [b"record 1"]
    orphan.remove()
    assert not (tmp_path / "dead").exists()


def test_an_adopted_directory_is_not_adopted_twice(tmp_path):
    (tmp_path / "dead").mkdir()
    os.close(lock_directory(tmp_path / "dead"))
    first = list(adopt(tmp_path, tmp_path / "own"))
    assert (len(first), list(adopt(tmp_path, tmp_path / "own"))) == (1, [])


def test_who_gives_up_at_the_first_dead_workers_directory_holds_no_other(tmp_path):
    for name in ("dead-1", "dead-2"):
        (tmp_path / name).mkdir()
        os.close(lock_directory(tmp_path / name))
    next(iter(adopt(tmp_path, tmp_path / "own"))).release()
    assert [o.folder.name for o in adopt(tmp_path, tmp_path / "own")] == ["dead-1", "dead-2"]


def test_closing_an_empty_spool_leaves_nothing_behind(writer):
    writer.append(frame(1))
    writer.seal()
    drain(SpoolReader(writer.folder, writer))
    writer.close()
    assert not writer.folder.exists()


def test_power_mode_writes_the_same_records(tmp_path):
    writer = writer_in(tmp_path / "worker", mode="power")
    writer.append(frame(1))
    assert drain(SpoolReader(writer.folder, writer)) == [b"record 1"]
