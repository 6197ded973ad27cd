"""Embeddings as they come: whatever is no vector of the right length is missing."""

import numpy as np
import pyarrow as pa
import pytest

from services.drift.arrow import read_vectors, usable

KINDS = [
    pa.list_(pa.float32()),
    pa.list_(pa.float64()),
    pa.large_list(pa.float32()),
    pa.list_(pa.float32(), 2),
    pa.list_(pa.int32()),
]


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_are_read_at_their_place_in_any_kind_of_list(kind):
    """Arrow slices by an offset into buffers that hold more, the validity bits included."""
    whole = pa.array([None if i % 3 == 0 else [i, -i] for i in range(20)], kind)
    sliced = pa.chunked_array([whole.slice(7, 6), whole.slice(18), whole.slice(0, 0)])
    expected = [[np.nan] * 2 if i % 3 == 0 else [i, -i] for i in [*range(7, 13), 18, 19]]
    np.testing.assert_array_equal(read_vectors(sliced, 2), expected)


@pytest.mark.parametrize("wrong", [None, [], [1.0], [1.0, 2.0, 3.0], [1.0, None], [1.0, float("inf")], [1.0, 1e300]])
def test_a_vector_that_is_none_of_the_size_is_missing(wrong):
    vectors = read_vectors(pa.chunked_array([pa.array([[1.0, 2.0], wrong], pa.list_(pa.float64()))]), 2)
    assert usable(vectors).tolist() == [True, False]
    assert np.isnan(vectors[1]).all()


@pytest.mark.parametrize("values", [["a", "b"], [1.0, 2.0], [["a"], ["b"]], [None, None]])
def test_what_are_no_lists_of_numbers_are_missing(values):
    assert np.isnan(read_vectors(pa.chunked_array([pa.array(values)]), 3)).all()


def test_no_rows_are_no_vectors():
    assert read_vectors(pa.chunked_array([], pa.list_(pa.float32())), 3).shape == (0, 3)
    assert read_vectors(pa.chunked_array([pa.array([], pa.list_(pa.float32()))]), 3).shape == (0, 3)
