"""Ground truth comes late, in any order, repeatedly, and before its record."""

from uuid import UUID

import pyarrow as pa
import pytest

from pilothouse.ids import uuid7, uuid7_bytes
from testkit.collector.driver import NOW, PRICES, row


async def post(collector, *labels):
    answer = await collector.http.post("/v1/labels", json=list(labels))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def label_of(collector, record_id, model="houses"):
    (record,) = await collector.records(model, id=record_id, labels="true")
    return record["label"]


@pytest.fixture
async def one(collector):
    """The id of one stored record."""
    record_id = uuid7_bytes(NOW)
    await collector.store([row(record_id=record_id)])
    return str(UUID(bytes=record_id))


async def test_a_record_without_a_label_has_none(collector, one):
    assert await label_of(collector, one) is None


async def test_the_last_label_counts_and_all_are_kept(collector, one):
    await post(collector, {"record_id": one, "label": "yes"})
    await post(collector, {"record_id": one, "label": "no"})
    assert await label_of(collector, one) == "no"
    history = (await collector.http.get(f"/v1/labels/{one}")).json()["labels"]
    assert [n["label"] for n in history] == ["yes", "no"]


async def test_a_label_of_an_earlier_moment_does_not_undo_a_later_one(collector, one):
    await post(collector, {"record_id": one, "label": "no", "at": "2026-11-18T10:00:00Z"})
    await post(collector, {"record_id": one, "label": "yes", "at": "2026-11-18T09:00:00Z"})
    assert await label_of(collector, one) == "no"
    assert len((await collector.http.get(f"/v1/labels/{one}")).json()["labels"]) == 2


async def test_in_one_request_the_last_counts_too(collector, one):
    sent = [{"record_id": one, "label": "yes", "at": 2000}, {"record_id": one, "label": "no", "at": 1000}]
    await post(collector, *sent)
    assert await label_of(collector, one) == "yes"
    await post(collector, {"record_id": one, "label": "a", "at": 2000}, {"record_id": one, "label": "b", "at": 2000})
    assert await label_of(collector, one) == "b"


async def test_the_same_label_sent_again_is_no_news(collector, one):
    label = {"record_id": one, "label": "yes", "at": NOW}
    assert (await post(collector, label))["accepted"] == 1
    assert await post(collector, label) == {"accepted": 0, "unchanged": 1, "rejected": []}
    assert len((await collector.http.get(f"/v1/labels/{one}")).json()["labels"]) == 1


async def test_a_label_may_come_before_its_record(collector):
    record_id = uuid7_bytes(NOW)
    await post(collector, {"record_id": str(UUID(bytes=record_id)), "label": "yes"})
    await collector.store([row(record_id=record_id)])
    assert await label_of(collector, str(UUID(bytes=record_id))) == "yes"
    assert (await collector.stats())[0]["labels"] == 1


async def test_labels_of_a_regression_are_numbers(collector):
    await collector.announce(PRICES)
    ids = [uuid7_bytes(NOW + i) for i in range(3)]
    columns = ["id", "area", "prediction"]
    await collector.send([[i, 1.0, 2.0] for i in ids], PRICES, columns)
    texts = [str(UUID(bytes=i)) for i in ids]
    await post(collector, {"record_id": texts[0], "label": 1234.5}, {"record_id": texts[1], "label": "7"})
    await post(collector, {"record_id": texts[2], "label": "dear"})
    assert [await label_of(collector, t, "prices") for t in texts] == [1234.5, 7.0, None]


async def test_whole_numbers_and_booleans_are_classes_as_they_are_written(collector, one):
    for sent, stored in ((3, "3"), (3.0, "3"), (0.5, "0.5"), (True, "true")):
        await post(collector, {"record_id": one, "label": sent})
        assert await label_of(collector, one) == stored


async def test_records_with_and_without_labels_are_told_apart(collector, one):
    await collector.store([row()])
    await post(collector, {"record_id": one, "label": "yes"})
    assert [r["id"] for r in await collector.records(has_label="true")] == [one]
    assert one not in [r["id"] for r in await collector.records(has_label="false")]


async def test_when_a_label_was_known_can_be_asked_for(collector, one):
    await post(collector, {"record_id": one, "label": "yes", "at": "2026-11-18T10:00:00Z"})
    await collector.store([row()])
    found = await collector.records(columns="labelled_at")
    assert sorted(str(r["labelled_at"]) for r in found) == ["2026-11-18T10:00:00.000Z", "None"]
    query = {"model": "houses", "columns": "labelled_at", "format": "arrow"}
    table = pa.ipc.open_stream((await collector.http.get("/v1/records", params=query)).content).read_all()
    assert str(table.schema.field("labelled_at").type) == "timestamp[ms, tz=UTC]"
    assert table.column("labelled_at").null_count == 1


async def test_labels_come_from_a_file(collector, one):
    other = str(uuid7(NOW))
    body = f'\ufeffrecord_id,label,at\r\n{one},yes,2026-11-18T10:00:00Z\r\n{other},"n""o",\r\nx,yes,\r\n'
    answer = await collector.http.post("/v1/labels", content=body.encode(), headers={"content-type": "text/csv"})
    assert answer.json()["accepted"] == 2
    assert [(r["index"], r["code"]) for r in answer.json()["rejected"]] == [(2, "not_uuid7")]
    assert await label_of(collector, one) == "yes"


BAD = [
    ({"label": "a\0"}, "nul"),
    ({"label": ""}, "length"),
    ({"label": "x" * 201}, "length"),
    ({"label": None}, "type"),
    ({"label": [1]}, "type"),
    ({"label": 2**70}, "not_finite"),
    ({"at": "soon"}, "not_a_time"),
    ({"at": 10**16}, "not_a_time"),
    ({"at": 1.5}, "type"),
    ({"record_id": "7"}, "not_uuid7"),
    ({"record_id": "c9a0e8d4-0000-4000-8000-000000000000"}, "not_uuid7"),
    ({"record_id": 3}, "not_uuid7"),
    ({"model": "houses"}, "unknown_field"),
]


@pytest.mark.parametrize(("changes", "code"), BAD)
async def test_a_bad_label_is_refused_alone(collector, one, changes, code):
    bad = {"record_id": str(uuid7(NOW)), "label": "yes"} | changes
    answer = await post(collector, {"record_id": one, "label": "no"}, bad, 5)
    assert answer["accepted"] == 1
    assert [(r["index"], r["code"]) for r in answer["rejected"]] == [(1, code), (2, "type")]
    assert collector.metric("labels_total", outcome="rejected") == 2


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{}", "application/json"),
        (b"[", "application/json"),
        (b'["\\ud800"]', "application/json"),
        (b"id,truth\r\n", "text/csv"),
        (b"record_id,label\r\n\xff,\xfe\r\n", "text/csv"),
        (b'record_id,label\r\n"x', "text/csv"),
    ],
)
async def test_what_is_no_list_of_labels_is_refused(collector, body, kind):
    answer = await collector.http.post("/v1/labels", content=body, headers={"content-type": kind})
    assert answer.status_code == 422
