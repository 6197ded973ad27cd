"""Which records are meant: a window, what they must be like, and which of their columns."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import BaseModel, Field

from pilothouse.errors import Fault
from services.collector.errors import MalformedError
from services.collector.records.checks import RefusedValueError, check_text
from services.collector.store import tables
from services.collector.store.adapter import Adapter
from services.collector.store.record_table import RecordTable

ShortText = Annotated[str | None, Field(max_length=200, pattern=r"^[^\x00]*$")]
LABELLED_AT = "labelled_at"  # when the label that counts was known


class SelectionFilters(BaseModel):
    """What records must be like. `confidence` is the probability of the likeliest class."""

    prediction: ShortText = Field(default=None, description="with exactly this prediction")
    min_prediction: float | None = Field(default=None, allow_inf_nan=False, description="a number at least this")
    max_prediction: float | None = Field(default=None, allow_inf_nan=False, description="a number at most this")
    min_confidence: float | None = Field(default=None, ge=0, le=1, description="the likeliest class at least so likely")
    max_confidence: float | None = Field(default=None, ge=0, le=1, description="the likeliest class at most so likely")
    has_label: bool | None = Field(default=None, description="with ground truth, or without")

    @property
    def any(self) -> bool:
        return any(getattr(self, name) is not None for name in SelectionFilters.model_fields)


@dataclass(frozen=True, slots=True)
class RecordField:
    """A column of an answer. `kind` as in `pilothouse.columns`, and `id` and `moment` (milliseconds as stored)."""

    name: str
    kind: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """Records of one table with `start <= id < end`; `fields` are the columns of the answer."""

    table: RecordTable
    fields: tuple[RecordField, ...]
    start: uuid.UUID | None = None
    end: uuid.UUID | None = None
    filters: SelectionFilters = field(default_factory=SelectionFilters)

    def between(self, start: uuid.UUID | None, end: uuid.UUID | None) -> Selection:
        return replace(self, start=start, end=end)

    def columns(self) -> list[sa.ColumnElement[Any]]:
        """What is selected: the fields, and the id last, by which pages go on."""
        own = self.table.table.c
        label = tables.labels.c.value if self.table.label_kind == "number" else tables.labels.c.label
        joined = {"label": label.label("label"), LABELLED_AT: tables.labels.c.at.label(LABELLED_AT)}
        return [joined[f.name] if f.name in joined else own[f.name] for f in self.fields] + [own.id.label("_id")]

    def source(self) -> sa.FromClause:
        """The table, with the labels where a field or a filter needs them."""
        own = self.table.table
        if self.filters.has_label is None and not {"label", LABELLED_AT} & {f.name for f in self.fields}:
            return own
        return own.outerjoin(tables.labels, sa.type_coerce(tables.labels.c.record_id, own.c.id.type) == own.c.id)

    def conditions(self, adapter: Adapter) -> list[sa.ColumnElement[bool]]:
        """Raises MalformedError for a filter that this model version has no column for."""
        identity = self.table.table.c.id
        found: list[sa.ColumnElement[bool]] = []
        if self.start is not None:
            found.append(identity >= adapter.native_id(self.start))
        if self.end is not None:
            found.append(identity < adapter.native_id(self.end))
        return found + self._filter_conditions(adapter)

    def _filter_conditions(self, adapter: Adapter) -> list[sa.ColumnElement[bool]]:
        found: list[sa.ColumnElement[bool]] = []
        wanted = self.filters
        if wanted.prediction is not None:
            found.append(self.table.table.c.prediction == self._prediction(wanted.prediction))
        if wanted.min_prediction is not None:
            found.append(self._number() >= wanted.min_prediction)
        if wanted.max_prediction is not None:
            found.append(self._number() <= wanted.max_prediction)
        if wanted.min_confidence is not None:
            found.append(self._confidence(adapter) >= wanted.min_confidence)
        if wanted.max_confidence is not None:
            found.append(self._confidence(adapter) <= wanted.max_confidence)
        if wanted.has_label is not None:
            record_id = tables.labels.c.record_id
            found.append(record_id.is_not(None) if wanted.has_label else record_id.is_(None))
        return found

    def _prediction(self, text: str) -> Any:
        try:
            return float(text) if self.table.label_kind == "number" else check_text(text)
        except (RefusedValueError, ValueError):
            message = f"no prediction of {self.table.model} can be this"
            raise MalformedError(Fault("prediction", "type", message)) from None

    def _number(self) -> sa.ColumnElement[Any]:
        if self.table.label_kind != "number":
            message = f"{self.table.model} predicts classes; give `prediction`"
            raise MalformedError(Fault("min_prediction", "no_column", message))
        return self.table.table.c.prediction

    def _confidence(self, adapter: Adapter) -> sa.ColumnElement[Any]:
        names = [c.name for c in self.table.columns if c.role == "probability"]
        if not names:
            message = f"{self.table.model} gives no probabilities, so there is no confidence"
            raise MalformedError(Fault("min_confidence", "no_column", message))
        return adapter.greatest([self.table.table.c[name] for name in names])


def fields_of(table: RecordTable, names: Sequence[str] | None, *, labels: bool) -> tuple[RecordField, ...]:
    """The columns of an answer: all of them, or those named. Raises MalformedError for one that there is not."""
    known = {"id": RecordField("id", "id"), "at": RecordField("at", "datetime")}
    known |= {c.name: RecordField(c.name, c.kind, c.size) for c in table.columns}
    label = RecordField("label", table.label_kind)
    if names is None:
        return (*known.values(), label) if labels else tuple(known.values())
    known |= {"label": label, LABELLED_AT: RecordField(LABELLED_AT, "moment")}
    unknown = [name for name in names if name not in known]
    if unknown:
        message = f"{table.model}/{table.version} has no column {unknown[0][:60]!a}"
        raise MalformedError(Fault("columns", "unknown_column", message))
    wanted = list(dict.fromkeys(names))
    if labels and "label" not in wanted:
        wanted.append("label")
    return tuple(known[name] for name in wanted)


def encode_cursor(last: uuid.UUID) -> str:
    return base64.urlsafe_b64encode(last.bytes).rstrip(b"=").decode()


def decode_cursor(cursor: str) -> uuid.UUID:
    """Raises MalformedError."""
    try:
        return uuid.UUID(bytes=base64.urlsafe_b64decode(f"{cursor}=="))
    except (ValueError, binascii.Error):
        raise MalformedError(Fault("cursor", "malformed", "must be `next` of an earlier answer")) from None
