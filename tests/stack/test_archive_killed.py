"""`kill -9` of a collector while it writes a day to the archive: what can be read is whole, then and afterwards."""

import os
import signal
import sys
import time

import httpx2
import msgspec
import pyarrow.parquet as pq
import pytest

from pilothouse.archive import day_path
from testkit.collector.driver import DAY, PICTURES, Ids, columns_of
from testkit.ports import free_ports
from testkit.postgres import _serve
from testkit.stack.processes import Stack
from testkit.waiting import wait_for

WIDE = PICTURES.model_copy(update={"input": PICTURES.input.model_copy(update={"embedding_size": 512})})
ROWS, BATCH = 24_000, 2_000  # some 50 MB of vectors, which are three row groups


class World:
    """A PostgreSQL database, an archive in a folder, and a collector that can be killed."""

    def __init__(self, server, folder):
        self._server, self.root = server, folder / "archive"
        self._url = server.create_database()
        (port,) = free_ports(1)
        self.address = f"http://127.0.0.1:{port}"
        self._environment = {
            "COLLECTOR_PORT": str(port),
            "PILOTHOUSE_DATABASE_URL": self._url,
            "PILOTHOUSE_ARCHIVE_URL": f"file://{self.root}",
            "PILOTHOUSE_ARCHIVE_DELAY_HOURS": "0",
            "PILOTHOUSE_LOG_LEVEL": "warning",
        }
        # a day long past, so that it is complete and is whole in its own partition
        self.day = int(time.time() * 1000) // DAY - 3
        self.file = self.root / day_path("pictures", "1", self.day)

    def collector(self):
        collector = Stack(sys.executable, "-m", "services.collector", environment=self._environment)
        wait_for(lambda: self._is_ready(collector), seconds=120)
        return collector

    def _is_ready(self, collector):
        assert collector.process.poll() is None
        try:
            return httpx2.get(f"{self.address}/health/ready", timeout=10).status_code == 200
        except httpx2.TransportError:
            return False

    def fill(self):
        """Records of the day, and their ids."""
        httpx2.put(
            f"{self.address}/v1/models/pictures/1", content=WIDE.model_dump_json(), timeout=60
        ).raise_for_status()
        new_id, names = Ids(), columns_of(WIDE)
        ids = [new_id(self.day * DAY + i) for i in range(ROWS)]
        values = {"prediction": "cat", "brightness": 0.5}
        for start in range(0, ROWS, BATCH):
            rows = [
                [{**values, "id": i, "embedding": os.urandom(1) + bytes(2047)}.get(n) for n in names]
                for i in ids[start : start + BATCH]
            ]
            body = msgspec.msgpack.encode(
                {"batches": [{"model": "pictures", "version": "1", "columns": names, "rows": rows}]}
            )
            answer = httpx2.post(
                f"{self.address}/v1/records", content=body, headers={"content-type": "application/msgpack"}, timeout=120
            )
            assert answer.json()["accepted"] == len(rows), answer.text
        return ids

    def ask_for_a_round(self):
        httpx2.post(f"{self.address}/v1/archive/runs", timeout=60).raise_for_status()

    def archived(self):
        """Rows and bytes that the ledger says the archive has."""
        days = httpx2.get(f"{self.address}/v1/archive", timeout=60).json()["days"]
        return [(d["records"], d["bytes"]) for d in days]

    def drafts(self):
        return list(self.root.rglob(".records.parquet.*"))

    def end_the_lease(self):
        """Instead of waiting two minutes for that of the killed one to run out."""
        self._server.sql("UPDATE leases SET until = 0", self._url.rpartition("/")[2])

    def read(self):
        """What a reader finds by the glob that the documentation says: ids, in order."""
        found = [pq.read_table(path, columns=["id"]) for path in self.root.glob("model=*/version=*/day=*/*.parquet")]
        return [bytes.fromhex(i.replace("-", "")) for table in found for i in table.column("id").to_pylist()]


@pytest.fixture
def world(tmp_path):
    for server in _serve():
        yield World(server, tmp_path)


def test_killed_again_and_again_it_leaves_nothing_by_halves_and_the_next_one_finishes(world):
    collector, killed_at = world.collector(), []
    ids = world.fill()
    for least_bytes in (1, 10_000, 1):
        world.ask_for_a_round()
        wait_for(lambda least=least_bytes: any(size_of(d) >= least for d in world.drafts()), seconds=120)
        kill(collector)
        killed_at.append([size_of(d) for d in world.drafts()])
        assert world.read() == []
        collector = world.collector()
        assert world.archived() == []
        world.end_the_lease()
    assert all(killed_at), "it was never killed while it wrote"
    with collector:
        world.ask_for_a_round()
        wait_for(world.archived, seconds=120)
        assert world.read() == ids
        assert world.archived() == [(ROWS, world.file.stat().st_size)]
        assert world.drafts() == []


def test_killed_between_the_file_and_its_note_it_is_written_again_and_is_there_once(world):
    collector = world.collector()
    ids = world.fill()
    with world._server.holding("LOCK TABLE archived_days IN EXCLUSIVE MODE", world._url.rpartition("/")[2]):
        world.ask_for_a_round()
        wait_for(world.file.exists, seconds=120)
        kill(collector)
    assert world.read() == ids
    with world.collector():
        assert world.archived() == []
        world.end_the_lease()
        world.ask_for_a_round()
        wait_for(world.archived, seconds=120)
        assert world.archived() == [(ROWS, world.file.stat().st_size)]
        assert world.read() == ids


def kill(collector):
    collector.process.send_signal(signal.SIGKILL)
    collector.end()
    collector.process.stdout.close()


def size_of(path):
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0  # it has just got its name, or was given up
