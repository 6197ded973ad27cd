"""The collector as it speaks to CockroachDB, on a PostgreSQL server that writes down all it is told.

There is no CockroachDB here. What its documentation (v26.3) does not list must not be among the statements; that the
answers are right is shown by PostgreSQL, with transactions that are serializable too.
"""

import asyncio
import re

import pyarrow as pa
import pytest

from services.collector.app import connect
from services.collector.cockroach import Cockroach
from services.collector.settings import CollectorSettings
from testkit.collector.driver import DAY, NOW, PICTURES, Clock, columns_of, row, running
from testkit.postgres import _serve
from tests.service.collector.test_ingest import *  # noqa: F403 - the tests themselves, on another adapter
from tests.service.collector.test_label_counts import *  # noqa: F403
from tests.service.collector.test_labels import *  # noqa: F403
from tests.service.collector.test_leases import *  # noqa: F403
from tests.service.collector.test_reading import *  # noqa: F403
from tests.service.collector.test_retention import Upkeep
from tests.service.collector.test_sampling import *  # noqa: F403
from tests.service.collector.test_watching import *  # noqa: F403

STATEMENT = re.compile(
    r"^cockroach pilothouse-collector\|LOG:  (?:statement|execute [^:]*): (.*(?:\n\t.*)*)", re.MULTILINE
)
VERBS = {"SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "BEGIN", "COMMIT", "ROLLBACK", "SHOW", "WITH", ""}
# all in its list of functions, but for the last line: what SQLAlchemy asks of pg_catalog
FUNCTIONS = {"COUNT", "SUM", "COALESCE", "GREATEST", "MIN", "MAX", "ANY", "VALUES", "IN", "AND", "EXISTS", "AS", "OR",
             "VARCHAR", "KEY", "FROM", "ARRAY", "NOT", "SELECT", "UNIQUE", "CONFLICT", "WHERE", "LEAST", "ROW_NUMBER",
             "OVER", "CAST", "NULLIF", "VERSION", "CURRENT_SCHEMA", "PG_TABLE_IS_VISIBLE"}  # fmt: skip
# preview, refused, without effect, an administrator's, or another thing there
AVOIDED = re.compile(
    r"\b(TEMP|TEMPORARY|COPY|PARTITION|ATTACH|LIKE|ADVISORY|LISTEN|NOTIFY|DO \$\$|TRIGGER|EXTENSION|FUNCTION|LOCK|"
    r"CURSOR|TABLESAMPLE|CTID|XMIN|REGCLASS|PG_INHERITS|JIT|READ COMMITTED|ALTER|SAVEPOINT|JSONB?)\b"
)
# asyncpg's own: how it looks up a type of arrays (which it does of CockroachDB too), and what it leaves out where the
# server names itself by `crdb_version`
DRIVERS_OWN = re.compile(r"TYPEINFO_TREE|^SELECT\s+CURRENT_SETTING\('JIT'\)|SET_CONFIG\('JIT'")


@pytest.fixture(scope="module")
def server():
    for server in _serve():
        server.sql("CREATE DATABASE cockroach TEMPLATE template0")
        server.sql("ALTER DATABASE cockroach SET log_statement = 'all'")
        server.sql("ALTER SYSTEM SET log_line_prefix = '%d %a|'")
        server.sql("SELECT pg_reload_conf()")
        yield server


@pytest.fixture
def database_url(server):
    server.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public", "cockroach")
    return server.url("cockroach").replace("postgresql://", "cockroachdb://")


@pytest.fixture(scope="module", autouse=True)
def statements(server):
    """All that this module's collectors have said, when its tests are done, or by now."""

    def said():
        found = [s.replace("\n\t", "\n").upper() for s in STATEMENT.findall((server.folder / "log").read_text())]
        return [s for s in found if not DRIVERS_OWN.search(s)]

    yield said
    assert_known(said())


def assert_known(said):
    assert len(said) > 100
    assert {s.split(maxsplit=1)[0].rstrip(";") for s in said if s.strip(" ;")} <= VERBS
    assert {f for s in said for f in re.findall(r"\b([A-Z_]\w*) ?\(", s) if not named_by_us(f, s)} <= FUNCTIONS
    assert [s for s in said if AVOIDED.search(without_quoted(s))] == []
    assert {s for s in said if s.startswith("BEGIN")} <= {
        "BEGIN ISOLATION LEVEL SERIALIZABLE;",
        "BEGIN;",  # by Alembic and at the first connection; there it is serializable all the same
    }


def without_quoted(statement):
    return re.sub(r"\"[^\"]*\"|'[^']*'", "", statement)


def named_by_us(word, statement):
    """A table or an index, of which the columns stand in parentheses."""
    return bool(re.search(rf"\b(INTO|TABLE|ON|INDEX) {word} ?\(", statement)) or word == "ON"


async def test_of_many_who_ask_at_once_one_holds_it(collector):
    """In place of the one that was imported: some are told to ask again."""

    async def ask(holder):
        while (
            answer := await collector.http.put("/v1/leases/drift", json={"holder": holder, "seconds": 30})
        ).status_code != 200:
            assert answer.status_code == 503, answer.text
        return answer.json()["holder"]

    assert len(set(await asyncio.gather(*(ask(f"h{n}") for n in range(10))))) == 1


def test_it_is_chosen_by_the_address(database_url):
    assert isinstance(connect(CollectorSettings(database_url=database_url)), Cockroach)


async def test_vectors_are_kept_to_the_bit(empty):
    await empty.announce(PICTURES)
    vector = b"\x01\x00\x80\x3f\x00\x00\x00\x80\xff\xff\x7f\x7f\x01\x00\x00\x00"  # the last one is subnormal
    names = columns_of(PICTURES)
    values = {"id": row()[0], "embedding": vector, "prediction": "cat", "brightness": 0.5}
    await empty.send([[values.get(n) for n in names]], PICTURES, names)
    answer = await empty.http.get("/v1/records", params={"model": "pictures", "format": "arrow"})
    (found,) = pa.ipc.open_stream(answer.content).read_all().column("embedding").to_pylist()
    assert pa.array(found, pa.float32()).buffers()[1].to_pybytes() == vector


async def test_a_batch_larger_than_a_statement_over_two_days_sent_twice_is_stored_once(collector):
    rows = [row(at_ms=NOW - age * DAY) for age in (0, 1) for _ in range(700)]
    await collector.store(rows)
    again = (await collector.send(rows)).json()
    assert (again["accepted"], again["duplicates"]) == (0, 1400)
    assert (await collector.stats())[0]["records"] == 1400


async def test_retention_deletes_what_is_old(collector, database_url):
    await collector.store([row(at_ms=NOW - age * DAY, area=float(age)) for age in (0, 1, 2, 9)])
    await Upkeep(database_url, Clock(), retention_days=3).round()
    assert sorted(r["area"] for r in await collector.records()) == [0.0, 1.0, 2.0]


async def test_duplicates_that_come_at_once_and_shuffled_are_stored_once(collector, database_url):
    """In place of the one that was imported: senders that get into each other's way are told so, and repeat."""

    async def deliver(sender, rows):
        while (answer := await sender.send(rows)).status_code != 200:
            assert answer.status_code == 503, answer.text
            await asyncio.sleep(0.02)

    async with running(database_url) as other:
        await other.ready()
        batches = [[row() for _ in range(20)] for _ in range(12)]
        await asyncio.gather(*(deliver(c, b) for b in batches for c in (collector, other)))
    assert (await collector.stats())[0]["records"] == 240
    assert len(await collector.records(limit=1000)) == 240


async def test_collectors_that_start_at_the_same_time_agree(database_url):
    async with running(database_url) as one, running(database_url) as other:
        await asyncio.gather(one.ready(60), other.ready(60))
        answers = await asyncio.gather(*(c.announce() for c in (one, other) for _ in range(3)))
        assert {a.status_code for a in answers} <= {200, 201, 503}
        assert (await one.announce()).status_code == 200


def test_what_the_server_is_told_would_be_caught(statements):
    for bad in ("CREATE TEMP TABLE x (id int)", "SELECT pg_advisory_xact_lock(1)", "COPY x FROM STDIN", "DO $$ x $$"):
        with pytest.raises(AssertionError):
            assert_known([*["SELECT 1"] * 101, "BEGIN ISOLATION LEVEL SERIALIZABLE;", bad.upper()])
