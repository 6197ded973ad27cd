"""Spans of a prediction, where OpenTelemetry takes them: its model's run and its way into the spool."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec

from pilothouse.manifest import Manifest
from pilothouse.serving.spans import Spans, timed
from pilothouse.serving.trace import Trace, start_trace, within
from services.inference.spool.segments import Frame

_MOST_LOOKED_AT = 32
_TRACE_COLUMN = 3  # of a record: id, latency_ms, source, trace_id, ...
_record = msgspec.msgpack.Decoder(list[msgspec.Raw])
_text = msgspec.msgpack.Decoder(str)


def record_run(spans: Spans, traces: Iterable[Trace | None], manifest: Manifest, times: tuple[float, ...]) -> None:
    """Two spans for each request of a batch. `times` rise: begun, ..., answered, written; the last is now."""
    begun, answered, written = times[0], times[-2], times[-1]
    told = {"pilothouse.model": manifest.name, "pilothouse.version": manifest.version}
    for trace in traces:
        if trace is not None and trace.sampled:
            spans.record("model run", trace.child(), answered - begun, ago=written - answered, attributes=told)
            spans.record("spool append", trace.child(), written - answered, attributes=told)


@contextmanager
def delivering(spans: Spans | None, frames: list[Frame]) -> Iterator[None]:
    """A span around the delivery of a batch. The collector is told of it, so that its log can be joined with ours.

    A batch whose records are all of one trace is part of that trace; another is a trace of its own that names them.
    """
    found = _traces(frames) if len(frames) <= _MOST_LOOKED_AT or spans is not None else []
    above = start_trace(None)
    if len(found) == 1 and len(frames) <= _MOST_LOOKED_AT:
        above = Trace(found[0], above.span_id)
    if spans is not None:
        above = spans.begin(above)
    named = {"pilothouse.trace_ids": found} if len(found) > 1 else {}
    with within(above), timed(spans, "ship batch", {"pilothouse.records": len(frames), **named}):
        yield


def _traces(frames: list[Frame]) -> list[str]:
    """The traces of the first records, each once."""
    found: dict[str, None] = {}
    for frame in frames[:_MOST_LOOKED_AT]:
        try:
            found[_text.decode(_record.decode(frame.payload)[_TRACE_COLUMN])] = None
        except (msgspec.MsgspecError, IndexError):  # a record without one
            continue
    return [trace_id for trace_id in found if len(trace_id) == 32]
