"""Events of a model served elsewhere become records: joined, once, in any order, on both databases."""

import asyncio
import json

import pytest

from pilothouse.ids import row_id, uuid7
from testkit.collector.cloudevents import REQUEST, RESPONSE, exchange, headers, post
from testkit.collector.driver import MANIFEST, NOW, Clock, running

ROW = {"area": 81.5, "rooms": 3, "Kind": "flat", "pool": True, "sold": "2023-11-14T22:13:20Z"}
ASKED = {"instances": [ROW, ROW | {"area": 12, "Kind": "house"}]}
ANSWERED = {"predictions": [{"prediction": "yes", "probabilities": [0.2, 0.8]}, "no"]}
WAIT_MS = 900_000


async def letters(collector):
    return (await collector.http.get("/v1/dead-letters")).json()["dead_letters"]


def events(collector, **labels):
    name = "events_set_aside_total" if "code" in labels else "events_total"
    return collector.metric(name, **labels)


async def test_a_request_and_its_response_become_a_record_for_each_row(collector):
    assert await exchange(collector, "a1", ASKED, ANSWERED) == {"outcome": "joined", "accepted": 2}
    first, second = sorted(await collector.records(), key=lambda r: -r["area"])
    assert (first["prediction"], first["probability_yes"], first["Kind"], first["rooms"]) == ("yes", 0.8, "flat", 3)
    assert (second["prediction"], second["probability_yes"], second["area"]) == ("no", None, 12)
    assert first["at"] == "2026-11-18T11:06:40.123Z"
    assert (first["source"], first["latency_ms"]) == ("shop/houses", None)


async def test_the_order_in_which_the_halves_come_does_not_matter(collector):
    assert (await post(collector, RESPONSE, "b", ANSWERED)).json() == {"outcome": "waiting"}
    assert (await post(collector, REQUEST, "b", ASKED)).json() == {"outcome": "joined", "accepted": 2}


async def test_what_is_sent_again_is_stored_once(collector):
    for _ in range(3):
        for kind, body in ((REQUEST, ASKED), (RESPONSE, ANSWERED)):
            assert (await post(collector, kind, "c", body)).status_code == 200
    assert len(await collector.records()) == 2
    assert events(collector, outcome="repeated") == 4


async def test_ids_are_the_same_when_a_pair_comes_again_after_it_was_forgotten(collector):
    await exchange(collector, "d", ASKED, ANSWERED)
    collector.clock.now += WAIT_MS
    await collector.components.events.round()
    assert await exchange(collector, "d", ASKED, ANSWERED) == {"outcome": "joined", "duplicates": 2}
    assert len(await collector.records()) == 2


async def test_halves_that_come_at_the_same_time_are_joined_once(collector):
    pairs = [(kind, str(i), body) for i in range(20) for kind, body in ((REQUEST, ASKED), (RESPONSE, ANSWERED))]
    answers = await asyncio.gather(*(post(collector, *pair) for pair in pairs))
    assert sorted(a.json()["outcome"] for a in answers) == ["joined"] * 20 + ["waiting"] * 20
    assert len(await collector.records()) == 40


async def test_halves_may_come_to_two_collectors_and_one_that_was_started_anew(database_url):
    async with running(database_url) as one, running(database_url) as two:
        await one.ready()
        await two.ready()
        await one.announce()
        assert (await post(one, REQUEST, "e", ASKED)).json()["outcome"] == "waiting"
        assert (await post(two, RESPONSE, "e", ANSWERED)).json()["outcome"] == "joined"
        await post(one, REQUEST, "f", ASKED)
    async with running(database_url) as again:
        await again.ready()
        assert (await post(again, RESPONSE, "f", ANSWERED)).json() == {"outcome": "joined", "accepted": 2}
        assert len(await again.records()) == 4


async def test_events_of_a_model_that_is_announced_later_wait_for_it(empty):
    assert (await exchange(empty, "g", ASKED, ANSWERED))["outcome"] == "waiting"
    await empty.announce()
    empty.clock.now += 60_000
    await empty.components.events.round()
    assert len(await empty.records()) == 2


async def test_a_model_that_is_never_announced_ends_in_the_dead_letters(empty):
    await exchange(empty, "h", ASKED, ANSWERED)
    empty.clock.now += WAIT_MS
    await empty.components.events.round()
    (letter,) = await letters(empty)
    assert (letter["model"], letter["code"]) == ("houses", "unknown_model")
    assert json.loads(json.loads(letter["payload"])["request"]) == ASKED
    assert events(empty, code="unknown_model") == 1


@pytest.mark.parametrize(("kind", "half"), [(REQUEST, "request"), (RESPONSE, "response")])
async def test_a_half_that_stays_alone_is_given_up_and_counted(collector, kind, half):
    await post(collector, kind, "i", ASKED)
    await collector.components.events.round()
    assert collector.metric("events_waiting") == 1
    collector.clock.now += WAIT_MS
    await collector.components.events.round()
    assert collector.metric("events_unmatched_total", half=half) == 1
    assert [n["code"] for n in await letters(collector)] == ["unmatched"]
    collector.clock.now += WAIT_MS
    await collector.components.events.round()
    assert (await post(collector, kind, "i", ASKED)).json()["outcome"] == "waiting"


async def test_the_model_and_version_of_the_address_count_before_the_services_name(collector):
    await collector.announce(MANIFEST.model_copy(update={"version": "10"}))
    query = "?model=houses&version=1"
    assert (await exchange(collector, "j", ASKED, ANSWERED, query, service="other"))["accepted"] == 2
    assert len(await collector.records(version="1")) == 2
    await exchange(collector, "j", ASKED, ANSWERED)  # without them: the newest version, 10 and not 1
    assert len(await collector.records(version="10")) == 2


REFUSED = [
    ("not_json", b"{", ANSWERED),
    ("not_json", ASKED, b"\xff\xfe"),
    ("not_json", b"[" * 100_000, ANSWERED),
    ("shape", {"data": 1}, ANSWERED),
    ("shape", [], ANSWERED),
    ("shape", {"instances": []}, {"predictions": []}),
    ("shape", {"instances": [[1, 2]]}, {"predictions": [1]}),
    ("shape", {"instances": [{"other": 1}]}, {"predictions": [1]}),
    ("shape", {"inputs": [{"name": "area", "shape": [3], "data": [1]}]}, ANSWERED),
    ("shape", {"inputs": [{"name": "area", "shape": [1, -1], "data": [1]}]}, ANSWERED),
    ("shape", {"inputs": [{"name": "area", "shape": [1], "data": [[[[[[[[[[1]]]]]]]]]]}]}, ANSWERED),
    ("binary_tensors", {"inputs": [{"name": "a", "shape": [1], "parameters": {"binary_data_size": 8}}]}, ANSWERED),
    ("shape", ASKED, {"error": "model is not ready"}),
    ("rows", ASKED, {"predictions": ["yes"]}),
    ("prediction", ASKED, {"predictions": [None, None]}),
    ("prediction", ASKED, {"predictions": [7, 0]}),
    ("prediction", ASKED, {"predictions": [{"x": 1}, {"x": 2}]}),
    ("prediction", ASKED, {"predictions": [[0.5, 1.5], [0.5, 0.5]]}),
    ("prediction", ASKED, b'{"predictions": [NaN, 1]}'),
]


@pytest.mark.parametrize(
    ("code", "asked", "answered"), REFUSED, ids=[f"{c}-{i}" for i, (c, _, _) in enumerate(REFUSED)]
)
async def test_what_cannot_be_used_is_set_aside_with_the_reason_and_200(collector, code, asked, answered):
    done = await exchange(collector, "k", asked, answered)
    assert (done["outcome"], done["code"]) == ("set_aside", code)
    (letter,) = await letters(collector)
    assert (letter["model"], letter["code"], letter["message"]) == ("houses", code, done["message"])
    assert events(collector, code=code) == 1
    assert (await exchange(collector, "l", ASKED, ANSWERED))["accepted"] == 2


async def test_an_event_of_another_kind_and_a_body_under_a_used_id_are_set_aside(collector):
    assert (await post(collector, "com.example.other", "m", b"")).json()["code"] == "unknown_type"
    await exchange(collector, "n", ASKED, ANSWERED)
    other = await post(collector, REQUEST, "n", {"instances": []})
    assert (other.status_code, other.json()["code"]) == (200, "id_reused")
    assert len(await letters(collector)) == 2


async def test_a_row_that_the_checks_refuse_costs_no_other_row(collector):
    asked = {"instances": [ROW, ROW | {"area": "big"}]}
    done = await exchange(collector, "o", asked, ANSWERED)
    assert (done["accepted"], [r["code"] for r in done["rejected"]]) == (1, ["type"])
    assert collector.metric("records_dead_lettered_total", model="houses", version="1", code="type") == 1


async def test_structured_mode_says_the_same_as_binary_mode(collector):
    for kind, data in ((REQUEST, ASKED), (RESPONSE, ANSWERED)):
        envelope = {"specversion": "1.0", "id": "p", "type": kind, "source": "x", "inferenceservicename": "houses"}
        answer = await collector.http.post(
            "/v1/cloudevents", json=envelope | {"data": data}, headers={"content-type": "application/cloudevents+json"}
        )
        assert answer.status_code == 200
    assert answer.json() == {"outcome": "joined", "accepted": 2}


async def test_a_caller_who_sends_a_uuid7_as_id_can_label_every_row(collector):
    chosen = uuid7(NOW - 5)
    await exchange(collector, str(chosen), ASKED, ANSWERED)
    ids = [str(row_id(chosen, row)) for row in range(2)]
    assert ids[0] == str(chosen)
    await collector.http.post("/v1/labels", json=[{"record_id": i, "label": "yes"} for i in ids])
    assert [r["label"] for r in await collector.records(labels="true")] == ["yes", "yes"]


async def test_a_trace_that_kserve_was_told_to_log_stands_in_the_record(collector):
    metadata = json.dumps({"Traceparent": [f"00-{'ab' * 16}-{'cd' * 8}-01"]})
    await exchange(collector, "q", ASKED, ANSWERED, metadata=metadata)
    assert {r["trace_id"] for r in await collector.records()} == {"ab" * 16}


@pytest.mark.parametrize(
    ("changes", "body", "status"),
    [
        ({"ce-id": ""}, b"{}", 422),
        ({"ce-type": ""}, b"{}", 422),
        ({"ce-specversion": "0.3"}, b"{}", 422),
        ({"content-type": "application/cloudevents+json"}, b"{", 422),
        ({"content-type": "application/cloudevents+json"}, b"[]", 422),
        ({"content-encoding": "br"}, b"{}", 415),
        ({}, b"x" * 600_000, 413),
    ],
)
async def test_what_is_no_event_or_too_large_is_not_answered_with_200(collector, changes, body, status):
    answer = await collector.http.post("/v1/cloudevents", content=body, headers=headers(REQUEST, "r") | changes)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_absurd_attributes_are_no_error_of_ours(collector):
    odd = {"time": "0001-01-01T00:00:00Z", "namespace": "%00%ff" * 200, "metadata": "[1]", "traceparent": "x" * 5000}
    done = await exchange(collector, "s" * 7000, ASKED, ANSWERED, **odd)
    assert [r["code"] for r in done["rejected"]] == ["absurd_time"] * 2
    assert (await exchange(collector, "t", ASKED, ANSWERED, time=None))["accepted"] == 2


async def test_a_logger_that_waited_long_enough_does_not_find_an_open_row(collector):
    await post(collector, REQUEST, "u", ASKED)
    collector.clock.now += WAIT_MS
    await collector.components.events.round()
    assert (await post(collector, RESPONSE, "u", ANSWERED)).json()["code"] == "unmatched"


async def test_a_pair_that_cannot_be_stored_now_is_joined_later(own_postgres):
    url = own_postgres.create_database()
    async with running(url, Clock(NOW), database_timeout=1.0) as one:
        await one.ready()
        table = (await one.announce()).json()["table"]
        await post(one, REQUEST, "v", ASKED)
        with own_postgres.holding(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE", url.rsplit("/", 1)[1]):
            answer = await post(one, RESPONSE, "v", ANSWERED)
        assert (answer.status_code, answer.json()["outcome"]) == (200, "waiting")
        one.clock.now += 5_000
        await one.components.events.round()
        assert len(await one.records()) == 2
