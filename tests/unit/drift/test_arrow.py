"""Arrow from numpy: the same as by Arrow's own way, which the web process cannot afford."""

import numpy as np
import pyarrow as pa
import pytest

from services.drift.arrow import number_array, take_rows, text_array

TABLE = pa.table(
    {
        "number": [1.5, None, 3.0, 4.0, 5.0],
        "text": ["a", None, "c", "", "e"],
        "flag": [True, False, None, True, True],
        "vector": pa.array([[1, 2], None, [3], [], [4, 5]], pa.list_(pa.float32())),
    }
)


@pytest.mark.parametrize("rows", [[], [0], [1, 2, 3], [4, 0, 2], [3, 3, 4], [0, 2, 4]])
def test_rows_are_taken_in_their_order(rows):
    chunked = pa.concat_tables([TABLE.slice(0, 2), TABLE.slice(2)])
    taken = take_rows(chunked, np.array(rows, dtype=np.int64))
    taken.validate(full=True)
    assert taken.equals(TABLE.take(pa.array(rows, pa.int64())))


def test_texts_are_as_they_were_given():
    texts = ["", "häuser", None, "\u2039b\u203a", "x" * 300]
    array = text_array(texts)
    array.validate(full=True)
    assert array.to_pylist() == texts


def test_no_texts_are_an_empty_array():
    assert text_array([]).to_pylist() == []


def test_a_lone_surrogate_does_not_stop_the_report():
    assert text_array(["a\ud800"]).to_pylist() == ["a?"]


def test_numbers_keep_what_is_missing_as_nan():
    array = number_array(np.array([1.0, np.nan, -np.inf])[::1])
    assert str(array.type) == "double"
    np.testing.assert_array_equal(array.to_numpy(), [1.0, np.nan, -np.inf])
