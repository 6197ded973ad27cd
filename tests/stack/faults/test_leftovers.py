"""What lies in the spool when a service starts: poison, duplicates, another release's; and an interrupted migration."""

import random
import shutil
import time
import uuid
from pathlib import Path

import pytest

from testkit.faults.rig import FULL, Rig
from testkit.faults.spooled import house_record, leave

EARLIER = Path(__file__).parent / "earlier_release"


@pytest.fixture
def rig(tmp_path, postgres):
    """Not started yet: a test first puts into the spool what is to be found there."""
    made = Rig(tmp_path, postgres)
    yield made
    made.__exit__()


def run(rig):
    rig.collector.start()
    rig.inference.start()
    rig.drain()


def stored(rig):
    return sorted(uuid.UUID(i).bytes for i in rig.stored())


def test_poison_is_set_aside_with_its_reason_and_the_rest_goes_in(rig):
    good = [house_record() for _ in range(200)]
    poison = [house_record(source="nul \0"), house_record(record_id=uuid.uuid4().bytes)]
    payloads = [p for _, p in (*good, *poison)]
    random.Random(3).shuffle(payloads)
    leave(rig.state / "spool", "dead", payloads)
    run(rig)
    assert stored(rig) == sorted(i for i, _ in good)
    assert rig.sql("SELECT count(*) FROM dead_letters") == "2"
    assert rig.inference.metric("pilothouse_spool_records_total", outcome="dead_lettered") == 2


def test_duplicates_in_any_order_are_stored_once(rig):
    records = [house_record() for _ in range(300)]
    chance = random.Random(4)
    for name in ("dead1", "dead2", "dead3"):
        part = chance.sample(records, 250) + chance.sample(records, 50)
        leave(rig.state / "spool", name, [p for _, p in part])
    leave(rig.state / "spool", "dead4", [p for _, p in records])
    run(rig)
    assert stored(rig) == sorted(i for i, _ in records)


def test_a_spool_of_an_earlier_release_is_shipped(rig):
    """`earlier_release/` was written by release 0.1.0 and must never be made anew: it holds 50 records."""
    shutil.copytree(EARLIER, rig.state / "spool")
    run(rig)
    assert len(stored(rig)) == 50


def test_a_migration_killed_at_any_moment_is_taken_up_by_the_next_start(rig):
    chance = random.Random(6)
    for _ in range(20 if FULL else 5):
        rig.collector.start(wait=False)
        time.sleep(0.5 + chance.random() * 2)
        rig.collector.kill()
        rig.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        rig.collector.start(wait=False)
        time.sleep(0.5 + chance.random() * 2)
        rig.collector.kill()
    leave(rig.state / "spool", "dead", [house_record()[1]])
    run(rig)
    assert len(stored(rig)) == 1
