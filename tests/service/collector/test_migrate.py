"""`python -m services.collector migrate`, as the Job of k8s/ runs it."""

import os
import subprocess
import sys

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from services.collector.components import connect
from services.collector.settings import CollectorSettings
from services.collector.store.database import Database
from services.collector.store.tables import metadata


def migrate(url, **settings):
    environment = os.environ | {"PILOTHOUSE_DATABASE_URL": url, **settings}
    command = [sys.executable, "-m", "services.collector", "migrate"]
    return subprocess.run(command, env=environment, text=True, capture_output=True, timeout=120, check=False)


def test_it_makes_the_tables_and_finds_them_made(postgres):
    url = postgres.create_database()
    for _ in range(2):
        done = migrate(url)
        assert done.returncode == 0, done.stdout + done.stderr
    tables = postgres.sql("select tablename from pg_tables where schemaname = 'public'", url.rpartition("/")[2])
    assert {"alembic_version", "models", "labels", "drift_runs"} <= set(tables.splitlines())


def test_a_database_that_is_away_is_said_and_is_a_failure(postgres):
    done = migrate("postgresql://pilothouse@127.0.0.1:9/pilothouse")
    assert done.returncode == 1
    assert "PostgreSQL at 127.0.0.1:9" in done.stderr


def test_an_address_that_is_none_is_another_failure(tmp_path):
    assert migrate("mysql://localhost/x").returncode == 2


async def test_the_tables_are_those_that_the_revisions_make(database_url):
    adapter = connect(CollectorSettings(database_url=database_url))
    database = Database(adapter, timeout_seconds=30)
    await database.prepare()
    async with database.reading() as connection:
        found = await connection.run_sync(lambda c: compare_metadata(MigrationContext.configure(c), metadata))
    await adapter.close()
    assert found == []
