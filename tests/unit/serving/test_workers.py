"""Several processes as one: the merging of what they say, and the line they say it over."""

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from pilothouse.serving.workers.line import Line, ask
from pilothouse.serving.workers.merging import counted, expose, merge, read, take
from pilothouse.serving.workers.supervisor import listening_socket
from pilothouse.serving.workers.worker import Place


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


def test_a_question_is_answered_as_often_as_it_is_asked(tmp_path):
    line = Line(tmp_path / "line", {"how": lambda: b"well" * 100_000})
    assert [ask(tmp_path / "line", "how", 5) for _ in range(3)] == [b"well" * 100_000] * 3
    with pytest.raises(OSError, match="no answer to 'why'"):
        ask(tmp_path / "line", "why", 5)
    line.close()
    with pytest.raises(OSError):
        ask(tmp_path / "line", "how", 1)


def test_a_place_survives_the_command_line(tmp_path):
    place = Place(tmp_path, 3, 8000, 17)
    assert Place.read(place.arguments) == place
    assert Place.read([]) is None


def test_a_port_of_somebody_else_is_refused():
    with listening_socket("127.0.0.1", 0) as ours:
        port = ours.getsockname()[1]
        with listening_socket("127.0.0.1", port) as another:
            assert another.getsockname()[1] == port
        import socket

        with socket.socket() as theirs, pytest.raises(OSError):
            theirs.bind(("127.0.0.1", port))
