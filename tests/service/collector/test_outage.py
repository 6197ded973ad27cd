"""The database goes away in every way it can; the collector says so, never hangs, and comes back by itself."""

import asyncio
import signal
import time

import pytest

from testkit.collector.driver import NOW, Ids, row, running


async def reason(collector):
    answer = await collector.http.get("/health/ready")
    return answer.json().get("detail", ""), answer.status_code


async def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_a_database_that_is_down_at_the_start_is_waited_for(own_postgres):
    url = own_postgres.create_database()
    own_postgres.stop()
    async with running(url) as collector:
        await asyncio.sleep(0.3)
        said, status = await reason(collector)
        assert status == 503
        assert f"PostgreSQL at 127.0.0.1:{own_postgres.port}" in said
        assert "refused" in said.lower() or "Connect call failed" in said
        assert own_postgres.password not in said
        assert (await collector.http.get("/health/live")).status_code == 200
        answer = await collector.send([row()])
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert answer.json()["type"].endswith("unavailable")
        assert collector.metric("database_up") == 0
        own_postgres.start()
        await collector.ready()
        assert (await collector.announce()).status_code == 201
        assert collector.metric("database_up") == 1


async def test_a_wrong_password_is_a_reason_in_words(postgres):
    url = postgres.clean_database().replace(postgres.password, "correct-horse")
    async with running(url) as collector:
        await until(lambda: said(collector, "password authentication failed"))
        assert "correct-horse" not in (await reason(collector))[0]


async def test_a_database_that_does_not_exist_is_a_reason_in_words(postgres):
    async with running(postgres.url("nowhere")) as collector:
        await until(lambda: said(collector, '"nowhere" does not exist'))


async def said(collector, words):
    return words in (await reason(collector))[0]


async def test_a_password_comes_from_a_file(postgres, tmp_path):
    secret = tmp_path / "password"
    secret.write_text(postgres.password + "\n")
    url = postgres.clean_database().replace(f":{postgres.password}@", "@")
    async with running(url, database_password_file=secret) as collector:
        await collector.ready()


async def test_a_sqlite_file_that_cannot_be_opened_is_a_reason_in_words(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    async with running(f"sqlite:///{blocked}/collector.sqlite") as collector:
        await until(lambda: said(collector, str(blocked)))
        assert (await collector.send([row()])).status_code == 503


async def test_a_file_that_is_no_database_is_a_reason_in_words(tmp_path):
    (tmp_path / "x.sqlite").write_bytes(b"this is not a database, but it is long enough to have a header" * 100)
    async with running(f"sqlite:///{tmp_path}/x.sqlite") as collector:
        await until(lambda: said(collector, "not a database"))


async def test_sqlite_makes_the_folder_of_its_file(tmp_path):
    async with running(f"sqlite:///{tmp_path}/new/folder/collector.sqlite") as collector:
        await collector.ready()


@pytest.mark.parametrize("how", ["kill -9", "immediate", "fast"])
async def test_no_acknowledged_record_is_lost_or_doubled_when_the_server_dies_under_load(own_postgres, how):
    ids = Ids(3)
    under_way = asyncio.Event()
    acknowledged, batches = set(), [[row(record_id=ids(NOW)) for _ in range(200)] for _ in range(60)]
    async with running(own_postgres.create_database()) as collector:
        await collector.ready()
        await collector.announce()

        async def deliver(batch):
            while True:
                answer = await collector.send(batch)
                assert answer.status_code in (200, 503), answer.text
                if answer.status_code == 200:
                    acknowledged.update(r[0] for r in batch)
                    under_way.set()
                    return
                await asyncio.sleep(0.05)

        async def shipper(mine):
            for batch in mine:
                await deliver(batch)

        shippers = [asyncio.create_task(shipper(batches[i::3])) for i in range(3)]
        await under_way.wait()
        assert len(acknowledged) < 12_000
        if how == "kill -9":
            await asyncio.to_thread(own_postgres.kill)
        else:
            stop = signal.SIGQUIT if how == "immediate" else signal.SIGINT
            await asyncio.to_thread(own_postgres.stop, stop)
        await asyncio.sleep(0.3)
        await asyncio.to_thread(own_postgres.start)
        await asyncio.wait_for(asyncio.gather(*shippers), 60)
        await collector.ready()
        assert len(acknowledged) == 12_000
        assert (await collector.stats())[0]["records"] == 12_000
        stored = set()
        cursor = {}
        while cursor is not None:
            page = await collector.http.get(
                "/v1/records", params={"model": "houses", "columns": "id", "limit": 10_000} | cursor
            )
            stored |= {r["id"].replace("-", "") for r in page.json()["records"]}
            cursor = {"cursor": page.json()["next"]} if page.json()["next"] else None
        assert stored == {i.hex() for i in acknowledged}


async def test_a_server_that_hangs_is_503_in_bounded_time_and_forgiven_afterwards(own_postgres):
    async with running(own_postgres.create_database(), database_timeout=1.5) as collector:
        await collector.ready()
        await collector.announce()
        own_postgres.freeze()
        try:
            begun = time.monotonic()
            answers = await asyncio.gather(
                *(collector.send([row()]) for _ in range(4)), collector.http.get("/v1/stats")
            )
            assert {a.status_code for a in answers} == {503}
            assert time.monotonic() - begun < 12
            await until(lambda: said(collector, "no answer in time"))
        finally:
            own_postgres.thaw()
        await collector.ready()
        await collector.store([row()])


async def test_a_locked_table_is_waited_for_or_refused_but_never_half_stored(own_postgres):
    async with running(own_postgres.create_database(), database_timeout=1.0) as collector:
        await collector.ready()
        table = (await collector.announce()).json()["table"]
        database = own_postgres.sql("SELECT datname FROM pg_database WHERE datname LIKE 'test_%'")
        with own_postgres.holding(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE", database):
            answer = await collector.send([row(), row(area=float("nan"))])
            assert answer.status_code == 503
        assert (await collector.http.get("/v1/dead-letters")).json()["dead_letters"] == []
        await collector.store([row()])


async def test_two_collectors_that_start_at_once_migrate_once(database_url):
    async with running(database_url) as first, running(database_url) as second:
        await asyncio.gather(first.ready(), second.ready())
        answers = await asyncio.gather(*(c.announce() for c in (first, second, first, second)))
        assert sorted(a.status_code for a in answers) == [200, 200, 200, 201]
        await first.store([row()])
        assert (await second.stats())[0]["records"] == 1


async def test_a_migration_waits_for_another_and_readiness_says_so(postgres):
    url = postgres.clean_database()
    lock = "SELECT pg_advisory_xact_lock(hashtext('pilothouse migration'))"
    with postgres.holding(lock, "clean") as release:
        async with running(url, database_timeout=1.0) as collector:
            await until(lambda: said(collector, "no answer in time"))
            assert (await collector.http.get("/v1/models")).status_code == 503
            assert postgres.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", "clean") == "0"
            release()
            await collector.ready()
