"""Spans cost the request nothing, are bounded in number, and are counted whatever becomes of them."""

import threading
import time

import pytest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from prometheus_client import CollectorRegistry

from pilothouse.serving.otlp import MOST_WAITING, OtlpSpans
from pilothouse.serving.spans import span_counter, timed
from pilothouse.serving.trace import Trace, current_trace, start_trace, within
from testkit.waiting import wait_for

CALLER = f"00-{'ab' * 16}-{'cd' * 8}-01".encode()
REFUSING = f"00-{'ab' * 16}-{'cd' * 8}-00".encode()


class Receiver(SpanExporter):
    """Keeps what it is sent, may refuse it, and may be slow."""

    def __init__(self):
        self.spans, self.calls, self.answer, self.open = [], 0, True, threading.Event()
        self.open.set()

    def export(self, spans):
        self.open.wait(20)
        self.calls += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        self.spans += spans if self.answer else []
        return SpanExportResult.SUCCESS if self.answer else SpanExportResult.FAILURE

    def shutdown(self):
        self.open.set()


@pytest.fixture
def receiver():
    return Receiver()


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def spans(receiver, registry):
    spans = OtlpSpans("test", receiver, span_counter(registry))
    yield spans
    receiver.open.set()
    spans.close(10)


def counted(registry):
    outcomes = ("exported", "failed", "dropped")
    return {o: registry.get_sample_value("pilothouse_spans_total", {"outcome": o}) for o in outcomes}


def test_a_span_has_its_own_id_its_parent_and_its_time(spans, receiver):
    trace = spans.begin(start_trace(CALLER))
    before = time.time_ns()
    spans.record("work", trace, 0.5, ago=0.25, failed=True, attributes={"rows": 3})
    spans.close(10)
    (span,) = receiver.spans
    assert (span.context.trace_id, span.parent.span_id) == (int("ab" * 16, 16), int("cd" * 8, 16))
    assert span.context.span_id == int(trace.span_id, 16)
    assert span.end_time - span.start_time == pytest.approx(0.5e9, abs=1)
    assert span.end_time == pytest.approx(before - 0.25e9, abs=5e9)
    assert (span.status.is_ok, dict(span.attributes)) == (False, {"rows": 3})


def test_a_trace_that_its_caller_does_not_want_exported_is_not(spans, receiver):
    spans.record("work", spans.begin(start_trace(REFUSING)), 1)
    spans.close(10)
    assert receiver.spans == []


@pytest.mark.parametrize(("share", "least", "most"), [(0, 0, 0), (0.25, 180, 320), (1, 1000, 1000)])
def test_a_share_of_the_traces_that_begin_here_is_exported(receiver, registry, share, least, most):
    spans = OtlpSpans("test", receiver, span_counter(registry), share)
    assert least <= sum(spans.begin(start_trace(None)).sampled for _ in range(1000)) <= most


def test_whoever_takes_no_spans_is_waited_for_by_nobody_and_memory_has_a_bound(spans, receiver, registry):
    receiver.open.clear()
    trace = spans.begin(start_trace(None))
    begun = time.perf_counter()
    for _ in range(MOST_WAITING * 2):
        spans.record("work", trace, 0)
    assert time.perf_counter() - begun < 5
    assert counted(registry)["dropped"] == MOST_WAITING
    receiver.open.set()
    wait_for(lambda: sum(counted(registry).values()) == MOST_WAITING * 2)
    assert len(receiver.spans) == MOST_WAITING


@pytest.mark.parametrize("answer", [False, OSError("refused")])
def test_failures_are_counted_and_said_once_until_it_goes_on(spans, receiver, registry, answer, capsys):
    receiver.answer = answer
    trace = spans.begin(start_trace(None))
    for call in (1, 2):
        spans.record("work", trace, 0)
        wait_for(lambda call=call: receiver.calls == call)
    wait_for(lambda: counted(registry)["failed"] == 2)
    receiver.answer = True
    spans.record("work", trace, 0)
    wait_for(lambda: counted(registry)["exported"] == 1)
    assert capsys.readouterr().out.count("cannot be exported") == 1


def test_a_block_is_a_span_beneath_the_current_one(spans, receiver):
    above = spans.begin(start_trace(CALLER))
    with within(above), pytest.raises(KeyError), timed(spans, "block", {"a": 1}) as trace:
        assert current_trace() is trace
        raise KeyError
    assert current_trace() is None
    spans.close(10)
    found = [(s.name, s.parent.span_id, s.status.is_ok) for s in receiver.spans]
    assert found == [("block", int(above.span_id, 16), False)]


def test_a_block_without_spans_still_has_a_trace_to_pass_on():
    with timed(None, "block"):
        assert isinstance(current_trace(), Trace)
