"""What may not go in is refused with its field named, alike on both databases, and costs no other record."""

import json

import msgspec
import pytest

from pilothouse.ids import uuid7, uuid7_bytes
from testkit.collector.driver import DAY, NOW, PICTURES, columns_of, row

BAD = [
    ({"area": float("nan")}, "not_finite", "area"),
    ({"area": float("inf")}, "not_finite", "area"),
    ({"area": "12"}, "type", "area"),
    ({"area": True}, "type", "area"),
    ({"rooms": 2.5}, "type", "rooms"),
    ({"rooms": 2**63}, "too_large", "rooms"),
    ({"Kind": "a\0b"}, "nul", "Kind"),
    ({"Kind": "x" * 20_000}, "too_long", "Kind"),
    ({"Kind": 7}, "type", "Kind"),
    ({"pool": 1}, "type", "pool"),
    ({"sold": 10**15}, "not_a_time", "sold"),
    ({"sold": "yesterday"}, "not_a_time", "sold"),
    ({"prediction": "a\0"}, "nul", "prediction"),
    ({"source": [1]}, "type", "source"),
    ({"trace_id": {"a": 1}}, "type", "trace_id"),
    ({"record_id": b"short"}, "not_uuid7", "id"),
    ({"record_id": bytes(16)}, "not_uuid7", "id"),
    ({"record_id": uuid7_bytes(NOW + DAY + 1)}, "absurd_time", "id"),
    ({"record_id": uuid7_bytes(946_684_799_999)}, "absurd_time", "id"),
]


@pytest.mark.parametrize(("changes", "code", "field"), BAD, ids=[f"{f}-{c}-{i}" for i, (_, c, f) in enumerate(BAD)])
async def test_a_bad_record_is_set_aside_with_its_field_named(collector, changes, code, field):
    answer = await collector.send([row(), row(**changes), row()])
    assert answer.status_code == 200
    assert answer.json()["accepted"] == 2
    (rejected,) = answer.json()["rejected"]
    assert (rejected["row"], rejected["code"]) == (1, code)
    assert rejected["message"].startswith(f"{field}: ")
    letters = (await collector.http.get("/v1/dead-letters")).json()["dead_letters"]
    assert [(n["model"], n["version"], n["code"]) for n in letters] == [("houses", "1", code)]
    assert json.loads(letters[0]["payload"])
    assert collector.metric("records_dead_lettered_total", model="houses", version="1", code=code) == 1


BAD_JSON = [("1e400", "not_finite", "area"), ("NaN", "not_finite", "area"), ("-Infinity", "not_finite", "area"),
            ("1" * 40, "too_large", "area"), ("1" * 9000, "too_large", "area"), ('"\\ud800"', "type", "area"),
            ("[" * 300 + "]" * 300, "type", "area"),
            ('"\\udfff"', "not_unicode", "Kind"), ('"\\u0000"', "nul", "Kind"), (b'"\xff"', "not_unicode", "Kind"),
            ("18446744073709551616", "too_large", "rooms"), ("1.0", "type", "rooms"),
            ("1e3", "type", "rooms")]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "field"), BAD_JSON, ids=[f"{f}-{i}" for i, (_, _, f) in enumerate(BAD_JSON)])
async def test_what_json_can_say_and_databases_cannot_hold_costs_one_record(collector, text, code, field):
    good = {"id": str(uuid7(NOW)), "area": 2.5, "rooms": 1, "Kind": "house", "pool": False, "sold": None,
            "prediction": "no", "probability_no": 0.9, "probability_yes": 0.1}  # fmt: skip
    bad = json.dumps(good | {"id": str(uuid7(NOW)), field: "HERE"}).encode()
    bad = bad.replace(b'"HERE"', text if isinstance(text, bytes) else text.encode())
    body = b'{"model": "houses", "version": "1", "records": [' + json.dumps(good).encode() + b"," + bad + b"]}"
    answer = await collector.send_json(body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["accepted"] == 1
    assert [(r["code"], r["message"].split(":")[0]) for r in answer.json()["rejected"]] == [(code, field)]
    assert (await collector.http.get("/v1/dead-letters")).json()["dead_letters"][0]["code"] == code


async def test_a_text_of_stray_bytes_in_msgpack_costs_one_record(collector):
    batch = {"model": "houses", "version": "1", "columns": columns_of(), "rows": [row(), row(Kind="HERE")]}
    body = msgspec.msgpack.encode({"batches": [batch]}).replace(b"HERE", b"\xed\xa0\x80\xff")
    answer = await collector.http.post("/v1/records", content=body, headers={"content-type": "application/msgpack"})
    assert answer.json()["accepted"] == 1
    assert answer.json()["rejected"][0]["message"].startswith("Kind: ")


@pytest.mark.parametrize(("size", "code"), [(3, "length"), (5, "length"), (0, "length")])
async def test_a_vector_of_another_length_is_refused(collector, size, code):
    await collector.announce(PICTURES)
    bad = [uuid7_bytes(NOW), 1.0, "api", None, 0.5, "cat", 1.0, 0.0, 0.0, bytes(4 * size)]
    answer = await collector.send([bad], PICTURES)
    assert answer.json()["rejected"][0]["code"] == code
    assert answer.json()["rejected"][0]["message"].startswith("embedding: ")


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        (["id"], "missing_column"),
        ([*columns_of(), "garden"], "unknown_column"),
        ([*columns_of()[1:], "area"], "missing_column"),
        ([*columns_of(), "area"], "repeated_column"),
        ([*columns_of(), "na\0me"], "unknown_column"),
    ],
)
async def test_columns_that_the_log_does_not_have_set_all_rows_of_the_batch_aside(collector, columns, code):
    answer = await collector.send([[None] * len(columns), [1] * len(columns)], columns=columns)
    assert [r["code"] for r in answer.json()["rejected"]] == [code, code]
    assert await collector.records() == []


async def test_a_row_of_another_length_is_refused_alone(collector):
    answer = await collector.send([row(), row()[:-1], [*row(), 1], []])
    assert answer.json()["accepted"] == 1
    assert [(r["row"], r["code"]) for r in answer.json()["rejected"]] == [
        (1, "row_length"),
        (2, "row_length"),
        (3, "row_length"),
    ]


async def test_a_poison_record_that_comes_again_is_one_dead_letter(collector):
    bad = row(area=float("nan"))
    for _ in range(3):
        await collector.send([bad])
    assert len((await collector.http.get("/v1/dead-letters")).json()["dead_letters"]) == 1
