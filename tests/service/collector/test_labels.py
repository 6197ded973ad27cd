"""Ground truth comes late, in any order, repeatedly, and before its record."""

from uuid import UUID

import pyarrow as pa
import pytest
import sqlalchemy as sa

from pilothouse.ids import uuid7, uuid7_bytes
from pilothouse.manifest import Feature, Manifest, Output, TabularInput
from services.collector.store import tables
from testkit.collector.driver import NOW, PRICES, row


async def post(collector, *labels):
    answer = await collector.http.post("/v1/labels", json=list(labels))
    assert answer.status_code == (207 if answer.json()["rejected"] else 200), answer.text
    return answer.json()


async def refuse(collector, label):
    """Send one label that must be refused; why."""
    answer = await collector.http.post("/v1/labels", json=[label])
    assert answer.status_code == 422, answer.text
    (refused,) = answer.json()["rejected"]
    assert answer.json()["errors"][0]["message"] == refused["message"] == answer.json()["detail"]
    return refused


async def label_of(collector, record_id, model="houses"):
    (record,) = await collector.records(model, id=record_id, labels="true")
    return record["label"]


async def history_of(collector, record_id):
    return (await collector.http.get(f"/v1/labels/{record_id}")).json()["labels"]


def model_with(classes, label_values=None):
    """A binary model with these classes."""
    return Manifest(
        name="flags", version="1", task="binary", output=Output(classes=classes, label_values=label_values),
        input=TabularInput(features=(Feature(name="area", type="number"),)),
    )  # fmt: skip


async def record_of(collector, manifest):
    """The id of one stored record of a model that is announced for it."""
    await collector.announce(manifest)
    record_id = uuid7_bytes(NOW)
    columns = ["id", "area", "prediction", *manifest.probability_columns]
    answer = await collector.send([[record_id, 1.0, manifest.output.classes[0], 1.0, 0.0]], manifest, columns)
    assert answer.json()["accepted"] == 1, answer.text
    return str(UUID(bytes=record_id))


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
    await post(collector, *({"record_id": one, "label": word, "at": 3000} for word in ("yes", "no")))
    assert await label_of(collector, one) == "no"


async def test_the_same_label_sent_again_is_no_news(collector, one):
    label = {"record_id": one, "label": "yes", "at": NOW}
    assert (await post(collector, label))["accepted"] == 1
    none = {"rejected": [], "replaced": 0, "waiting": 0, "skipped": 0}
    assert await post(collector, label) == {"accepted": 0, "unchanged": 1} | none
    collector.clock.now += 1000
    assert (await post(collector, {"record_id": one, "label": "yes"}))["unchanged"] == 1, "nobody said a new time"
    assert len(await history_of(collector, one)) == 1
    assert (await post(collector, label | {"at": NOW + 1}))["accepted"] == 1


async def test_a_label_in_place_of_another_is_counted_as_one(collector, one):
    sent = [{"record_id": one, "label": word} for word in ("yes", "yes", "no")]
    assert await post(collector, *sent) == {
        "accepted": 2, "unchanged": 1, "rejected": [], "replaced": 1, "waiting": 0, "skipped": 0
    }  # fmt: skip
    assert (await post(collector, {"record_id": one, "label": "yes", "at": 5}))["replaced"] == 0, "of an earlier moment"


async def test_labels_of_a_regression_are_numbers(collector):
    await collector.announce(PRICES)
    ids = [uuid7_bytes(NOW + i) for i in range(3)]
    columns = ["id", "area", "prediction"]
    await collector.send([[i, 1.0, 2.0] for i in ids], PRICES, columns)
    texts = [str(UUID(bytes=i)) for i in ids]
    await post(collector, {"record_id": texts[0], "label": 1234.5}, {"record_id": texts[1], "label": " 7.00 "})
    for wrong in ("dear", "12 500 zł", True, "nan"):
        assert (await refuse(collector, {"record_id": texts[2], "label": wrong}))["code"] == "not_a_number"
    assert [await label_of(collector, t, "prices") for t in texts] == [1234.5, 7.0, None]
    history = (await collector.http.get(f"/v1/labels/{texts[1]}")).json()["labels"]
    assert [(given["label"], given["value"]) for given in history] == [("7", 7.0)]
    counted = {"model": "prices", "version": "2.0-rc.1", "code": "not_a_number"}
    assert collector.metric("labels_rejected_total", **counted) == 4


@pytest.mark.parametrize("wrong", ["banana", 1, True, "YES", " yes", "y\u0435s"])
async def test_a_label_that_is_no_class_is_refused_with_the_classes(collector, one, wrong):
    refused = await refuse(collector, {"record_id": one, "label": wrong})
    assert (refused["code"], refused["record_id"]) == ("not_a_class", one)
    assert "it has 'no', 'yes'" in refused["message"]
    assert await label_of(collector, one) is None
    assert collector.metric("labels_rejected_total", model="houses", version="1", code="not_a_class") == 1


@pytest.mark.parametrize(
    ("classes", "true", "untrue"),
    [(("False", "True"), "True", "False"), (("0", "1"), "1", "0")],
    ids=["words", "digits"],
)
async def test_classes_that_are_true_and_false_are_matched_however_they_are_written(collector, classes, true, untrue):
    one = await record_of(collector, model_with(classes))
    for sent in (True, "true", "True", 1, 1.0, "1", "1.0"):
        await post(collector, {"record_id": one, "label": sent})
        assert await label_of(collector, one, "flags") == true
        await post(collector, {"record_id": one, "label": not sent if isinstance(sent, bool) else "0"})
        assert await label_of(collector, one, "flags") == untrue


async def test_the_manifest_maps_other_values_from_when_it_says_so(collector):
    one = await record_of(collector, model_with(("legit", "fraud")))
    assert (await refuse(collector, {"record_id": one, "label": 1}))["code"] == "not_a_class"
    mapped = model_with(("legit", "fraud"), {1: "fraud", 0: "legit"})
    assert (await collector.announce(mapped)).json()["updated"]
    await post(collector, {"record_id": one, "label": 1})
    assert await label_of(collector, one, "flags") == "fraud"


async def test_each_label_of_a_request_is_judged_by_its_own_model(collector, one):
    flag = await record_of(collector, model_with(("False", "True")))
    sent = [{"record_id": one, "label": "yes"}, {"record_id": one, "label": True}, {"record_id": flag, "label": "yes"}]
    answer = await post(collector, *sent, {"record_id": flag, "label": True})
    assert answer["accepted"] == 2
    assert [(r["index"], r["code"]) for r in answer["rejected"]] == [(1, "not_a_class"), (2, "not_a_class")]


async def test_labels_that_were_stored_before_they_were_judged_can_be_read(collector, one):
    async with collector.components.database.writing() as connection:
        old = {"record_id": UUID(one), "label": "Ja", "value": None, "at": NOW}
        await connection.execute(sa.insert(tables.labels), old)
        await connection.execute(sa.insert(tables.label_history), old | {"received_at": NOW})
    assert await label_of(collector, one) == "Ja"
    assert [given["label"] for given in await history_of(collector, one)] == ["Ja"]
    assert (await post(collector, {"record_id": one, "label": "yes"}))["replaced"] == 1


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
    assert answer.status_code == 207
    assert [(r["index"], r["code"]) for r in answer.json()["rejected"]] == [(2, "not_uuid7")]
    assert await label_of(collector, one) == "yes"


BAD = [
    ({"label": "a\0"}, "nul"),
    ({"label": ""}, "length"),
    ({"label": "x" * 201}, "length"),
    ({"label": None}, "type"),
    ({"label": [1]}, "type"),
    ({"label": 2**70}, "not_finite"),
    ({"label": 2**63}, "not_finite"),
    ({"label": {"label": "yes"}}, "type"),
    ({"label": "x" * 100_000}, "too_long"),
    ({"at": "soon"}, "not_a_time"),
    ({"at": 10**16}, "not_a_time"),
    ({"at": 1.5}, "type"),
    ({"record_id": "7"}, "not_uuid7"),
    ({"record_id": "c9a0e8d4-0000-4000-8000-000000000000"}, "not_uuid7"),
    ({"record_id": 3}, "not_uuid7"),
    ({"record_id": "ffffffff-ffff-7fff-bfff-ffffffffffff"}, "absurd_time"),
    ({"record_id": "00000000-0000-7000-8000-000000000000"}, "absurd_time"),
    ({"model": "houses"}, "unknown_field"),
]


@pytest.mark.parametrize(("changes", "code"), BAD)
async def test_a_bad_label_is_refused_alone(collector, one, changes, code):
    bad = {"record_id": str(uuid7(NOW)), "label": "yes"} | changes
    answer = await post(collector, {"record_id": one, "label": "no"}, bad, 5)
    assert answer["accepted"] == 1
    assert [(r["index"], r["code"]) for r in answer["rejected"]] == [(1, code), (2, "type")]
    assert collector.metric("labels_total", outcome="rejected") == 2


NO_JSON = [("NaN", "not_finite"), ("-Infinity", "not_finite"), ("1e400", "not_finite"), ("1" * 5000, "not_finite"),
           ('"\\ud800"', "not_unicode")]  # fmt: skip


@pytest.mark.parametrize(("value", "code"), NO_JSON)
async def test_what_is_no_value_of_json_costs_one_label(collector, one, value, code):
    body = f'[{{"record_id": "{one}", "label": "yes"}}, {{"record_id": "{one}", "label": {value}}}, null]'
    answer = await collector.http.post("/v1/labels", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["accepted"]) == (207, 1)
    assert [(r["index"], r["code"]) for r in answer.json()["rejected"]] == [(1, code), (2, "type")]


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
