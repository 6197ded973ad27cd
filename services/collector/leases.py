"""Leases: work of which one at a time is wanted, asked for by whoever would do it.

Two drift services on one database, by accident or while one replaces the other, agree here on whose results are kept.
"""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa

from pilothouse.errors import Fault
from pilothouse.wire.runs import Lease
from services.collector import tables
from services.collector.database import Database
from services.collector.errors import MalformedError
from services.collector.moment import Clock, now_ms, to_iso
from services.collector.runs import read_text
from services.collector.upsert import insert_into

LONGEST_SECONDS = 3600
_LEASES = tables.leases.c
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


class Leases:
    def __init__(self, database: Database, clock: Clock = now_ms) -> None:
        self._database, self._clock = database, clock

    async def take(self, name: str, wish: dict[str, Any]) -> Lease:
        """Take or keep a lease for `{"holder", "seconds"}`, or give it up with 0 seconds; whose it is then.

        Raises MalformedError naming the field.
        """
        holder, seconds = read_text("holder", wish.get("holder")), _seconds(wish.get("seconds"))
        if not _NAME.fullmatch(name):
            raise MalformedError(Fault("name", "pattern", "must be 1 to 40 lower case letters, digits and hyphens"))
        key, now = f"asked/{name}", self._clock()
        row = {"name": key, "holder": holder, "until": now + int(seconds * 1000)}
        async with self._database.writing() as connection:
            statement = insert_into(connection, tables.leases).values(row)
            free = sa.or_(_LEASES.until <= now, _LEASES.holder == holder)
            new = {"holder": statement.excluded.holder, "until": statement.excluded.until}
            await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=new, where=free))
            found = (await connection.execute(sa.select(tables.leases).where(_LEASES.name == key))).one()
        return Lease(name, found.holder, to_iso(found.until))


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST_SECONDS:
        raise MalformedError(Fault("seconds", "type", f"must be a number from 0 to {LONGEST_SECONDS}"))
    return float(value)
