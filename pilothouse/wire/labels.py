"""Ground truth: what `POST /v1/labels` answers, and the history of a record's labels.

A label is posted as `{"record_id", "label", "at"?}` in a list. Each is judged by itself.
"""

from __future__ import annotations

import msgspec


class RefusedLabel(msgspec.Struct, frozen=True):
    """A label that was not taken: its place in the request, and why. `code` is a stable word."""

    index: int
    record_id: str | None
    code: str
    message: str


class LabelResult(msgspec.Struct, frozen=True):
    """What became of a request's labels.

    Of the `accepted`, `replaced` are in place of another label of the record, and `waiting` are kept until their
    record is there. `unchanged`: the same label was there already. `skipped`: rows of a file without a label.
    """

    accepted: int
    unchanged: int
    rejected: list[RefusedLabel] = []
    replaced: int = 0
    waiting: int = 0
    skipped: int = 0


class GivenLabel(msgspec.Struct, frozen=True):
    """What somebody said was true of a record; `at` is when it became known. Times are ISO 8601.

    `value` is the label as a number, where the model predicts one. `waiting`: it is not judged yet, because its record
    is not there.
    """

    label: str
    at: str | None = None
    received_at: str | None = None
    value: float | None = None
    waiting: bool = False


class LabelHistory(msgspec.Struct, frozen=True):
    """Every label that a record was given, in the order they came."""

    record_id: str
    labels: list[GivenLabel]
