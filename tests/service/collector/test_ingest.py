"""Records go in once, whole, and one that is wrong does not touch the others."""

import asyncio
import gzip
import random
from uuid import UUID

import msgspec
import pyarrow as pa
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pilothouse.ids import uuid7, uuid7_bytes
from services.collector.times import to_iso
from testkit.collector.driver import DAY, MANIFEST, NOW, PICTURES, PRICES, columns_of, row, running

TEXT = {"content-type": "application/json"}


async def test_a_batch_is_stored_with_every_value(collector):
    sent = row(at_ms=NOW - 5)
    await collector.store([sent])
    (record,) = await collector.records()
    assert record.pop("id") == str(UUID(bytes=sent[0]))
    assert record.pop("at") == "2026-11-18T11:06:39.995Z"
    assert record.pop("sold") == "2023-11-14T22:13:20.123Z"
    assert record == {
        "latency_ms": 1.25, "source": "api", "trace_id": None, "area": 81.5, "rooms": 3, "Kind": "flat", "pool": True,
        "prediction": "yes", "probability_no": 0.25, "probability_yes": 0.75,
    }  # fmt: skip


async def test_sending_again_changes_nothing_and_says_so(collector):
    rows = [row() for _ in range(50)]
    await collector.store(rows)
    answer = await collector.send([*rows, row()])
    assert answer.json() == {"accepted": 1, "duplicates": 50, "rejected": []}
    assert (await collector.stats())[0]["records"] == 51


async def test_the_first_record_of_an_id_stays(collector):
    first = row(area=1.0)
    await collector.store([first])
    await collector.send([row(record_id=first[0], area=2.0)])
    assert (await collector.records())[0]["area"] == 1.0


async def test_one_id_twice_in_a_request_is_stored_once(collector):
    one = row()
    answer = await collector.send([one, one])
    assert answer.json() == {"accepted": 1, "duplicates": 1, "rejected": []}


async def test_duplicates_that_come_at_once_and_shuffled_are_stored_once(collector):
    rows = [row(at_ms=NOW - i * 3_600_000) for i in range(200)]
    shuffled = [random.Random(seed).sample(rows, len(rows)) for seed in range(8)]
    answers = await asyncio.gather(*(collector.send(batch) for batch in shuffled))
    assert [a.status_code for a in answers] == [200] * 8
    assert sum(a.json()["accepted"] for a in answers) == 200
    assert (await collector.stats())[0]["records"] == len(await collector.records(limit=1000)) == 200


async def test_batches_of_several_models_go_in_together(collector):
    await collector.announce(PRICES)
    prices = {"model": "prices", "version": PRICES.version, "columns": ["id", "area", "prediction"]}
    prices["rows"] = [[uuid7_bytes(NOW), 1.0, 2.0]]
    houses = {"model": "houses", "version": "1", "columns": columns_of(), "rows": [row()]}
    answer = await collector.send_batches([houses, prices, houses | {"rows": [row()]}])
    assert answer.json()["accepted"] == 3


async def test_an_unknown_version_stores_nothing(collector):
    houses = {"model": "houses", "version": "1", "columns": columns_of(), "rows": [row()]}
    answer = await collector.send_batches([houses, houses | {"version": "7"}])
    assert answer.status_code == 404
    assert answer.json()["type"].endswith("unknown-model")
    assert await collector.records() == []


@pytest.mark.parametrize("encode", [gzip.compress, zstandard.ZstdCompressor().compress])
async def test_bodies_may_be_compressed(collector, encode):
    body = encode(msgspec.msgpack.encode({"batches": [{"model": "houses", "version": "1", "columns": columns_of(),
                                                       "rows": [row()]}]}))  # fmt: skip
    kind = "gzip" if encode is gzip.compress else "zstd"
    headers = {"content-type": "application/msgpack", "content-encoding": kind}
    assert (await collector.http.post("/v1/records", content=body, headers=headers)).json()["accepted"] == 1


async def test_records_may_be_named_in_json(collector):
    record = {"id": str(uuid7(NOW)), "area": 2, "rooms": 1, "Kind": "house", "pool": False,
              "sold": "2020-02-02T02:02:02+01:00", "prediction": "no", "probability_no": 0.9,
              "probability_yes": 0.1}  # fmt: skip
    answer = await collector.send_json({"model": "houses", "version": "1", "records": [record]})
    assert answer.json() == {"accepted": 1, "duplicates": 0, "rejected": []}
    stored = (await collector.records())[0]
    assert (stored["area"], stored["sold"], stored["latency_ms"]) == (2.0, "2020-02-02T01:02:02.000Z", None)


async def test_batches_may_be_json_with_lists_for_embeddings(collector):
    await collector.announce(PICTURES)
    rows = [[str(uuid7(NOW)), 1, "api", None, 0.5, "cat", 1.0, 0.0, 0.0, vector] for vector in ([1, 2.5, -3, 0], None)]
    batch = {"model": "pictures", "version": "1", "columns": columns_of(PICTURES), "rows": rows}
    assert (await collector.send_json({"batches": [batch]})).json()["accepted"] == 2
    stored = {r["id"]: r["embedding"] for r in await collector.records("pictures")}
    assert stored == {rows[0][0]: [1.0, 2.5, -3.0, 0.0], rows[1][0]: None}


async def test_vectors_are_kept_to_the_bit(empty):
    await empty.announce(PICTURES)
    vector = b"\x01\x00\x80\x3f\x00\x00\x00\x80\xff\xff\x7f\x7f\x01\x00\x00\x00"  # the last one is subnormal
    names = columns_of(PICTURES)
    values = {"id": row()[0], "embedding": vector, "prediction": "cat", "brightness": 0.5}
    await empty.send([[values.get(n) for n in names]], PICTURES, names)
    answer = await empty.http.get("/v1/records", params={"model": "pictures", "format": "arrow"})
    (found,) = pa.ipc.open_stream(answer.content).read_all().column("embedding").to_pylist()
    assert pa.array(found, pa.float32()).buffers()[1].to_pybytes() == vector


async def test_a_large_batch_over_two_days_sent_twice_is_stored_once(collector):
    rows = [row(at_ms=NOW - age * DAY) for age in (0, 1) for _ in range(700)]
    await collector.store(rows)
    again = (await collector.send(rows)).json()
    assert (again["accepted"], again["duplicates"]) == (0, 1400)
    assert (await collector.stats())[0]["records"] == 1400


async def test_columns_may_come_in_any_order_without_those_about_the_call(collector):
    names = [n for n in reversed(columns_of()) if n not in ("latency_ms", "source", "trace_id")]
    values = dict(zip(columns_of(), row(), strict=True))
    answer = await collector.send([[values[n] for n in names]], columns=names)
    assert answer.json()["accepted"] == 1
    assert (await collector.records())[0]["area"] == 81.5


async def test_a_body_over_the_limit_is_413(collector):
    answer = await collector.http.post("/v1/records", content=bytes(500_001), headers=TEXT)
    assert (answer.status_code, answer.json()["type"].rsplit(":")[-1]) == (413, "too-large")


async def test_a_body_without_a_length_is_bounded_too(collector):
    async def endless():
        while True:
            yield bytes(10_000)

    answer = await collector.http.post("/v1/records", content=endless(), headers=TEXT)
    assert answer.status_code == 413


@pytest.mark.parametrize(("kind", "compress"), [("gzip", gzip.compress), ("zstd", zstandard.compress)])
async def test_a_decompression_bomb_is_413(collector, kind, compress):
    bomb = compress(bytes(50_000_000))
    answer = await collector.http.post("/v1/records", content=bomb, headers=TEXT | {"content-encoding": kind})
    assert answer.status_code == 413


async def test_too_many_rows_are_413_and_store_nothing(database_url):
    async with running(database_url, max_rows=3) as small:
        await small.ready()
        await small.announce()
        assert (await small.send([row() for _ in range(4)])).status_code == 413
        await small.store([row() for _ in range(3)])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/plain"}, 415),
        ({}, 415),
        ({"content-type": "application/json", "content-encoding": "br"}, 415),
        ({"content-type": "application/json", "content-encoding": "gzip"}, 422),
        ({"content-type": "application/json", "content-encoding": "zstd"}, 422),
        ({"content-type": "application/json"}, 422),
        ({"content-type": "application/msgpack"}, 422),
    ],
)
async def test_what_is_not_understood_has_its_own_status(collector, headers, status):
    answer = await collector.http.post("/v1/records", content=b"\xc1 nonsense", headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_counts_are_metrics_by_model_version(collector):
    rows = [row(at_ms=NOW - 3000), row()]
    await collector.store(rows)
    await collector.send(rows)
    own = {"model": "houses", "version": "1"}
    assert collector.metric("records_ingested_total", **own) == 2
    assert collector.metric("records_duplicate_total", **own) == 2
    assert collector.metric("lag_seconds_sum", **own) == 6
    assert collector.metric("batch_seconds_count") == 2


HOSTILE = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40) | st.sampled_from(
    [
        "",
        "'",
        '"',
        "\\",
        "\\N",
        "\\.",
        "\n",
        "\t",
        "%s",
        "{}",
        "$1",
        "NULL",
        "\ufeff",
        "a\u0301",
        "🏴‍☠️",
        "--",
        "\x7f",
        "\u2028",
    ]
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    area=FLOATS | st.none() | st.sampled_from([5e-324, -0.0, 1.7976931348623157e308, 0.1 + 0.2]),
    rooms=st.integers(-(2**63), 2**63 - 1) | st.none(),
    Kind=HOSTILE | st.none(),
    pool=st.booleans() | st.none(),
    sold=st.integers(-62_135_596_800_000, 253_402_300_799_999) | st.none(),
)
async def test_whatever_is_accepted_comes_back_the_same(collector, **values):
    sent = row(**values)
    await collector.store([sent])
    record_id = str(UUID(bytes=sent[0]))
    (stored,) = await collector.records(id=record_id)
    shown = {**values, "sold": None if values["sold"] is None else to_iso(values["sold"])}
    assert {name: stored[name] for name in shown} == shown


def test_the_manifest_of_these_tests_has_every_kind_of_column():
    assert {f.type for f in MANIFEST.input.features} == {"number", "integer", "category", "boolean", "datetime"}
