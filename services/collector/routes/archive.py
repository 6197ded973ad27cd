"""The archive: which days it has, and writing it now."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from pilothouse.archive import day_number
from pilothouse.errors import Fault
from pilothouse.wire.archive import ArchivedDays
from services.collector.components import Components
from services.collector.errors import MalformedError, NoArchiveError
from services.collector.routes.bodies import answer
from services.collector.routes.parameters import ADMIN, READ, ShortText

_Day = Annotated[str | None, Query(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description="2026-11-20")]


def archive_router(components: Components) -> APIRouter:
    router = APIRouter(prefix="/v1/archive", tags=["archive"])

    @router.get("", dependencies=READ, summary="Days in the archive, the newest first")
    async def days(
        *,
        model: ShortText = None,
        version: ShortText = None,
        dropped: Annotated[bool | None, Query(description="only days that are in the archive alone, or not")] = None,
        before: _Day = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    ) -> Response:
        until = None if before is None else _number("before", before)
        found = await components.ledger.listing(model, version, partial=dropped, before=until, limit=limit)
        archiver = components.archiver
        address, failure = (archiver.address, archiver.failure) if archiver else (None, None)
        return answer(ArchivedDays(address, failure, found))

    @router.post(
        "/runs",
        status_code=202,
        dependencies=ADMIN,
        summary="Write what is due now; with a model, a version and a day, that one whether it has changed or not",
    )
    async def run(model: ShortText = None, version: ShortText = None, day: _Day = None) -> Response:
        if components.archiver is None:
            raise NoArchiveError("there is no archive; PILOTHOUSE_ARCHIVE_URL names one")
        named = [value for value in (model, version, day) if value is not None]
        if len(named) not in (0, 3):
            raise MalformedError(Fault("day", "missing", "give model, version and day, or none of them"))
        if model is not None and version is not None and day is not None:
            await components.models.table(model, version)
            components.archiver.ask((model, version, _number("day", day)))
        else:
            components.archiver.ask()
        return answer({"started": True}, 202)

    return router


def _number(name: str, day: str) -> int:
    try:
        return day_number(day)
    except ValueError:
        raise MalformedError(Fault(name, "not_a_day", f"{day} is no day; write 2026-11-20")) from None
