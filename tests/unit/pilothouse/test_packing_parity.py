"""The limit of parity scales with what the model answers, and everything beyond it is refused."""

import numpy as np
import pytest

from pilothouse.errors import PackageError, ParityError
from pilothouse.packing.parity import compare, require_finite, require_probabilities

HALVES = np.full((3, 2), 0.5, dtype=np.float32)


def outputs(values):
    return {"output": np.asarray(values)}


def test_the_largest_difference_is_reported():
    off = np.array([[0, 0], [5e-5, 0], [0, -2e-5]])
    parity = compare(outputs(HALVES), outputs(HALVES + off), 1e-4)
    assert parity.rows == 3 and parity.difference == pytest.approx(5e-5) and parity.limit == 1e-4


def test_a_probability_beyond_the_tolerance_is_refused():
    with pytest.raises(ParityError, match=r"differ by 0\.001 .* beyond 0\.0001"):
        compare(outputs(HALVES), outputs(HALVES + 1e-3), 1e-4)


def test_large_answers_may_differ_in_proportion():
    assert compare(outputs([500.0, 1000.0]), outputs([500.0, 1000.09]), 1e-4).limit == pytest.approx(0.1)
    with pytest.raises(ParityError):
        compare(outputs([500.0, 1000.0]), outputs([500.0, 1000.11]), 1e-4)


def test_an_embedding_that_differs_is_refused_too():
    with pytest.raises(ParityError, match="embedding"):
        compare(outputs(HALVES) | {"embedding": HALVES}, outputs(HALVES) | {"embedding": HALVES + 1}, 1e-4)


def test_nan_is_never_within_the_limit():
    with pytest.raises(ParityError):
        compare(outputs([1.0, 2.0]), outputs([1.0, np.nan]), 1e-4)


def test_another_shape_is_refused():
    with pytest.raises(ParityError, match="shape"):
        compare(outputs([1.0, 2.0]), outputs([[1.0, 2.0]]), 1e-4)


@pytest.mark.parametrize("rows", [[[2.0, -1.0]], [[0.5, 0.6]], [[np.nan, 1.0]]])
def test_what_are_no_probabilities_is_refused(rows):
    with pytest.raises(PackageError, match="outputs='logits'"):
        require_probabilities(np.array(rows))


def test_probabilities_pass():
    require_probabilities(np.array([[0.25, 0.75], [1.0, 0.0]]))


def test_answers_that_are_not_finite_are_counted():
    with pytest.raises(PackageError, match="2 rows"):
        require_finite(outputs([1.0, np.nan, np.inf]))
