"""A batch checked against its table, row by row."""

import uuid
from collections import defaultdict

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from pilothouse.ids import uuid7_bytes
from pilothouse.manifest import Feature, Manifest, Output, TabularInput
from pilothouse.wire.records import Batch
from services.collector.records.batch import DAYS_LIMIT, check
from services.collector.store.record_table import build
from services.collector.times import DAY_MS

NOW = 1_795_000_000_000
TABLE = build(
    Manifest(
        name="m", version="1", task="regression", output=Output(),
        input=TabularInput(features=(
            Feature(name="a", type="number"), Feature(name="b", type="category", categories=("x",)),
        )),
    ),
    defaultdict(sa.Text),
)  # fmt: skip
COLUMNS = ["id", "a", "b", "prediction"]


def checked(*rows, columns=None):
    return check(Batch("m", "1", columns or COLUMNS, [list(r) for r in rows]), TABLE, NOW)


def test_columns_come_in_the_order_of_the_table_with_the_time_of_the_id():
    record_id = uuid7_bytes(NOW - 7)
    part = checked([2.0, record_id, "x", 1.0], columns=["prediction", "id", "b", "a"])
    assert dict(zip(TABLE.names, (c[0] for c in part.columns), strict=True)) == {
        "id": record_id, "at": NOW - 7, "level": part.columns[2][0],
        "latency_ms": None, "source": None, "trace_id": None, "a": 1.0, "b": "x", "prediction": 2.0,
    }  # fmt: skip


def test_all_faults_of_a_row_are_told_and_the_first_gives_the_code():
    (refusal,) = checked([uuid7_bytes(NOW), "no", 5, None]).refusals
    assert refusal.code == "type"
    assert refusal.message == "a: must be a number, not text; b: must be text, not a whole number"


def test_the_edges_of_time_are_taken():
    part = checked(*([uuid7_bytes(ms), 1.0, "x", 1.0] for ms in (946_684_800_000, NOW, NOW + DAY_MS)))
    assert part.refusals == []


def test_ids_of_another_version_or_variant_are_refused():
    good = bytearray(uuid7_bytes(NOW))
    wrong_variant, wrong_version = bytearray(good), bytearray(good)
    wrong_variant[8] &= 0x3F
    wrong_version[6] = 0x40
    part = checked(*([bytes(i), 1.0, "x", 1.0] for i in (good, wrong_variant, wrong_version)))
    assert [(r.row, r.code) for r in part.refusals] == [(1, "not_uuid7"), (2, "not_uuid7")]


def test_only_the_canonical_text_of_an_id_is_one():
    record_id = uuid.UUID(bytes=uuid7_bytes(NOW))
    texts = [str(record_id), str(record_id).upper(), record_id.hex, f"{{{record_id}}}", f"urn:uuid:{record_id}", ""]
    part = checked(*([text, 1.0, "x", 1.0] for text in texts))
    assert [r.row for r in part.refusals] == [2, 3, 4, 5]


def test_too_many_days_cost_the_oldest():
    part = checked(*([uuid7_bytes(NOW - i * DAY_MS), 1.0, "x", 1.0] for i in range(DAYS_LIMIT + 5)))
    assert [r.row for r in part.refusals] == list(range(DAYS_LIMIT, DAYS_LIMIT + 5))


def test_a_batch_without_rows_is_nothing():
    assert len(checked()) == 0


VALUE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters()),
    st.binary(),
    st.just([]),
    st.just({}),
)
ID = st.binary(min_size=16, max_size=16) | st.integers(0, NOW).map(uuid7_bytes) | VALUE


@given(st.lists(st.tuples(ID, VALUE, VALUE, VALUE).map(list) | st.lists(VALUE, max_size=6), max_size=8))
def test_whatever_comes_every_row_is_stored_or_refused_once(rows):
    part = checked(*rows)
    refused = [r.row for r in part.refusals]
    assert len(part) + len(set(refused)) == len(rows)
    assert refused == sorted(set(refused))
    assert {len(c) for c in part.columns} == {len(part)}
