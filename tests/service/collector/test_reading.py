"""Records come back: by window, by page, by id, filtered, and in four formats that agree."""

import io
import struct
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet
import pytest

from pilothouse.ids import uuid7, uuid7_bytes
from testkit.collector.driver import MANIFEST, NOW, PICTURES, PRICES, Ids, columns_of, row, running


def areas(records):
    return [r["area"] for r in records]


@pytest.fixture
async def ten(collector):
    """Ten records, a second apart, with the areas 0 to 9."""
    await collector.store([row(at_ms=NOW - 10_000 + i * 1000, area=float(i)) for i in range(10)])
    return collector


async def test_a_window_has_its_start_and_not_its_end(ten):
    window = {"from": "2026-11-18T11:06:32Z", "to": NOW - 5000}
    assert areas(await ten.records(**window)) == [2.0, 3.0, 4.0]


async def test_moments_may_have_a_zone_whose_plus_was_not_escaped(ten):
    answer = await ten.http.get("/v1/records?model=houses&from=2026-11-18T12:06:32+01:00&columns=area")
    assert areas(answer.json()["records"])[0] == 2.0


async def test_pages_are_not_shifted_by_what_comes_in_between(ten):
    seen, cursor = [], {}
    while True:
        answer = (
            await ten.http.get("/v1/records", params={"model": "houses", "limit": 3, "order": "desc"} | cursor)
        ).json()
        seen += areas(answer["records"])
        await ten.send([row(at_ms=NOW + len(seen), area=100.0)])
        if answer["next"] is None:
            break
        cursor = {"cursor": answer["next"]}
    assert seen == [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.0]


async def test_the_last_page_has_no_next(ten):
    answer = (await ten.http.get("/v1/records", params={"model": "houses", "limit": 11})).json()
    assert answer["next"] is None


async def test_the_newest_rows_come_in_the_order_of_time(ten):
    answer = await ten.http.get("/v1/records", params={"model": "houses", "last": 3})
    assert areas(answer.json()["records"]) == [7.0, 8.0, 9.0]
    assert (answer.headers["pilothouse-window-rows"], answer.json()["total"]) == ("3", 3)


async def test_more_of_the_newest_than_there_are_is_all(ten):
    answer = await ten.http.get("/v1/records", params={"model": "houses", "last": 30, "order": "desc"})
    assert len(answer.json()["records"]) == 10
    assert answer.headers["pilothouse-window-rows"] == "10"


async def test_the_newest_of_nothing_is_nothing(collector):
    answer = await collector.http.get("/v1/records", params={"model": "houses", "last": 3})
    assert (answer.json()["records"], answer.json()["total"]) == ([], 0)


async def test_a_record_is_found_by_its_id_alone(ten):
    await ten.announce(PICTURES)
    record_id = (await ten.records())[4]["id"]
    answer = await ten.http.get("/v1/records", params={"id": record_id})
    assert areas(answer.json()["records"]) == [4.0]
    assert answer.headers["pilothouse-model"] == "houses"


async def test_an_id_that_was_never_stored_is_no_record(ten):
    assert await ten.records(id=str(uuid7())) == []


async def test_only_the_columns_asked_for_come_and_in_that_order(ten):
    answer = (await ten.http.get("/v1/records", params={"model": "houses", "columns": "area, at", "limit": 1})).json()
    assert (answer["columns"], list(answer["records"][0])) == (["area", "at"], ["area", "at"])


async def test_without_a_version_the_one_with_the_newest_record_answers(ten):
    await ten.announce(MANIFEST.model_copy(update={"version": "2"}))
    answer = await ten.http.get("/v1/records", params={"model": "houses"})
    assert answer.json()["version"] == answer.headers["pilothouse-version"] == "1"
    await ten.store([row(at_ms=NOW)], MANIFEST.model_copy(update={"version": "2"}))
    assert (await ten.http.get("/v1/records", params={"model": "houses"})).json()["version"] == "2"


async def test_records_are_filtered_by_prediction_and_confidence(collector):
    for prediction, sure in (("yes", 0.9), ("yes", 0.6), ("no", 0.8)):
        chances = {"probability_yes": sure, "probability_no": 1 - sure}
        if prediction == "no":
            chances = {"probability_yes": 1 - sure, "probability_no": sure}
        await collector.store([row(prediction=prediction, area=sure, **chances)])
    assert areas(await collector.records(prediction="yes", max_confidence=0.7)) == [0.6]
    assert areas(await collector.records(min_confidence=0.75, order="desc")) in ([0.8, 0.9], [0.9, 0.8])
    assert await collector.records(prediction="'; DROP TABLE models; --") == []


async def test_the_predictions_of_a_regression_are_filtered_by_their_range(collector):
    await collector.announce(PRICES)
    rows = [[uuid7_bytes(NOW + i), 1.0, "api", None, 80.0, 100.0 * i] for i in range(5)]
    await collector.store(rows, PRICES)
    found = await collector.records("prices", min_prediction=100, max_prediction=300)
    assert [r["prediction"] for r in found] == [100.0, 200.0, 300.0]


@pytest.mark.parametrize("bound", ["min_prediction", "max_prediction"])
async def test_a_range_of_predictions_is_refused_for_classes(collector, bound):
    answer = await collector.http.get("/v1/records", params={"model": "houses", bound: 1})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "no_column")


async def test_records_are_filtered_by_whether_they_have_a_label(ten):
    labelled = [r["id"] for r in (await ten.records())[2:4]]
    await ten.http.post("/v1/labels", json=[{"record_id": i, "label": "yes"} for i in labelled])
    assert [r["id"] for r in await ten.records(has_label="true")] == labelled
    assert len(await ten.records(has_label="false")) == 8


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_a_page_of_a_filtered_search_looks_at_so_many_records_and_goes_on(database_url, order):
    async with running(database_url, searched_rows=100) as collector:
        await collector.ready()
        await collector.announce()
        wanted = {5, 6, 230, 231, 232}
        rows = [row(at_ms=NOW + i, area=float(i), prediction="no" if i in wanted else "yes") for i in range(250)]
        await collector.store(rows)
        pages, cursor = [], {}
        while cursor is not None:
            query = {"model": "houses", "prediction": "no", "limit": 2, "order": order} | cursor
            answer = (await collector.http.get("/v1/records", params=query)).json()
            pages.append([int(area) for area in areas(answer["records"])])
            cursor = answer["next"] and {"cursor": answer["next"]}
    found = {"asc": [[5, 6], [], [], [230, 231], [232]], "desc": [[232, 231], [230], [], [6, 5], []]}
    assert pages == found[order]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"model": "houses", "sampel": "3"}, "sampel"),
        ({"model": "houses", "columns": "area,nope"}, "columns"),
        ({"model": "houses", "from": "tomorrow"}, "from"),
        ({"model": "houses", "from": "9" * 15}, "from"),
        ({"model": "houses", "cursor": "!"}, "cursor"),
        ({"model": "houses", "sample": "0"}, "sample"),
        ({"model": "houses", "limit": "10001"}, ""),
        ({"model": "houses", "prediction": "a\0"}, "prediction"),
        ({"model": "houses", "id": "7"}, "id"),
        ({"limit": "3"}, ""),
        ({"model": "houses", "sample": "3", "cursor": "x"}, ""),
    ],
)
async def test_a_query_that_cannot_be_meant_is_refused_with_the_field_named(ten, query, field):
    answer = await ten.http.get("/v1/records", params=query)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["path"] == field


@pytest.mark.parametrize("query", [
    {"model": "none"}, {"model": "houses", "version": "9"}, {"model": "a\0b", "version": "1"},
    {"model": "x" * 150, "version": "1"},
])  # fmt: skip
async def test_a_model_that_nobody_announced_is_404_or_refused(ten, query):
    assert (await ten.http.get("/v1/records", params=query)).status_code in (404, 422)


async def test_confidence_is_refused_for_a_model_without_probabilities(collector):
    await collector.announce(PRICES)
    answer = await collector.http.get("/v1/records", params={"model": "prices", "min_confidence": 0.5, "format": "csv"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "no_column")


async def export(collector, kind, model="houses", **query):
    answer = await collector.http.get("/v1/records", params={"model": model, "format": kind} | query)
    assert answer.status_code == 200, answer.text
    return answer.content


async def test_every_format_says_the_same(collector):
    odd = [{"Kind": 'a,"b"\r\nc', "area": None}, {"Kind": "", "pool": False}, {"Kind": None, "sold": None, "rooms": -1}]
    await collector.store([row(**changes) for changes in odd] + [row() for _ in range(2500)])
    expected = {r["id"]: r for r in await collector.records(limit=10_000)}
    parquet = pa.parquet.read_table(io.BytesIO(await export(collector, "parquet"))).to_pylist()
    arrow = pa.ipc.open_stream(await export(collector, "arrow")).read_all().to_pylist()
    csv = pa.csv.read_csv(
        io.BytesIO(await export(collector, "csv")),
        parse_options=pa.csv.ParseOptions(newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(strings_can_be_null=True, quoted_strings_can_be_null=False),
    ).to_pylist()
    assert arrow == parquet
    assert len(parquet) == 2503
    for table in (parquet, csv):
        for record in table:
            shown = {k: _iso(v) if isinstance(v, datetime) else v for k, v in record.items()}
            assert shown == expected[record["id"]]


def _iso(moment):
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def test_embeddings_survive_in_every_format(collector):
    await collector.announce(PICTURES)
    vectors = [[0.5, -1.0, 0.0, 3.25], None, [1.0, 2.0, 3.0, 4.0]]
    packed = [None if v is None else struct.pack("<4f", *v) for v in vectors]
    ids = [uuid7_bytes(NOW + i) for i in range(3)]
    rows = [[i, 1.0, "api", None, 0.5, "cat", 1.0, 0.0, 0.0, p] for i, p in zip(ids, packed, strict=True)]
    await collector.store(rows, PICTURES)
    assert [r["embedding"] for r in await collector.records("pictures")] == vectors
    parquet = pa.parquet.read_table(io.BytesIO(await export(collector, "parquet", "pictures")))
    assert parquet["embedding"].to_pylist() == vectors
    text = (await export(collector, "csv", "pictures", columns="embedding")).decode()
    assert text.split("\r\n")[:3] == ['"embedding"', '"[0.5,-1.0,0.0,3.25]"', ""]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
async def test_a_spreadsheet_finds_no_formula_in_an_exported_text(collector, text):
    await collector.store([row(Kind=text)])
    exported = (await export(collector, "csv", columns="Kind")).decode()
    assert exported == f'"Kind"\r\n"\'{text}"\r\n'


async def test_an_export_of_nothing_still_has_its_columns(collector):
    table = pa.parquet.read_table(io.BytesIO(await export(collector, "parquet", labels="true")))
    assert (table.num_rows, table.column_names) == (0, ["id", "at", *columns_of()[1:], "label"])
    assert pa.ipc.open_stream(await export(collector, "arrow")).read_all().num_rows == 0


async def test_an_export_goes_over_many_pages_once(collector):
    ids = Ids(1)
    rows = [row(record_id=ids(NOW - i // 7)) for i in range(4321)]
    for start in range(0, len(rows), 1000):
        await collector.store(rows[start : start + 1000])
    for order in ("asc", "desc"):
        table = pa.ipc.open_stream(await export(collector, "arrow", columns="id", order=order)).read_all()
        found = table["id"].to_pylist()
        assert found == sorted(found, reverse=order == "desc")
        assert len(set(found)) == len(found) == 4321
    assert pa.ipc.open_stream(await export(collector, "arrow", limit=2500)).read_all().num_rows == 2500
