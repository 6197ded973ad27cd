"""What was logged, what turned out to be true, and the alerts that came in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pilothouse.manifest import Manifest
from pilothouse.wire.alerts import AlertPage
from pilothouse.wire.labels import GivenLabel, LabelHistory
from pilothouse.wire.models import AnnouncedModels, ModelStats, Stats
from pilothouse.wire.predictions import ModelEntry
from pilothouse.wire.records import RecordPage
from services.frontend.clients.cache import cached
from services.frontend.clients.connection import Connection
from services.frontend.errors import ServiceRefused, none_if_missing

EXPORT_SECONDS = 120.0


class CollectorClient:
    """`filters` are the collector's own parameters: `prediction`, `has_label`, ..."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @cached(seconds=5)
    def models(self) -> list[ModelEntry]:
        """The models that were ever announced, the newest last: enough to look at the log while inference is away.
        `state` is what inference said last."""
        announced = self.connection.read(AnnouncedModels, "/v1/models").models
        return [ModelEntry(name=m.model, version=m.version, state=m.state) for m in reversed(announced)]

    @cached(seconds=60)
    def manifest(self, name: str, version: str) -> Manifest:
        return self.connection.manifest(f"/v1/models/{name}/{version}")

    @cached(seconds=2)
    def stats(self) -> list[ModelStats]:
        return self.connection.read(Stats, "/v1/stats").models

    def records(
        self,
        model: str,
        version: str,
        limit: int,
        cursor: str | None = None,
        filters: Mapping[str, Any] | None = None,
    ) -> RecordPage:
        """The newest records first, with their labels; `cursor` is the `next` of the page before. Empty when nothing
        was announced yet. Behind a filter a page may be short, or empty, and still have a `next`."""
        params = {"model": model, "version": version, "limit": limit, "cursor": cursor, "order": "desc"}
        return self._records(params | {"labels": "true"} | dict(filters or {}))

    def record(self, record_id: str) -> RecordPage:
        """The record with this id, of whichever model; with its label. Empty where there is none, or can be none."""
        return self._records({"id": record_id, "labels": "true"}, none=(404, 422))

    def newest(self, model: str, version: str, rows: int, columns: str, **window: Any) -> RecordPage:
        """The newest so many records of a window, in the order of time, with these columns and the label."""
        params = {"model": model, "version": version, "last": rows, "columns": columns, "labels": "true"}
        return self._records(params | window)

    def export(self, model: str, version: str, kind: str, rows: int, filters: Mapping[str, Any]) -> bytes:
        """The newest records of the selection as a file; `kind` is csv or parquet."""
        params = {"model": model, "version": version, "format": kind, "limit": rows, "order": "desc", "labels": "true"}
        answer = self.connection.send(
            "GET", "/v1/records", params=params | dict(filters), timeout_seconds=EXPORT_SECONDS
        )
        return answer.content

    def label(self, record_id: str, label: float | str, key: str | None = None) -> str | None:
        """Say what was true; the reason when the collector does not take it. Needs the scope ingest."""
        body = [{"record_id": record_id, "label": label}]
        try:
            self.connection.send("POST", "/v1/labels", json=body, key=key)
        except ServiceRefused as error:
            if error.status == 422 and error.faults:
                return error.faults[0].message
            raise
        return None

    def labels(self, record_id: str) -> list[GivenLabel]:
        """Every label that the record was given, in the order they came."""
        return self.connection.read(LabelHistory, f"/v1/labels/{record_id}").labels

    def alerts(self, status: str | None = None, limit: int = 100, cursor: int | None = None) -> AlertPage:
        """The inbox, newest first."""
        return self.connection.read(AlertPage, "/v1/alerts", {"status": status, "limit": limit, "cursor": cursor})

    def _records(self, params: Mapping[str, Any], none: Sequence[int] = (404,)) -> RecordPage:
        page = none_if_missing(lambda: self.connection.read(RecordPage, "/v1/records", params), none)
        return page or RecordPage([], [])
