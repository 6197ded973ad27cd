"""Where a request and its response wait for each other: in the database, because they may come to two collectors."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.collector.errors import printable
from services.collector.events.envelope import Event, Half
from services.collector.events.outcomes import RefusedEventError
from services.collector.records.dead_letters import letter_row
from services.collector.store import tables
from services.collector.store.database import Database
from services.collector.store.statements import insert_new

_EVENTS = tables.events
Pair = sa.Row[Any]  # a row of `events`, with one half or both

JOIN_LATER_MS = 2_000  # whoever brought the second half joins them at once; when it cannot, somebody does after this
RETRY_MS = 10_000
_LETTER_BYTES = 4_000  # of each half of an event that are kept when it is set aside


class EventInbox:
    """`wait_ms`: how long a half waits for the other one, and how long a joined pair is remembered."""

    def __init__(self, database: Database, wait_ms: int) -> None:
        self._database, self._wait_ms = database, wait_ms

    async def put(self, event: Event, half: Half, key: str, address: tuple[str, str | None], now: int) -> Pair | None:
        """Keep one half; the pair when the other one is there and nobody has joined them yet, None when it was known.

        `address` is the model and the version that it names. Raises RefusedEventError when another body came
        under the same id, and UnavailableError with nothing kept.
        """
        row = _new_row(event, half, key, address, now) | {"due_at": now + self._wait_ms}
        async with self._database.writing() as connection:
            if (await connection.execute(insert_new(connection, _EVENTS).values(row))).rowcount == 1:
                return await _read(connection, key)
            known = await _read(connection, key)
            if _repeats(known, half, row[f"{half}_digest"]):
                return None
            changes = {name: row[name] for name in (half, f"{half}_digest", "at") if row[name] is not None}
            changes["trace_id"] = known.trace_id or row["trace_id"]
            await connection.execute(
                sa.update(_EVENTS).where(_EVENTS.c.key == key).values(changes | {"due_at": now + JOIN_LATER_MS})
            )
            return await _read(connection, key)

    async def due(self, now: int, limit: int) -> list[Pair]:
        """What has to be looked at: pairs to join, halves that waited in vain, joined ones to forget."""
        statement = sa.select(_EVENTS).where(_EVENTS.c.due_at <= now).order_by(_EVENTS.c.due_at).limit(limit)
        async with self._database.reading() as connection:
            return list((await connection.execute(statement)).all())

    async def waiting(self) -> int:
        """Rows that are not joined, whatever they wait for."""
        statement = sa.select(sa.func.count()).select_from(_EVENTS).where(_EVENTS.c.done.is_(False))
        async with self._database.reading() as connection:
            return int((await connection.execute(statement)).scalar_one())

    async def put_off(self, pair: Pair, now: int) -> None:
        """Look at it again later, but not later than its time is up."""
        due = min(now + RETRY_MS, max(pair.received_at + self._wait_ms, now + 1))
        await self._change(pair, {"due_at": due})

    async def finish(self, pair: Pair, now: int, letter: dict[str, Any] | None = None) -> bool:
        """Drop the bodies and remember that it was done, with a dead letter where it ended as one.

        Whether this call did it: two collectors may have the same pair in hand.
        """
        done = {"done": True, "request": None, "response": None, "due_at": now + self._wait_ms}
        return await self._change(pair, done, letter)

    async def forget(self, pair: Pair) -> None:
        async with self._database.writing() as connection:
            await connection.execute(sa.delete(_EVENTS).where(_EVENTS.c.key == pair.key, _EVENTS.c.done.is_(True)))

    async def set_aside(self, letter: dict[str, Any]) -> None:
        """A dead letter of an event that never came in here."""
        async with self._database.writing() as connection:
            await connection.execute(insert_new(connection, tables.dead_letters).values(letter))

    async def _change(self, pair: Pair, values: dict[str, Any], letter: dict[str, Any] | None = None) -> bool:
        open_pair = sa.and_(_EVENTS.c.key == pair.key, _EVENTS.c.done.is_(False))
        async with self._database.writing() as connection:
            changed = await connection.execute(sa.update(_EVENTS).where(open_pair).values(values))
            if letter is not None and changed.rowcount == 1:
                await connection.execute(insert_new(connection, tables.dead_letters).values(letter))
        return changed.rowcount == 1


async def _read(connection: AsyncConnection, key: str) -> Pair:
    """Locked until the transaction ends; SQLite has one writer anyway."""
    return (await connection.execute(sa.select(_EVENTS).where(_EVENTS.c.key == key).with_for_update())).one()


def _new_row(event: Event, half: Half, key: str, address: tuple[str, str | None], now: int) -> dict[str, Any]:
    at = event.at_ms if event.at_ms is not None else now
    row: dict[str, Any] = dict.fromkeys(("request", "response", "request_digest", "response_digest"))
    return row | {
        "key": key,
        "model": printable(address[0], 120),
        "version": None if address[1] is None else printable(address[1], 120),
        "event_id": printable(event.attributes["id"], 200),
        "source": event.origin,
        "trace_id": event.trace_id,
        "at": at if half == "request" else None,
        "received_at": now,
        "done": False,
        half: event.data,
        f"{half}_digest": hashlib.sha256(event.data).hexdigest()[:32],
    }


def _repeats(known: Pair, half: Half, digest: str) -> bool:
    """Whether this half was here before. Raises RefusedEventError for another one in its place."""
    before = getattr(known, f"{half}_digest")
    if before is None and known.done:
        raise RefusedEventError("unmatched", f"the {half} came after its other half had been given up")
    if before not in (None, digest):
        raise RefusedEventError("id_reused", f"another {half} came under this id before; each inference needs its own")
    return before is not None


def event_letter(
    address: tuple[str, str | None], event_id: str, error: RefusedEventError, bodies: dict[str, bytes | None], now: int
) -> dict[str, Any]:
    """An event that cannot become records, as a dead letter; `address` is the model and the version that it names."""
    shown = {
        name: body[:_LETTER_BYTES].decode("utf-8", "backslashreplace")
        for name, body in bodies.items()
        if body is not None
    }
    payload = json.dumps({"id": printable(event_id, 200), **shown}, ensure_ascii=True)
    key = printable(address[0], 120), printable(address[1] or "", 120)
    return letter_row(key, error.code, str(error), payload, now=now, digest_of=f"{error.code}:{payload}")
