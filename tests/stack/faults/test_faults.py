"""The fault matrix: under each fault, every acknowledged record is stored exactly once.

In CI each fault is made a few times; `make chaos` sets PILOTHOUSE_CHAOS=full and makes it as often as the design says.
"""

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from testkit.faults.rig import FULL, Rig


def times(full, short):
    return full if FULL else short


@pytest.fixture
def rig(tmp_path, postgres):
    with Rig(tmp_path, postgres) as rig:
        yield rig


def test_collector_away_for_a_while(rig):
    with rig.load() as load:
        load.wait_for(200)
        rig.collector.kill()
        time.sleep(times(60, 5))
        rig.collector.start()
        load.wait_for(len(load.acknowledged) + 200)
    rig.drain()
    figures = rig.reconcile(load)
    assert figures.sound
    assert figures.failed == 0


def test_collector_killed_in_mid_batch(rig):
    chance = random.Random(7)
    with rig.load() as load:
        for _ in range(times(20, 4)):
            load.wait_for(len(load.acknowledged) + 200)
            time.sleep(chance.random() * 0.1)
            rig.collector.kill()
            rig.collector.start()
    rig.drain()
    figures = rig.reconcile(load)
    assert figures.sound
    assert figures.failed == 0


def test_database_stopped_in_immediate_mode(tmp_path, own_postgres):
    with Rig(tmp_path, own_postgres) as rig:
        with rig.load() as load:
            for _ in range(times(3, 1)):
                load.wait_for(len(load.acknowledged) + 200)
                own_postgres.stop(signal.SIGQUIT)
                time.sleep(1)
                own_postgres.start()
                load.wait_for(len(load.acknowledged) + 100)
        rig.drain()
        figures = rig.reconcile(load)
    assert figures.sound
    assert figures.failed == 0


def test_inference_killed_under_load(rig):
    with rig.load() as load:
        for _ in range(times(50, 4)):
            load.wait_for(len(load.acknowledged) + 100)
            rig.inference.kill()
            rig.inference.start()
    rig.drain(90)
    figures = rig.reconcile(load)
    assert figures.sound
    assert len(rig.stored()) >= figures.acknowledged


def test_answers_destroyed_and_connections_reset(rig):
    rig.before_collector.lose_answers = 0.5
    with rig.load() as load:
        for _ in range(times(60, 8)):
            time.sleep(0.5)
            rig.before_collector.cut()
    lost_answers = rig.before_collector.lost
    rig.before_collector.lose_answers = 0
    rig.drain()
    figures = rig.reconcile(load)
    assert figures.sound
    assert figures.failed == 0
    assert lost_answers > 0


def test_slow_network_to_the_collector(rig):
    rig.before_collector.delay_seconds, rig.before_collector.bytes_per_second = 1.5, 20_000
    with rig.load(pause_seconds=0.05) as load:
        time.sleep(times(60, 8))
    assert load.slowest_seconds < 1
    rig.before_collector.delay_seconds, rig.before_collector.bytes_per_second = 0, None
    rig.drain()
    figures = rig.reconcile(load)
    assert figures.sound
    assert figures.failed == 0


def test_table_locked(rig):
    with rig.load() as load:
        load.wait_for(200)
        lock = f'BEGIN; LOCK TABLE "{rig.table}" IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep({times(10, 4)}); COMMIT'
        rig.sql(lock)
        load.wait_for(len(load.acknowledged) + 200)
    rig.drain()
    figures = rig.reconcile(load)
    assert figures.sound
    assert figures.failed == 0


def test_sigterm_under_load_ends_in_time_and_loses_nothing(rig):
    with rig.load() as load:
        for _ in range(times(10, 2)):
            load.wait_for(len(load.acknowledged) + 200)
            assert rig.inference.terminate() < 10
            rig.inference.start()
    rig.drain()
    assert rig.reconcile(load).sound


def test_sigterm_while_the_collector_is_away_keeps_the_records_for_the_next_start(rig):
    with rig.load() as load:
        load.wait_for(100)
        rig.collector.kill()
        load.wait_for(len(load.acknowledged) + 200)
        assert rig.inference.terminate() < 10
    rig.collector.start()
    rig.inference.start()
    rig.drain()
    assert rig.reconcile(load).sound


def test_clock_jumped_by_a_day(tmp_path, postgres):
    """Ids are made from the clock: after a jump back and forth nothing is lost or merged."""
    library = next((str(p) for p in Path("/usr/lib").rglob("libfaketimeMT.so.1")), None)
    if library is None:
        pytest.skip("libfaketime is not installed (Debian: apt-get install libfaketime)")
    with Rig(tmp_path, postgres) as rig:
        with rig.load() as load:
            load.wait_for(100)
            for shift in ("-1d", "+0d"):
                rig.inference.kill()
                rig.inference.environment |= {
                    "LD_PRELOAD": library,
                    "FAKETIME": shift,
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                }
                rig.inference.start()
                load.wait_for(len(load.acknowledged) + 200)
        rig.drain()
        assert rig.reconcile(load).sound
        days = rig.sql(f'SELECT count(DISTINCT at::date) FROM "{rig.table}"')
    assert int(days) == 2


def test_disk_full(tmp_path, postgres):
    """A small tmpfs holds the spool. Predictions go on, unlogged ones say so, and it recovers by itself."""
    mount = tmp_path / "small"
    mount.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(mount)], capture_output=True, check=False
    )
    if made.returncode != 0:
        pytest.skip("no right to mount a tmpfs here (run as root)")
    try:
        with Rig(tmp_path, postgres, PILOTHOUSE_STATE=str(mount)) as rig:
            with rig.load() as load:
                load.wait_for(100)
                rig.before_collector.refuse = True
                rig.before_collector.cut()
                deadline = time.monotonic() + 60
                while not load.unlogged and time.monotonic() < deadline:
                    time.sleep(0.05)
                assert load.unlogged
                dropped = rig.inference.metric("pilothouse_spool_dropped_total", reason="full")
                rig.before_collector.refuse = False
                load.wait_for(len(load.acknowledged) + 1_000)
            rig.drain()
            figures = rig.reconcile(load)
        assert figures.sound
        assert figures.failed == 0
        assert dropped > 0
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=False)


def test_a_spool_left_by_another_process_is_shipped(rig):
    """What a killed worker left, adopted by the next start while the collector was away all the time."""
    rig.before_collector.refuse = True
    rig.before_collector.cut()
    with rig.load() as load:
        load.wait_for(400)
        rig.inference.kill()
    rig.before_collector.refuse = False
    rig.inference.start()
    rig.drain()
    assert rig.reconcile(load).sound
