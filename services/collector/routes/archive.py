"""The archive: which days it has, and writing it now."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from pilothouse.archive import day_number
from pilothouse.errors import Fault
from pilothouse.serving.auth import require
from pilothouse.wire.archive import ArchivedDays
from services.collector.errors import MalformedError, NoArchiveError
from services.collector.parts import Parts
from services.collector.routes.json_body import answer

_Key = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]
_Day = Annotated[str | None, Query(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description="2026-11-20")]


def archive_router(parts: Parts) -> APIRouter:
    router = APIRouter(prefix="/v1/archive", tags=["archive"])

    @router.get("", dependencies=[Depends(require("read"))], summary="Days in the archive, the newest first")
    async def days(
        *,
        model: _Key = None,
        version: _Key = None,
        dropped: Annotated[bool | None, Query(description="only days that are in the archive alone, or not")] = None,
        before: _Day = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    ) -> Response:
        until = None if before is None else _number("before", before)
        found = await parts.ledger.listing(model, version, partial=dropped, before=until, limit=limit)
        archiver = parts.archiver
        address, failure = (archiver.address, archiver.failure) if archiver else (None, None)
        return answer(ArchivedDays(address, failure, found))

    @router.post(
        "/runs",
        status_code=202,
        dependencies=[Depends(require("admin"))],
        summary="Write what is due now; with a model, a version and a day, that one whether it has changed or not",
    )
    async def run(model: _Key = None, version: _Key = None, day: _Day = None) -> Response:
        if parts.archiver is None:
            raise NoArchiveError("there is no archive; PILOTHOUSE_ARCHIVE_URL names one")
        named = [value for value in (model, version, day) if value is not None]
        if len(named) not in (0, 3):
            raise MalformedError(Fault("day", "missing", "give model, version and day, or none of them"))
        if model is not None and version is not None and day is not None:
            await parts.catalog.table(model, version)
            parts.archiver.ask((model, version, _number("day", day)))
        else:
            parts.archiver.ask()
        return answer({"started": True}, 202)

    return router


def _number(name: str, day: str) -> int:
    try:
        return day_number(day)
    except ValueError:
        raise MalformedError(Fault(name, "not_a_day", f"{day} is no day; write 2026-11-20")) from None
