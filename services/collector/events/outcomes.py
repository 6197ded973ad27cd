"""What becomes of an event, as a code and as counters."""

from __future__ import annotations

from functools import partial
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge

Code = Literal[
    "unknown_type",  # neither a request nor a response of an inference
    "not_json",
    "binary_tensors",  # the data of the tensors came as bytes after the JSON
    "shape",  # neither `instances` and `predictions` nor tensors
    "rows",  # the answer has another number of rows than the request
    "prediction",  # an answer that is none of the model's
    "image_model",
    "id_reused",  # another body under an id that was used already
    "unmatched",  # its other half never came
    "unknown_model",  # its model was not announced in time
    "failed",  # we could not do it, for a reason that is in the log
]
CODES: tuple[str, ...] = get_args(Code)
OUTCOMES = ("waiting", "joined", "repeated", "set_aside")


class RefusedEventError(Exception):
    """An event that cannot become records. The message says why, for a person."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code: Code = code


class EventMetrics:
    """Every series is there from the start, so that its first increase is seen."""

    def __init__(self, registry: CollectorRegistry) -> None:
        counter, gauge = partial(Counter, registry=registry), partial(Gauge, registry=registry)
        self.events = counter(
            "pilothouse_collector_events_total",
            "CloudEvents received: joined (a record was made), waiting, repeated or set_aside (a dead letter).",
            ("outcome",),
        )
        self.set_aside = counter(
            "pilothouse_collector_events_set_aside_total",
            "CloudEvents that could not become a record and were kept as dead letters, by reason.",
            ("code",),
        )
        self.unmatched = counter(
            "pilothouse_collector_events_unmatched_total",
            "CloudEvents given up because their other half never came, by the half that did come.",
            ("half",),
        )
        self.waiting = gauge(
            "pilothouse_collector_events_waiting",
            "CloudEvents that wait for their other half or for their model to be announced.",
        )
        halves = ("request", "response")
        for metric, values in ((self.events, OUTCOMES), (self.set_aside, CODES), (self.unmatched, halves)):
            for value in values:
                metric.labels(value)
