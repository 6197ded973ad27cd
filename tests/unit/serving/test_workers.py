"""Several processes as one: the merging of what they say, and who is started again, and when."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from itertools import pairwise
from multiprocessing.connection import Listener

import psutil
import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from pilothouse.serving.merging import counted, expose, merge, read, take
from pilothouse.serving.workers import WorkerArguments, ask, reserve_port
from testkit.waiting import wait_for


@pytest.fixture(autouse=True, scope="module")
def without_created():
    disable_created_metrics()


def said(requests, seconds, gauges=()):
    registry = CollectorRegistry()
    counter = Counter("requests_total", "Requests.", ("route",), registry=registry)
    for route, count in requests.items():
        counter.labels(route).inc(count)
    histogram = Histogram("seconds", "Time.", registry=registry, buckets=(1, 2))
    for value in seconds:
        histogram.observe(value)
    for name, value in gauges:
        Gauge(name, name, registry=registry).set(value)
    return registry


def test_what_was_counted_is_added_up():
    one, other, both = (
        said({"/a": 2, "/b": 1}, [0.5, 3]),
        said({"/a": 5}, [1.5]),
        said({"/a": 7, "/b": 1}, [0.5, 3, 1.5]),
    )
    assert expose(merge([read(take(one)), read(take(other))])) == generate_latest(both)


@pytest.mark.parametrize(
    ("name", "merged"),
    [
        ("pilothouse_spool_bytes", 5.0),
        ("pilothouse_http_requests_in_flight", 5.0),
        ("pilothouse_state_disk_available_bytes", 2.0),
        ("pilothouse_spool_oldest_seconds", 3.0),
        ("pilothouse_model_loaded", 2.0),
        ("pilothouse_host_memory_bytes", 3.0),
    ],
)
def test_a_gauge_is_merged_by_what_it_means(name, merged):
    readings = [read(take(said({}, [], [(name, value)]))) for value in (2, 3)]
    (family,) = [f for f in merge(readings) if f.name == name]
    assert family.samples == [(name, (), merged)]


def test_of_the_ended_only_what_they_counted_stays():
    reading = counted(read(take(said({"/a": 2}, [1], [("pilothouse_spool_bytes", 7)]))))
    assert {f.name for f in reading} == {"requests", "seconds"}


def test_what_the_kernel_counts_for_all_is_counted_once():
    registry = CollectorRegistry()
    Counter("pilothouse_host_cpu_seconds_total", "Time.", registry=registry).inc(100)
    (family,) = merge([read(take(registry))] * 3)
    assert family.samples[0][2] == 100


def test_a_place_survives_the_command_line(tmp_path):
    place = WorkerArguments(tmp_path, 3, 8000, 17)
    assert WorkerArguments.read(place.arguments) == place
    assert WorkerArguments.read([]) is None


def test_a_port_is_shared_with_our_own_and_with_nobody_else():
    with reserve_port("127.0.0.1", 0) as ours:
        port = ours.getsockname()[1]
        with reserve_port("127.0.0.1", port, shared=True) as another:
            assert another.getsockname()[1] == port
        with socket.socket() as theirs, pytest.raises(OSError):
            theirs.bind(("127.0.0.1", port))


def test_a_port_on_which_somebody_listens_is_refused():
    with socket.socket() as theirs:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        theirs.bind(("127.0.0.1", 0))
        theirs.listen()
        with pytest.raises(OSError, match="in use"):
            reserve_port("127.0.0.1", theirs.getsockname()[1])


def test_asking_a_worker_that_hangs_ends_however_often(tmp_path):
    def ask_often():
        for _ in range(80):
            with suppress(OSError):
                ask(tmp_path / "0", "ready", 0.001)

    with Listener(str(tmp_path / "0"), "AF_UNIX", backlog=64):
        asking = threading.Thread(target=ask_often, daemon=True)
        asking.start()
        asking.join(20)
        assert not asking.is_alive()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_that_another_service_keeps_is_refused_before_that_listens(host):
    """It loads its models first."""
    with reserve_port(host, 0) as ours, pytest.raises(OSError, match="in use"):
        reserve_port(host, ours.getsockname()[1])


def test_old_connections_of_another_program_do_not_keep_a_port():
    with socket.socket() as theirs:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        theirs.bind(("127.0.0.1", 0))
        theirs.listen()
        address = theirs.getsockname()
        with socket.create_connection(address) as caller:
            theirs.accept()[0].close()  # its end waits now
            assert caller.recv(1) == b""
    reserve_port(*address).close()


NOTE = """
import os, sys, time
with open(sys.argv[1], "a") as starts:
    print(time.time(), sys.argv[4], os.getpid(), file=starts)
"""
SUPERVISOR = """
import sys
from pilothouse.serving.workers import WorkerSupervisor
sys.exit(WorkerSupervisor([sys.executable, "-c", *sys.argv[1:3]], int(sys.argv[3]), 1).run(0))
"""


class Workers:
    """A supervisor of workers that only note when they start, and then do as told."""

    def __init__(self, folder, count, act):
        self.starts = folder / "starts"
        self.starts.touch()
        command = [sys.executable, "-c", SUPERVISOR, NOTE + act, str(self.starts), str(count)]
        self.errors = folder / "errors"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)

    def started(self):
        return [
            (float(at), number, int(pid)) for at, number, pid in map(str.split, self.starts.read_text().splitlines())
        ]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)


SLEEP = "time.sleep(600)"


def test_a_worker_that_is_killed_again_and_again_is_started_again_at_once(tmp_path):
    with Workers(tmp_path, 2, SLEEP) as workers:
        for victim in range(6):
            wait_for(lambda expected=victim + 2: len(workers.started()) >= expected)
            begun = time.time()
            os.kill(workers.started()[-1][2], signal.SIGKILL)
            wait_for(lambda expected=victim + 3: len(workers.started()) >= expected)
            assert workers.started()[-1][0] - begun < 3


def test_a_worker_that_ends_by_itself_is_started_again_later_and_later(tmp_path):
    with Workers(tmp_path, 2, "sys.exit(1) if sys.argv[4] == '0' else time.sleep(600)") as workers:
        wait_for(lambda: sum(number == "0" for _, number, _ in workers.started()) >= 5)
        at = [at for at, number, _ in workers.started() if number == "0"]
        assert at[4] - at[3] > 2 * (at[2] - at[1]) * 0.9


def test_one_worker_is_always_being_started(tmp_path):
    """However often all of them have ended by themselves."""
    with Workers(tmp_path, 2, "sys.exit(1)") as workers:
        time.sleep(5)
        at = [at for at, _, _ in workers.started()]
        assert max(b - a for a, b in pairwise(at)) < 3


def test_settings_that_are_wrong_end_all_with_their_status(tmp_path):
    with Workers(tmp_path, 3, "sys.exit(2)") as workers:
        assert workers.process.wait(20) == 2


def test_stopping_them_has_no_traceback(tmp_path):
    with Workers(tmp_path, 2, SLEEP) as workers:
        wait_for(lambda: len(workers.started()) == 2)
        workers.process.terminate()
        assert workers.process.wait(20) == 0
    assert workers.errors.read_text() == ""


def test_workers_end_when_their_supervisor_is_killed(tmp_path):
    act = """from pilothouse.serving.workers import WorkerArguments, Worker
from prometheus_client import CollectorRegistry
from pilothouse.serving.readiness import Readiness
Worker(WorkerArguments.read(sys.argv[2:]), CollectorRegistry(), Readiness())
time.sleep(600)"""
    with Workers(tmp_path, 2, act) as workers:
        wait_for(lambda: len(workers.started()) == 2)
        time.sleep(2)  # for their imports
        workers.process.kill()
        for _, _, pid in workers.started():
            wait_for(lambda pid=pid: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie")
