"""Reading columns of any type."""

from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from services.drift.arrow import MISSING, read_names, read_numbers


def column(values, kind=None):
    return pa.chunked_array([pa.array(values, kind)])


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, None, 3], pa.int16(), [1, np.nan, 3]),
        ([1.5, float("nan"), None], None, [1.5, np.nan, np.nan]),
        ([True, False, None], None, [1, 0, np.nan]),
        ([Decimal("1.25"), None], None, [1.25, np.nan]),
        (["1.5", " 2 ", "nan"], None, [1.5, 2, np.nan]),
        ([datetime(1970, 1, 2, 12), None], pa.timestamp("us"), [1.5, np.nan]),
        ([datetime(1970, 1, 3)], pa.timestamp("s", "Europe/Berlin"), [2.0]),
        ([date(1970, 1, 11)], None, [10]),
        ([None, None], None, [np.nan, np.nan]),
        ([], pa.float64(), []),
    ],
)
def test_numbers_are_read_from_every_type_that_holds_some(values, kind, expected):
    read = read_numbers(column(values, kind))
    np.testing.assert_array_equal(read.values, expected)
    assert read.unusable == 0


@pytest.mark.parametrize("values", [[1.0, float("inf")], ["1", "x"], ["1", "1e999"], ["1", "-inf"], [b"1", b"\xff"]])
def test_what_is_given_but_is_no_finite_number_is_missing_and_counted(values):
    read = read_numbers(column(values))
    np.testing.assert_array_equal(read.values, [1, np.nan])
    assert read.unusable == 0.5


def test_lists_where_numbers_belong_are_unusable():
    read = read_numbers(column([[1.0], None]))
    assert np.isnan(read.values).all()
    assert read.unusable == 0.5


def test_names_are_the_same_however_a_category_was_stored():
    assert read_names(column(["a", None])) == ["a", MISSING]
    assert read_names(column([True, False])) == ["true", "false"]
    assert read_names(column([3.0, 2.5, float("nan")])) == ["3", "2.5", MISSING]
    assert read_names(column([3])) == ["3"]
    assert read_names(column(["a", "b", "a"]).dictionary_encode()) == ["a", "b", "a"]


@pytest.mark.parametrize("kind", [pa.float32(), pa.int8(), pa.uint64(), pa.timestamp("ns")])
def test_parts_of_longer_columns_are_read_at_their_place(kind):
    """Arrow slices by an offset into buffers that hold more, the validity bits included."""
    scale = 86_400 * 10**9 if pa.types.is_timestamp(kind) else 1
    whole = pa.array([None if i % 3 == 0 else i * scale for i in range(40)], pa.int64()).cast(kind)
    sliced = pa.chunked_array([whole.slice(11, 9), whole.slice(37), whole.slice(0, 0)])
    expected = [np.nan if i % 3 == 0 else i for i in [*range(11, 20), *range(37, 40)]]
    np.testing.assert_array_equal(read_numbers(sliced).values, expected)
