"""Files that are written whole or not at all, by several at once too."""

import resource
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.inference.catalog import Role, RolesFile
from services.inference.spool.durable import write_durably

WRITERS = 8


def at_once(write):
    """Several writers with one process number, as containers that share a volume have."""
    barrier = threading.Barrier(WRITERS)

    def one(number):
        barrier.wait(10)
        write(number)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(one, range(WRITERS)))


def test_writers_with_one_process_number_do_not_take_each_others_file(tmp_path):
    for n in range(20):
        at_once(lambda _, n=n: write_durably(tmp_path / f"{n}.json", b"{}"))
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f"{n}.json" for n in range(20))


def test_decisions_of_several_at_once_leave_those_of_one_of_them(tmp_path):
    roles = RolesFile(tmp_path / "roles.json")
    for _ in range(20):
        at_once(lambda number: roles.write({"toy": Role(str(number))}))
    assert roles.read()["toy"].active in [str(n) for n in range(WRITERS)]
    assert [p.name for p in tmp_path.iterdir()] == ["roles.json"]


def test_a_write_that_the_disk_refuses_leaves_nothing_behind(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (70, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            write_durably(tmp_path / "file", bytes(100))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []
