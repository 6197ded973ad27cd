"""What the drift service found, kept so that last Tuesday's can be looked up: drift and performance alike."""

from __future__ import annotations

import json
from operator import eq, ge, lt
from typing import Any

import sqlalchemy as sa

from pilothouse.errors import Fault
from services.collector.errors import MalformedError
from services.collector.records.checks import RefusedValueError, check_text
from services.collector.store import tables
from services.collector.store.database import Database, Wanted
from services.collector.store.statements import insert_into
from services.collector.times import Clock, now_ms, read_ms, to_iso

_SHORT = 120


class RunStore:
    """Runs of one table. A run is known by its model version and its moment: sent twice, it is stored once."""

    table: sa.Table

    def __init__(self, database: Database, clock: Clock = now_ms) -> None:
        self._database, self._clock = database, clock

    def own_columns(self, run: dict[str, Any]) -> dict[str, Any]:
        """The columns that not every kind of run has. Raises MalformedError naming the field."""
        raise NotImplementedError

    async def store(self, run: dict[str, Any]) -> bool:
        """Keep a run, its whole body with it; False when it was there. Raises MalformedError naming the field."""
        row = _row(run, self._clock()) | self.own_columns(run)
        async with self._database.writing() as connection:
            statement = insert_into(connection, self.table).values(row).on_conflict_do_nothing()
            return (await connection.execute(statement)).rowcount == 1

    async def find(
        self,
        *,
        model: str | None,
        version: str | None,
        start: int | None,
        end: int | None,
        before: int | None,
        limit: int,
    ) -> tuple[list[dict[str, Any]], int | None]:
        """Runs, the newest first, and where to go on (`before`)."""
        own = self.table.c
        wanted: list[Wanted] = [
            (own.model, eq, model),
            (own.version, eq, version),
            (own.at, ge, start),
            (own.at, lt, end),
        ]
        rows, following = await self._database.newest_first(self.table, wanted, before=before, limit=limit)
        runs = [{**json.loads(row.body), "id": row.seq, "at": to_iso(row.at)} for row in rows]
        return runs, following


class DriftRunStore(RunStore):
    table = tables.drift_runs

    def own_columns(self, run: dict[str, Any]) -> dict[str, Any]:
        share = run.get("drift_share")
        if share is not None and (isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1):
            raise MalformedError(Fault("drift_share", "type", "must be a number from 0 to 1"))
        return {"drift_share": share}


class PerformanceRunStore(RunStore):
    table = tables.performance_runs

    def own_columns(self, run: dict[str, Any]) -> dict[str, Any]:
        return {"metric": read_text("metric", run.get("metric"))}


def _row(run: dict[str, Any], now: int) -> dict[str, Any]:
    window = run.get("window") or {}
    if not isinstance(window, dict):
        raise MalformedError(Fault("window", "type", "must be an object with from, to and rows"))
    rows = window.get("rows")
    if rows is not None and (type(rows) is not int or not 0 <= rows < 2**63):
        raise MalformedError(Fault("window.rows", "type", "must be a whole number"))
    at = _time("at", run.get("at"))
    return {
        "model": read_text("model", run.get("model")),
        "version": read_text("version", run.get("version")),
        "at": now if at is None else at,
        "window_from": _time("window.from", window.get("from")),
        "window_to": _time("window.to", window.get("to")),
        "window_rows": rows,
        "verdict": read_text("verdict", run.get("verdict")),
        "body": json.dumps(run, ensure_ascii=True),
    }


def read_text(path: str, value: Any) -> str:
    """Raises MalformedError naming the field."""
    try:
        text = check_text(value)
    except RefusedValueError as error:
        raise MalformedError(Fault(path, error.code, str(error))) from None
    if not 0 < len(text) <= _SHORT:
        raise MalformedError(Fault(path, "length", f"must have 1 to {_SHORT} characters"))
    return text


def _time(path: str, value: Any) -> int | None:
    try:
        return None if value is None else read_ms(value)
    except (TypeError, ValueError):
        raise MalformedError(Fault(path, "not_a_time", "must be ISO 8601 or milliseconds")) from None
