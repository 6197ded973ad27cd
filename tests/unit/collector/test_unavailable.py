"""What means `not now`, and what is our bug."""

import sqlite3

import asyncpg
import pytest
import sqlalchemy as sa

from services.collector.store.unavailable import postgres_reason, sqlite_reason, without_secret


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("refused"),
        TimeoutError(),
        sa.exc.TimeoutError("pool"),
        asyncpg.DeadlockDetectedError("x"),
        asyncpg.DiskFullError("x"),
        asyncpg.AdminShutdownError("x"),
        asyncpg.QueryCanceledError("x"),
        asyncpg.LockNotAvailableError("x"),
        asyncpg.InvalidPasswordError("x"),
        asyncpg.TooManyConnectionsError("x"),
        asyncpg.ConnectionDoesNotExistError("x"),
        asyncpg.InterfaceError("connection is closed"),
        sa.exc.DBAPIError("SELECT", {}, asyncpg.CannotConnectNowError("starting up")),
    ],
)
def test_the_server_is_away(error):
    assert postgres_reason(error)


@pytest.mark.parametrize(
    "error", [asyncpg.UndefinedTableError("x"), asyncpg.UniqueViolationError("x"), asyncpg.PostgresSyntaxError("x"),
              asyncpg.InsufficientPrivilegeError("x"), ValueError("x"), KeyError("x")],
)  # fmt: skip
def test_our_own_bugs_are_not_the_servers(error):
    assert postgres_reason(error) is None


def sqlite_error(statement, path=":memory:"):
    connection = sqlite3.connect(path)
    try:
        connection.execute(statement)
    except sqlite3.Error as error:
        return error
    finally:
        connection.close()
    raise AssertionError


def test_a_file_that_is_no_database_is_a_reason(tmp_path):
    (tmp_path / "x").write_bytes(b"x" * 5000)
    assert "not a database" in sqlite_reason(sqlite_error("SELECT * FROM sqlite_master", tmp_path / "x"))


@pytest.mark.parametrize("statement", ["SELECT nonsense", "SELEKT", "CREATE TABLE t (a PRIMARY KEY, a)"])
def test_a_statement_that_is_wrong_is_our_bug(statement):
    assert sqlite_reason(sqlite_error(statement)) is None


def test_a_lock_that_is_held_is_a_reason(tmp_path):
    holder = sqlite3.connect(tmp_path / "x")
    holder.execute("BEGIN EXCLUSIVE")
    other = sqlite3.connect(tmp_path / "x", timeout=0)
    with pytest.raises(sqlite3.OperationalError) as caught:
        other.execute("BEGIN IMMEDIATE")
    assert "locked" in sqlite_reason(caught.value)
    other.close()
    holder.close()


def test_a_password_is_not_repeated():
    assert without_secret("no such user u:hunter2", "hunter2") == "no such user u:***"
    assert without_secret("text", None) == "text"
