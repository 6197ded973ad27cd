import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest

from pilothouse.serving.metrics import FastCounter, FastHistogram

BUCKETS = (0.001, 0.25, 1, 2.5, 10)
LABELS = ("model", "stage")


@pytest.fixture(autouse=True, scope="module")
def without_created():
    disable_created_metrics()


@given(st.lists(st.one_of(st.floats(0, 20), st.sampled_from(BUCKETS))))
def test_a_histogram_reads_as_that_of_the_client_library(values):
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    a = FastHistogram("seconds", "Time.", LABELS, ours, buckets=BUCKETS)
    b = Histogram("seconds", "Time.", LABELS, registry=theirs, buckets=BUCKETS)
    for histogram in (a, b):
        for number, value in enumerate(values):
            histogram.labels("m", "even" if number % 2 else "odd").observe(value)
    assert generate_latest(ours) == generate_latest(theirs)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9))))
def test_a_counter_reads_as_that_of_the_client_library(additions):
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    a = FastCounter("things_total", 'Things, "quoted".', ("kind",), ours)
    b = Counter("things_total", 'Things, "quoted".', ("kind",), registry=theirs)
    for counter in (a, b):
        for kind, amount in additions:
            counter.labels(kind).inc(amount)
    assert generate_latest(ours) == generate_latest(theirs)


def test_threads_lose_nothing():
    registry = CollectorRegistry()
    count = FastCounter("things_total", "Things.", (), registry).labels()
    seconds = FastHistogram("seconds", "Time.", (), registry, buckets=BUCKETS).labels()

    def work():
        for _ in range(50_000):
            count.inc()
            seconds.observe(0.5)

    threads = [threading.Thread(target=work) for _ in range(4)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert (count.value, seconds.counts, seconds.sum) == (200_000, [0, 0, 200_000, 0, 0, 0], 100_000)


def test_a_label_too_few_is_refused():
    with pytest.raises(ValueError, match="1 label values"):
        FastCounter("things_total", "Things.", LABELS, CollectorRegistry()).labels("m")


def test_a_name_is_registered_once():
    registry = CollectorRegistry()
    FastCounter("things_total", "Things.", (), registry)
    with pytest.raises(ValueError, match="Duplicated"):
        FastCounter("things_total", "Things.", (), registry)
