"""Labels as they come over the wire: what can be told of one without knowing its model."""

from __future__ import annotations

import io
import uuid
from typing import Any, NamedTuple

from pilothouse.errors import Fault, InputError
from pilothouse.ids import is_uuid7, time_ms
from pilothouse.label_csv import BadRow, LabelColumns, open_rows
from services.collector.errors import MalformedError, printable
from services.collector.records.batch import EARLIEST_ID_MS, FUTURE_MS
from services.collector.records.checks import RefusedValueError, check_text, check_time

LABEL_LIMIT = 200
_NAMES = frozenset({"record_id", "label", "at"})
SKIPPED: Any = object()  # stands for a row without a label


class LabelItem(NamedTuple):
    """A label and its place in the request; `at`, milliseconds since the epoch, is None where nothing was said."""

    place: int
    record_id: uuid.UUID
    label: Any
    at: int | None


def read_item(place: int, item: Any, now: int) -> LabelItem:
    """Raises RefusedValueError, whose message names the field."""
    if isinstance(item, RefusedValueError):
        raise item
    if not isinstance(item, dict):
        raise RefusedValueError("type", "must be an object with `record_id` and `label`")
    if not item.keys() <= _NAMES:
        unknown = sorted(printable(str(key), 40) for key in item.keys() - _NAMES)
        raise RefusedValueError("unknown_field", f"{unknown[0]}: no such field; there are record_id, label and at")
    return LabelItem(
        place, _read_id(item.get("record_id"), now), _read_label(item.get("label")), _read_at(item.get("at"))
    )


def shown_id(item: Any) -> str | None:
    value = item.get("record_id") if isinstance(item, dict) else None
    return printable(value, 60) if isinstance(value, str) else None


def _read_id(value: Any, now: int) -> uuid.UUID:
    try:
        record_id = uuid.UUID(value) if isinstance(value, str) and len(value) == 36 else None
    except ValueError:
        record_id = None
    if record_id is None or not is_uuid7(record_id):
        raise RefusedValueError("not_uuid7", "record_id: must be the UUIDv7 of a prediction")
    if not EARLIEST_ID_MS <= time_ms(record_id) <= now + FUTURE_MS:  # no record may have such an id
        raise RefusedValueError("absurd_time", "record_id: its time is before the year 2000 or in the future")
    return record_id


def _read_label(value: Any) -> Any:
    if not isinstance(value, str):
        return value  # the task says what else it may be
    try:
        text = check_text(value)
    except RefusedValueError as error:
        raise RefusedValueError(error.code, f"label: {error}") from None
    if not 0 < len(text) <= LABEL_LIMIT:
        raise RefusedValueError("length", f"label: must have 1 to {LABEL_LIMIT} characters")
    return text


def _read_at(value: Any) -> int | None:
    try:
        return None if value is None or value == "" else check_time(value)
    except RefusedValueError as error:
        raise RefusedValueError(error.code, f"at: {error}") from None


def read_csv(body: bytes) -> list[Any]:
    """Items from a CSV file with a header of `record_id` or `id`, `label` and perhaps `at`; SKIPPED for a row without
    a label, a RefusedValueError for one that is none. Raises MalformedError."""
    try:
        text = io.StringIO(body.decode("utf-8-sig"), newline="")
        rows = open_rows(text, LabelColumns(), strict=True)
        return [_item(row) for row in rows]
    except UnicodeDecodeError as error:
        raise MalformedError(Fault("", "malformed", f"not a CSV file in UTF-8: {printable(str(error))}")) from None
    except InputError as error:
        raise MalformedError(*error.faults) from None


def _item(row: Any) -> Any:
    if isinstance(row, BadRow):
        return RefusedValueError(row.code, row.message)
    if row.label is None:
        return SKIPPED
    return {"record_id": row.record_id, "label": row.label, "at": row.at}
