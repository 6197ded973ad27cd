"""Model versions are announced once, and never change their columns."""

import pytest

from pilothouse.manifest import Feature, Manifest, TabularInput
from testkit.collector.driver import MANIFEST, PRICES, row, running


def with_features(*features):
    return MANIFEST.model_copy(update={"input": TabularInput(features=features)})


async def test_announcing_twice_makes_one_table(empty):
    first, second = await empty.announce(), await empty.announce()
    assert (first.status_code, first.json()["created"]) == (201, True)
    assert (second.status_code, second.json()["created"]) == (200, False)


async def test_another_description_replaces_the_manifest_and_keeps_the_records(collector):
    await collector.store([row()])
    answer = await collector.announce(MANIFEST.model_copy(update={"description": "new 🏠"}))
    assert (answer.status_code, answer.json()["updated"]) == (200, True)
    assert (await collector.http.get("/v1/models/houses/1")).json()["description"] == "new 🏠"
    assert len(await collector.records()) == 1


async def test_other_columns_conflict_and_change_nothing(collector):
    other = with_features(Feature(name="area", type="integer"), Feature(name="garden", type="number"))
    answer = await collector.announce(other)
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("schema-conflict")
    assert "area was number, is integer" in answer.json()["detail"]
    assert (await collector.http.get("/v1/models/houses/1")).json() == MANIFEST.model_dump(mode="json")
    await collector.store([row()])


async def test_a_new_version_with_other_columns_is_a_new_table(collector):
    features = with_features(Feature(name="garden", type="number"))
    answer = await collector.announce(features.model_copy(update={"version": "2"}))
    assert answer.status_code == 201
    known = (await collector.http.get("/v1/models")).json()["models"]
    assert len({entry["table"] for entry in known}) == 2


async def test_versions_that_look_alike_as_names_have_tables_of_their_own(empty):
    for version in ("1.0", "1-0", "1_0", "A", "a"):
        assert (await empty.announce(PRICES.model_copy(update={"version": version}))).status_code == 201
    assert len((await empty.http.get("/v1/models")).json()["models"]) == 5


async def test_the_manifest_of_another_address_is_refused(empty):
    answer = await empty.http.put("/v1/models/houses/9", content=MANIFEST.model_dump_json())
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "mismatch")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"\xff", b'{"name": "\\ud800"}', b"[" * 100_000])
async def test_what_is_no_manifest_is_refused(empty, body):
    answer = await empty.http.put("/v1/models/houses/1", content=body)
    assert answer.status_code == 422
    assert answer.json()["errors"]


async def test_a_name_that_only_differs_in_case_from_a_column_of_the_log_is_refused(empty):
    body = with_features(Feature(name="trace", type="number")).model_dump(mode="json")
    body["input"]["features"][0]["name"] = "Trace_ID"
    answer = await empty.http.put("/v1/models/houses/1", json=body)
    assert answer.status_code == 422
    assert "Trace_ID" in answer.json()["detail"]


async def test_nine_hundred_columns_fit(empty):
    manifest = with_features(*(Feature(name=f"f{i}", type="number") for i in range(890)))
    assert (await empty.announce(manifest)).status_code == 201
    values = [row()[0], 1.0, "api", None, *(float(i) for i in range(890)), "yes", 0.5, 0.5]
    await empty.store([values], manifest)
    assert (await empty.records())[0]["f889"] == 889.0


async def test_a_row_that_no_page_of_the_database_holds_is_refused_at_the_announcement(empty):
    manifest = with_features(*(Feature(name=f"f{i}", type="number") for i in range(1000)))
    answer = await empty.announce(manifest)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "too_many_columns")


async def test_what_was_announced_is_known_after_a_restart(collector, database_url):
    await collector.store([row()])
    async with running(database_url) as second:
        await second.ready()
        assert len(await second.records()) == 1
        assert Manifest.model_validate((await second.http.get("/v1/models/houses/1")).json()) == MANIFEST


async def states(collector):
    known = (await collector.http.get("/v1/models")).json()["models"]
    return {entry["version"]: entry["state"] for entry in known if entry["model"] == "houses"}


async def test_which_version_answers_is_kept_as_it_was_said_last(collector):
    await collector.announce(MANIFEST.model_copy(update={"version": "2"}))
    assert await states(collector) == {"1": "", "2": ""}
    for said in ({"1": "active", "2": "shadow", "7": "loaded"}, {"2": "active", "1": "loaded"}, {"1": "active"}):
        assert (await collector.http.put("/v1/models/houses", json={"states": said})).status_code == 204
        assert await states(collector) == {v: said.get(v, "") for v in ("1", "2")}
    await collector.announce(MANIFEST.model_copy(update={"description": "new"}))
    assert await states(collector) == {"1": "active", "2": ""}


@pytest.mark.parametrize("body", [{}, {"states": {"1": "best"}}, {"states": ["1"]}, {"states": {"1": None}}])
async def test_a_state_that_there_is_not_is_refused_and_changes_nothing(collector, body):
    await collector.http.put("/v1/models/houses", json={"states": {"1": "active"}})
    answer = await collector.http.put("/v1/models/houses", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "states")
    assert (await states(collector))["1"] == "active"
