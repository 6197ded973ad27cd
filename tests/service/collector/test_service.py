"""The frame: keys, problems, docs, and a table of errors that leaves none out."""

import asyncio
from pathlib import Path

import pytest

from services.collector import errors
from services.collector.app import ERRORS
from services.collector.settings import CollectorSettings
from testkit.collector.driver import row, running

NEVER_SEEN_OUTSIDE = {
    errors.MissingDayError,
    errors.LeaseLostError,
    errors.IncompleteDayError,
    errors.NotArchivedError,
    errors.DatabaseAddressError,
}
DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture
async def guarded(tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("ingest-key-0123456789 ingest\nread-key-0123456789012 read\n")
    async with running(f"sqlite:///{tmp_path}/c.sqlite", api_keys_file=keys) as collector:
        await collector.ready()
        yield collector


WRITES = [("PUT", "/v1/models/houses/1"), ("PUT", "/v1/models/houses"), ("POST", "/v1/records"), ("POST", "/v1/labels"),
          ("POST", "/v1/drift-runs"), ("POST", "/v1/alerts")]  # fmt: skip
READS = [("GET", "/v1/models"), ("GET", "/v1/models/houses/1"), ("GET", "/v1/records?model=houses"),
         ("GET", "/v1/labels/019aa4b0-7c00-7000-8000-000000000000"), ("GET", "/v1/drift-runs"), ("GET", "/v1/alerts"),
         ("GET", "/v1/dead-letters"), ("GET", "/v1/stats")]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), WRITES + READS)
async def test_every_call_needs_a_key_of_its_scope(guarded, method, path):
    wrong = "read-key-0123456789012" if (method, path) in WRITES else "ingest-key-0123456789"
    statuses = []
    for key in (None, "unknown", wrong):
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        statuses.append((await guarded.http.request(method, path, headers=headers)).status_code)
    assert statuses == [401, 401, 403]


async def test_the_right_key_is_let_in(guarded):
    headers = {"authorization": "Bearer read-key-0123456789012"}
    assert (await guarded.http.get("/v1/stats", headers=headers)).status_code == 200


def test_every_error_has_a_status():
    kinds = [errors.CollectorError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    unmapped = {k for k in kinds[1:] if not set(k.__mro__) & set(ERRORS)}
    assert unmapped == NEVER_SEEN_OUTSIDE


def test_every_setting_is_documented():
    text = (DOCS / "settings.md").read_text()
    own = {n: f for n, f in CollectorSettings.model_fields.items() if n != "port"}
    names = [f.validation_alias or f"PILOTHOUSE_{name.upper()}" for name, f in own.items()]
    assert [name for name in names if name not in text] == []


async def test_every_metric_and_every_call_is_documented(collector):
    text = "".join((DOCS / name).read_text() for name in ("collector.md", "monitoring.md"))
    named = {m.name for m in collector.registry.collect() if m.name.startswith("pilothouse_collector_")}
    assert [name for name in named if name not in text] == []
    paths = (await collector.http.get("/openapi.json")).json()["paths"]
    assert [path for path in paths if path.startswith("/v1") and path.split("/{")[0] not in text] == []


async def test_the_pool_is_a_metric(collector):
    await collector.store([row()])
    for _ in range(100):  # what counts in the background takes one now and then
        if collector.metric("pool_in_use") == 0:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("a connection was not given back")


async def test_collectors_that_start_at_the_same_time_agree(database_url):
    async with running(database_url) as one, running(database_url) as other:
        await asyncio.gather(one.ready(60), other.ready(60))
        answers = await asyncio.gather(*(c.announce() for c in (one, other) for _ in range(3)))
        assert {a.status_code for a in answers} <= {200, 201}
        assert (await one.announce()).status_code == 200
