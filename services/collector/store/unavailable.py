"""Which of the databases' errors mean `not now` rather than a bug of ours, and how to say so without the password."""

from __future__ import annotations

import sqlite3

import asyncpg
import sqlalchemy as sa

# Classes of SQLSTATE (PostgreSQL, appendix A): connection lost, no resources, operator intervention, rolled back for a
# conflict, lock not available, system error; and what a server says to somebody it does not let in.
_TRANSIENT = ("08", "53", "57", "40", "55P03", "58", "28", "3D000", "25006", "25P03")
_SQLITE_BUGS = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISUSE, sqlite3.SQLITE_RANGE, sqlite3.SQLITE_MISMATCH})


def postgres_reason(error: BaseException) -> str | None:
    """The reason in words, or None when the error is not about the database's availability."""
    for cause in _chain(error):
        state = getattr(cause, "sqlstate", None)
        if state is not None:
            return _words(cause) if str(state).startswith(_TRANSIENT) else None
        if isinstance(cause, TimeoutError | sa.exc.TimeoutError):
            return "no answer in time"
        if isinstance(cause, OSError | asyncpg.InterfaceError | asyncpg.InternalClientError):
            return _words(cause)
    return "connection lost" if getattr(error, "connection_invalidated", False) else None


def sqlite_reason(error: BaseException) -> str | None:
    for cause in _chain(error):
        if isinstance(cause, sqlite3.OperationalError | sqlite3.DatabaseError):
            code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_CANTOPEN) & 0xFF
            return None if code in _SQLITE_BUGS | {sqlite3.SQLITE_CONSTRAINT} else _words(cause)
        if isinstance(cause, TimeoutError | sa.exc.TimeoutError):
            return "no answer in time"
        if isinstance(cause, OSError):
            return _words(cause)
    return None


def without_secret(text: str, secret: object) -> str:
    return text.replace(str(secret), "***") if secret else text


def _chain(error: BaseException) -> list[BaseException]:
    """The error, what the driver raised beneath it, and theirs."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop(0)
        if current is None or current in found:
            continue
        found.append(current)
        waiting += [getattr(current, "orig", None), current.__cause__, current.__context__]
    return found


def _words(error: BaseException) -> str:
    text = " ".join(str(error).split())[:300]
    return text or type(error).__name__
