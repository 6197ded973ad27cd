"""Labels that come before their record are kept, and judged when it is there."""

from uuid import UUID

from pilothouse.ids import uuid7_bytes
from testkit.collector.driver import DAY, NOW, PRICES, row, running


async def post(collector, *labels):
    return (await collector.http.post("/v1/labels", json=list(labels))).json()


async def judged(collector, seconds=2):
    """The background's round, some seconds later."""
    collector.clock.now += seconds * 1000
    await collector.components.waiting_labels.round()


async def history(collector, record_id):
    labels = (await collector.http.get(f"/v1/labels/{text(record_id)}")).json()["labels"]
    return [(given["label"], given["waiting"]) for given in labels]


async def labels(collector, model="houses"):
    return [record["label"] for record in await collector.records(model, labels="true")]


def text(record_id):
    return str(UUID(bytes=record_id))


async def test_a_label_may_come_before_its_record(collector):
    record_id = uuid7_bytes(NOW)
    answer = await post(collector, {"record_id": text(record_id), "label": "yes", "at": NOW + 5})
    assert (answer["accepted"], answer["waiting"]) == (1, 1)
    await judged(collector)
    assert collector.metric("labels_waiting") == 1
    assert await history(collector, record_id) == [("yes", True)]
    await collector.store([row(record_id=record_id)])
    await judged(collector)
    assert await labels(collector) == ["yes"]
    assert await history(collector, record_id) == [("yes", False)]
    assert (await collector.stats())[0]["labels"] == 1
    assert collector.metric("labels_waiting") == 0


async def test_one_that_is_no_class_of_its_model_becomes_a_dead_letter(collector):
    good, bad = uuid7_bytes(NOW), uuid7_bytes(NOW)
    sent = [{"record_id": text(good), "label": "yes"}, {"record_id": text(bad), "label": 1.0}]
    assert (await post(collector, *sent))["waiting"] == 2
    await collector.store([row(record_id=good), row(record_id=bad)])
    await judged(collector)
    assert sorted(map(str, await labels(collector))) == ["None", "yes"]
    (letter,) = (await collector.http.get("/v1/dead-letters")).json()["dead_letters"]
    assert (letter["model"], letter["code"], letter["record_id"]) == ("houses", "not_a_class", text(bad))
    assert "it has 'no', 'yes'" in letter["message"] and '"label": "1"' in letter["payload"]
    assert collector.metric("labels_rejected_total", model="houses", version="1", code="not_a_class") == 1
    assert await history(collector, bad) == []


async def test_its_model_may_be_announced_later(collector):
    record_id = uuid7_bytes(NOW)
    await post(collector, {"record_id": text(record_id), "label": "7"})
    await judged(collector)
    await collector.announce(PRICES)
    await collector.send([[record_id, 1.0, 2.0]], PRICES, ["id", "area", "prediction"])
    await judged(collector)
    assert await labels(collector, "prices") == [7.0]


async def test_of_several_that_wait_the_latest_counts_and_the_same_again_is_no_news(collector):
    record_id = text(uuid7_bytes(NOW))
    sent = [{"record_id": record_id, "label": word} for word in ("no", "yes")]
    assert (await post(collector, *sent))["replaced"] == 1
    assert (await post(collector, {"record_id": record_id, "label": "yes"}))["unchanged"] == 1
    await collector.store([row(record_id=UUID(record_id).bytes)])
    await post(collector, {"record_id": record_id, "label": "no", "at": 5})
    await judged(collector)
    assert await labels(collector) == ["yes"]
    assert [word for word, _ in await history(collector, UUID(record_id).bytes)] == ["no", "yes"]


async def test_a_record_that_never_comes_is_looked_for_ever_less_often(collector):
    await post(collector, {"record_id": text(uuid7_bytes(NOW)), "label": "yes"})
    for _ in range(20):
        await judged(collector, seconds=60)
    waiting, now = collector.components.waiting_labels, collector.clock.now
    assert await waiting._due(now + 100_000) == []
    assert len(await waiting._due(now + 600_000)) == 1, "after ten minutes at most"


async def test_labels_survive_a_restart_and_more_than_a_roundful_is_judged(database_url):
    ids = [uuid7_bytes(NOW) for _ in range(4500)]
    async with running(database_url) as collector:
        await collector.ready()
        await collector.announce()
        assert (await post(collector, *({"record_id": text(i), "label": "yes"} for i in ids)))["waiting"] == 4500
    async with running(database_url) as collector:
        await collector.ready()
        await collector.store([row(record_id=i) for i in ids])
        await judged(collector)
        assert (await collector.stats())[0]["labels"] == 4500


async def test_a_label_of_a_record_that_is_gone_by_its_age_is_refused(database_url):
    async with running(database_url, retention_days=14) as collector:
        await collector.ready()
        await collector.announce()
        old, kept = (text(uuid7_bytes(NOW - age * DAY)) for age in (15, 14))
        answer = await post(collector, {"record_id": old, "label": "yes"}, {"record_id": kept, "label": "yes"})
        assert [(r["index"], r["code"]) for r in answer["rejected"]] == [(0, "expired")]
        assert answer["waiting"] == 1
        collector.clock.now += 2 * DAY
        await collector.components.maintenance.round()
        assert await history(collector, UUID(kept).bytes) == []
