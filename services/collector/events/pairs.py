"""A joined pair as records of its model version: a batch, as /v1/records takes it."""

from __future__ import annotations

import uuid

from pilothouse.columns import record_columns
from pilothouse.ids import is_uuid7, row_id, uuid7_from
from pilothouse.manifest import Manifest
from pilothouse.wire.records import Batch
from services.collector.errors import MalformedError
from services.collector.events.inbox import Pair
from services.collector.events.outcomes import RefusedEventError
from services.collector.events.requests import RequestReader
from services.collector.events.responses import ResponseReader
from services.collector.records.decoding import decode_lenient
from services.collector.times import LATEST_MS

_META = {"latency_ms"}  # not measured: the events' own times are those of KServe's queue


class PairReader:
    """Reads pairs of one model version."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self._columns = ["id", *(c.name for c in record_columns(manifest) if c.name not in _META)]
        self._features, self._answers = RequestReader(manifest), ResponseReader(manifest)

    def batch(self, pair: Pair) -> Batch:
        """One record for each row. Raises RefusedEventError.

        The ids are the same when it is sent again: they follow from the event's id where that is a UUIDv7, so that a
        caller who chose it can send labels (`pilothouse.ids.row_id`), else from its time and key.
        """
        requests = self._features.rows(_decode(pair.request, "request"))
        responses = self._answers.rows(_decode(pair.response, "response"))
        if len(requests) != len(responses):
            raise RefusedEventError("rows", f"{len(requests)} rows were asked for and {len(responses)} were answered")
        rows = [
            [_record_id(pair, i), pair.source or None, pair.trace_id, *features, *outputs]
            for i, (features, outputs) in enumerate(zip(requests, responses, strict=True))
        ]
        return Batch(self.manifest.name, self.manifest.version, self._columns, rows)


def _record_id(pair: Pair, row: int) -> bytes:
    try:
        given = uuid.UUID(pair.event_id)
    except ValueError:
        given = None
    if given is not None and is_uuid7(given):
        return row_id(given, row).bytes
    return uuid7_from(min(pair.at, LATEST_MS), f"{pair.key}/{row}")


def _decode(body: bytes, half: str) -> object:
    try:
        return decode_lenient(body)
    except MalformedError as error:
        raise RefusedEventError("not_json", f"the {half} is {error}") from None
