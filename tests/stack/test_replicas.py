"""Three collectors on one PostgreSQL behind a round-robin balancer: nothing lost, nothing twice."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from testkit.faults.rig import ROOT, Load, Service
from testkit.ports import free_ports
from testkit.stack.balancer import Balancer
from testkit.waiting import wait_for

KEEP = {"PILOTHOUSE_LOG_FORMAT": "text", "PILOTHOUSE_HOST": "127.0.0.1"}


@pytest.fixture(scope="module")
def database(postgres):
    return postgres.create_database()


@pytest.fixture(scope="module")
def collectors(database, tmp_path_factory):
    """Three, started at the same moment on an empty database."""
    made = [
        Service("collector", port, tmp_path_factory.mktemp("collector"), {**KEEP, "PILOTHOUSE_DATABASE_URL": database})
        for port in free_ports(3)
    ]
    try:
        with ThreadPoolExecutor(3) as threads:
            list(threads.map(Service.start, made))
        yield made
    finally:
        for collector in made:
            collector.kill()


@pytest.fixture
def sql(postgres, database):
    return lambda statement: postgres.sql(statement, database.rsplit("/", 1)[1])


def test_three_that_start_at_once_on_an_empty_database_migrate_it_once(collectors, sql):
    assert len(sql("SELECT version_num FROM alembic_version").split()) == 1
    assert all("rror" not in collector.log for collector in collectors)


def test_one_is_killed_and_comes_back_under_load_and_every_prediction_is_stored_once(collectors, tmp_path, sql):
    balancer = Balancer([c.port for c in collectors])
    settings = {
        **KEEP,
        "PILOTHOUSE_MODELS": str(ROOT / "models"),
        "PILOTHOUSE_STATE": str(tmp_path / "state"),
        "PILOTHOUSE_COLLECTOR_URL": balancer.url,
    }
    inference = Service("inference", free_ports(1)[0], tmp_path, settings)
    try:
        inference.start()
        with Load(inference.url, instances=8) as load:
            load.wait_for(1000)
            collectors[1].kill()
            load.wait_for(len(load.acknowledged) + 2000)
            collectors[1].start()
            before = balancer.served[collectors[1].port]
            load.wait_for(len(load.acknowledged) + 2000)
            wait_for(lambda: balancer.served[collectors[1].port] > before, 60)
        table = sql("SELECT table_name FROM models WHERE model = 'house-prices' ORDER BY version LIMIT 1")
        wait_for(lambda: int(sql(f'SELECT count(*) FROM "{table}"')) >= len(load.acknowledged), 60)
    finally:
        inference.kill()
        balancer.close()
    stored = sql(f'SELECT id FROM "{table}"').split()
    assert load.failures == []
    assert set(load.acknowledged) <= set(stored)
    assert len(stored) == len(set(stored))
    counted = sql("SELECT sum(records) FROM record_days WHERE model = 'house-prices'")
    assert int(counted) == len(stored), "the counts are kept by whoever stores, in one transaction"
    assert min(balancer.served.values()) > 0


def test_the_same_batches_sent_to_all_at_once_are_stored_once(collectors, sql):
    """Whoever sends a batch again because no answer came may send it to another replica while the first still works."""
    manifest = _announce(collectors[0])
    batches = [_batch(manifest, 500) for _ in range(6)]
    answers = []
    begin = threading.Barrier(3)

    def send(collector):
        begin.wait(10)
        answers.extend(
            httpx2.post(f"{collector.url}/v1/records", json=b, timeout=60).raise_for_status() for b in batches
        )

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(send, collectors))
    said = [answer.json() for answer in answers]
    assert sum(s["accepted"] for s in said) == 3000
    assert sum(s["duplicates"] for s in said) == 6000
    assert int(sql("SELECT sum(records) FROM record_days WHERE model = 'prices'")) == 3000


def _announce(collector):
    from testkit.collector.driver import PRICES

    path = f"{collector.url}/v1/models/{PRICES.name}/{PRICES.version}"
    httpx2.put(path, content=PRICES.model_dump_json()).raise_for_status()
    return PRICES


def _batch(manifest, rows):
    from pilothouse.ids import uuid7

    records = [{"id": str(uuid7()), "area": float(i), "prediction": 1.0} for i in range(rows)]
    return {"model": manifest.name, "version": manifest.version, "records": records}
