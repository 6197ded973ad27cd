"""One reading of the metrics from those of several workers: each kind merged by what it means.

What was counted is added up. A gauge is the worst of all (the greatest, or the least where less is worse), except for
what each worker has a share of, which is added up too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric

_SHARED_OUT = frozenset(
    {"process_resident_memory_bytes", "process_virtual_memory_bytes", "process_open_fds", "pilothouse_spool_bytes",
     "pilothouse_spool_limit_bytes", "pilothouse_http_requests_in_flight"}
)  # fmt: skip
_LESS_IS_WORSE = frozenset(
    {"pilothouse_model_loaded", "pilothouse_model_inline", "pilothouse_state_disk_available_bytes", "process_max_fds",
     "process_start_time_seconds"}
)  # fmt: skip
_OF_THE_MACHINE = "pilothouse_host_"  # the kernel's counters: every worker reads the same
_COUNTED = ("counter", "histogram")
Value = float | int


class Family(msgspec.Struct, array_like=True):
    """A metric with its samples: name, labels as pairs, value."""

    name: str
    kind: str
    text: str
    samples: list[tuple[str, tuple[tuple[str, str], ...], float]]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Family])


def take(registry: CollectorRegistry) -> bytes:
    """What a worker's registry says now."""
    return _encoder.encode(
        [
            Family(m.name, m.type, m.documentation, [(s.name, tuple(s.labels.items()), s.value) for s in m.samples])
            for m in registry.collect()
        ]
    )


def read(taken: bytes) -> list[Family]:
    """Raises msgspec.DecodeError."""
    return _decoder.decode(taken)


def counted(families: Iterable[Family]) -> list[Family]:
    """Of what a worker that has ended once said, what stays true: what it counted."""
    return [f for f in families if f.kind in _COUNTED and not f.name.startswith(_OF_THE_MACHINE)]


def merge(readings: Iterable[Iterable[Family]]) -> list[Family]:
    """One reading of several, in the order in which names first came."""
    merged: dict[str, tuple[Family, dict[Any, float]]] = {}
    for family in (f for reading in readings for f in reading):
        _, values = merged.setdefault(family.name, (family, {}))
        join = _joining(family)
        for name, labels, value in family.samples:
            key = (name, labels)
            values[key] = join(values[key], value) if key in values else value
    return [
        Family(f.name, f.kind, f.text, [(*key, value) for key, value in values.items()])
        for f, values in merged.values()
    ]


def _joining(family: Family) -> Callable[[float, float], float]:
    if family.name.startswith(_OF_THE_MACHINE):
        return max
    if family.kind in _COUNTED or family.name in _SHARED_OUT:
        return lambda a, b: a + b
    return min if family.name in _LESS_IS_WORSE else max


def expose(families: Iterable[Family]) -> bytes:
    """The text that Prometheus reads."""
    registry = CollectorRegistry()
    registry.collect = lambda: map(_metric, families)  # type: ignore[method-assign]  # all that is asked of it
    return generate_latest(registry)


def _metric(family: Family) -> Metric:
    metric = Metric(family.name, family.text, family.kind)
    for name, labels, value in family.samples:
        metric.add_sample(name, dict(labels), value)
    return metric
