"""The collector over HTTP: records as Arrow, results as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2
import msgspec
import pyarrow as pa

from pilothouse.manifest import Manifest
from pilothouse.serving.identity import IdentityError
from pilothouse.serving.trace import trace_headers
from pilothouse.wire.archive import ArchivedDay, ArchivedDays
from pilothouse.wire.drift import DriftAnswer
from pilothouse.wire.models import AnnouncedModels, ModelStats, Stats
from pilothouse.wire.performance import PerformanceAnswer
from pilothouse.wire.records import RecordPage
from pilothouse.wire.runs import Lease, LeaseRequest
from services.drift.errors import CollectorAwayError
from services.drift.records import Rows, RunKind
from services.drift.window import SCORED_ROWS, Window, parse_moment

WINDOW_ROWS = "Pilothouse-Window-Rows"
UNKNOWN_MODEL, UNKNOWN_COLUMN = 404, 422
DAYS_LIMIT = 10_000
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class DroppedDay:
    """A day that the database has dropped: its file in the archive, and its bounds in milliseconds."""

    path: str
    start_ms: int
    end_ms: int


class HttpRecords:
    """Satisfies `records.Records`."""

    def __init__(
        self, url: str, api_key: str | None, timeout_seconds: float, identity: httpx2.Auth | None = None
    ) -> None:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        timeout = httpx2.Timeout(timeout_seconds, connect=min(timeout_seconds, 2))
        self._http = httpx2.AsyncClient(base_url=url.rstrip("/"), headers=headers, timeout=timeout, auth=identity)

    async def states(self) -> dict[tuple[str, str], str]:
        known = _decode(await self._send("GET", "/v1/models"), AnnouncedModels).models
        return {(m.model, m.version): m.state for m in known if m.state}

    async def newest(self, model: str, version: str) -> str | None:
        query = {"model": model, "version": version, "limit": 1, "order": "desc", "columns": "id"}
        answer = await self._get("/v1/records", query)
        records = [] if answer is None else _decode(answer, RecordPage).records
        return str(records[0]["id"]) if records else None

    async def count(self, model: str, version: str) -> int:
        return sum(stats.records for stats in await self._stats(model, version))

    async def labels(self, model: str, version: str) -> int:
        return sum(stats.labels for stats in await self._stats(model, version))

    async def read(
        self,
        model: str,
        version: str,
        window: Window,
        columns: Sequence[str],
        *,
        with_labels: bool = False,
        only_labelled: bool = False,
        most: int = SCORED_ROWS,
    ) -> Rows:
        query: dict[str, Any] = {"model": model, "version": version, "format": "arrow", "labels": with_labels}
        query |= {"last": window.rows} if window.rows else {"from": window.start_ms, "to": window.end_ms}
        if window.rows is None or window.rows > most:
            query["sample"] = most
        query |= {"has_label": True} if only_labelled else {}
        query = {name: value for name, value in query.items() if value is not None}
        answer = await self._get("/v1/records", {**query, "columns": ",".join(("id", *columns))}, UNKNOWN_COLUMN)
        if answer is not None and answer.status_code == UNKNOWN_COLUMN:  # announced by somebody with other columns
            answer = await self._get("/v1/records", query)
        if answer is None:
            return Rows(pa.table({}), 0)
        table = _table(answer)
        return Rows(table, int(answer.headers.get(WINDOW_ROWS, table.num_rows)))

    async def save_run(self, run: DriftAnswer | PerformanceAnswer, kind: RunKind = "drift") -> None:
        await self._send("POST", f"/v1/{kind}-runs", content=run.model_dump_json().encode())

    async def runs(self, query: Mapping[str, str], kind: RunKind = "drift") -> bytes:
        answer = await self._get(f"/v1/{kind}-runs", dict(query))
        return b'{"%s_runs":[],"next":null}' % kind.encode() if answer is None else answer.content

    async def dropped_days(self, model: str, version: str) -> list[DroppedDay]:
        """Days that are in the archive alone, the oldest first; None are of a model that was never announced."""
        query = {"model": model, "version": version, "dropped": True, "limit": DAYS_LIMIT}
        answer = await self._get("/v1/archive", query)
        days = [] if answer is None else _decode(answer, ArchivedDays).days
        return sorted((_dropped(day) for day in days), key=lambda day: day.start_ms)

    async def lease(self, holder: str, seconds: float) -> str:
        """Satisfies `leader.Ask`."""
        request = msgspec.json.encode(LeaseRequest(holder, seconds))
        return _decode(await self._send("PUT", "/v1/leases/drift", content=request), Lease).holder

    async def announce(self, manifest: Manifest) -> None:
        """Satisfies `announcer.Announce`."""
        await self._send("PUT", f"/v1/models/{manifest.key}", content=manifest.model_dump_json().encode())

    async def close(self) -> None:
        await self._http.aclose()

    async def _stats(self, model: str, version: str) -> list[ModelStats]:
        answer = await self._get("/v1/stats", {"model": model})
        models = [] if answer is None else _decode(answer, Stats).models
        return [stats for stats in models if (stats.model, stats.version) == (model, version)]

    async def _get(self, path: str, query: Mapping[str, Any], *accept: int) -> httpx2.Response | None:
        """The answer, successful or of a status to `accept`; None of a model that was never announced."""
        answer = await self._send("GET", path, accept=(UNKNOWN_MODEL, *accept), params=query)
        return None if answer.status_code == UNKNOWN_MODEL else answer

    async def _send(self, method: str, path: str, *, accept: tuple[int, ...] = (), **request: Any) -> httpx2.Response:
        headers = trace_headers() | ({"content-type": "application/json"} if "content" in request else {})
        try:
            answer = await self._http.request(method, path, headers=headers, **request)
        except Exception as error:  # a connection reset has raised a bare AttributeError inside HTTP libraries
            why = str(error) if isinstance(error, IdentityError) else type(error).__name__
            raise CollectorAwayError(f"the collector does not answer ({why})") from error
        if answer.is_success or answer.status_code in accept:
            return answer
        raise CollectorAwayError(f"the collector answered {answer.status_code} to {method} {path}: {answer.text[:200]}")


def _dropped(day: ArchivedDay) -> DroppedDay:
    return DroppedDay(day.path, parse_moment(day.start) or 0, parse_moment(day.end) or 0)


def _decode(answer: httpx2.Response, kind: type[_Answer]) -> _Answer:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CollectorAwayError(f"the collector's answer is not {kind.__name__}: {error}") from error


def _table(answer: httpx2.Response) -> pa.Table:
    try:
        return pa.ipc.open_stream(answer.content).read_all()
    except pa.ArrowException as error:
        raise CollectorAwayError(f"the collector's answer is no Arrow stream: {error}") from error
