"""Leases: whoever holds one does a piece of work that only one should do at a time.

Two drift services on one database, by accident or while one replaces the other, agree here on whose results are kept.
"""

from __future__ import annotations

import re
from typing import Any

from pilothouse.errors import Fault
from pilothouse.wire.runs import Lease
from services.collector.errors import MalformedError
from services.collector.store.database import Database
from services.collector.store.statements import take_lease
from services.collector.times import Clock, now_ms, to_iso
from services.collector.watching.runs import read_text

LONGEST_SECONDS = 3600
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


class Leases:
    def __init__(self, database: Database, clock: Clock = now_ms) -> None:
        self._database, self._clock = database, clock

    async def take(self, name: str, wanted: dict[str, Any]) -> Lease:
        """Take or keep a lease for `{"holder", "seconds"}`, or give it up with 0 seconds; whose it is then.

        Raises MalformedError naming the field.
        """
        holder, seconds = read_text("holder", wanted.get("holder")), _seconds(wanted.get("seconds"))
        if not _NAME.fullmatch(name):
            raise MalformedError(Fault("name", "pattern", "must be 1 to 40 lower case letters, digits and hyphens"))
        now = self._clock()
        until = now + int(seconds * 1000)
        async with self._database.writing() as connection:
            found = await take_lease(connection, f"asked/{name}", holder, now=now, until=until)
        return Lease(name, found.holder, to_iso(found.until))


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST_SECONDS:
        raise MalformedError(Fault("seconds", "type", f"must be a number from 0 to {LONGEST_SECONDS}"))
    return float(value)
