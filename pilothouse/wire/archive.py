"""The archive of old days, as `GET /v1/archive` answers it."""

from __future__ import annotations

import msgspec


class ArchivedDay(msgspec.Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """One day of a model version in the archive. `start` and `end` (`from` and `to` in JSON) bound the day.

    `dropped`: the database has dropped the day, or begun to, so that only the file has all of it.
    """

    model: str
    version: str
    day: str
    path: str
    records: int
    bytes: int
    dropped: bool
    written_at: str
    start: str
    end: str


class ArchivedDays(msgspec.Struct, frozen=True):
    """Days in the archive, the newest first. `archive` is its address, None where there is none.

    `failure` says why the last run failed, None when it did not.
    """

    archive: str | None
    failure: str | None
    days: list[ArchivedDay]
