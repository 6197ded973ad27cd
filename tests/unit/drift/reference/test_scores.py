"""The scores against independent sources: scipy, and Evidently itself."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial import distance
from scipy.stats import wasserstein_distance

from services.drift.reference.scores import binary_distance, bins, jensenshannon, spread, wasserstein

finite = st.floats(-1e6, 1e6, allow_nan=False, width=32)
samples = arrays(np.float64, st.integers(1, 60), elements=finite)


@pytest.fixture(scope="module")
def evidently():
    """Evidently's own score of two columns, by the name of its method."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its imports are deprecated elsewhere, which is not ours to fix
        from evidently.legacy.calculations.stattests import get_stattest
        from evidently.legacy.core import ColumnType

    def score(reference, current, kind, method):
        column = ColumnType.Numerical if kind == "number" else ColumnType.Categorical
        reference, current = pd.Series(reference), pd.Series(current)
        return get_stattest(reference, current, column, method)(reference, current, column, 0.1).drift_score

    return score


@given(samples, samples)
def test_wasserstein_is_scipys_over_the_spread(reference, current):
    expected = wasserstein_distance(reference, current) / max(np.std(reference), 0.001)
    assert wasserstein(reference, current) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(st.lists(st.integers(0, 50), min_size=2, max_size=20), st.lists(st.integers(0, 50), min_size=2, max_size=20))
def test_jensenshannon_is_scipys(first, second):
    size = min(len(first), len(second))
    p, q = (np.array(side[:size], dtype=float) + 1e-3 for side in (first, second))
    p, q = p / p.sum(), q / q.sum()
    assert jensenshannon(p, q) == pytest.approx(distance.jensenshannon(p, q), abs=1e-9)


def test_many_pairs_are_scored_at_once_as_each_alone():
    rng = np.random.default_rng(3)
    before, after = (rng.dirichlet(np.ones(7), size=20) for _ in range(2))
    alone = [distance.jensenshannon(p, q) for p, q in zip(before, after, strict=True)]
    assert jensenshannon(before, after) == pytest.approx(alone)


def test_shares_that_share_nothing_are_as_far_apart_as_can_be():
    assert binary_distance(0, 1) == pytest.approx(np.sqrt(np.log(2)))
    assert binary_distance(0.3, 0.3) == 0


@pytest.mark.parametrize("scale", [1e-5, 1, 1e6])
def test_wasserstein_is_evidentlys_number(evidently, scale):
    rng = np.random.default_rng(1)
    reference, current = rng.normal(0, scale, 2000), rng.gamma(2, scale, 300)
    assert wasserstein(reference, current) == pytest.approx(
        evidently(reference, current, "number", "wasserstein"), 1e-9
    )


def test_jensenshannon_of_categories_is_evidentlys_number(evidently):
    rng = np.random.default_rng(2)
    names = np.array(["brick", "stone", "wood", "(new)", "(missing)"])
    reference, current = rng.choice(3, 2000), rng.choice(5, 100)
    shares = [np.bincount(side, minlength=5) / len(side) for side in (reference, current)]
    expected = evidently(names[reference], names[current], "category", "jensenshannon")
    assert float(jensenshannon(*shares)) == pytest.approx(expected, abs=1e-9)


def test_jensenshannon_of_numbers_is_evidentlys_number(evidently):
    rng = np.random.default_rng(4)
    reference = np.clip(rng.normal(size=2000), -2, 2)
    current = np.clip(rng.normal(0.4, 1, size=700), -2, 2)
    edges = bins(reference, len(current))
    shares = [np.histogram(side, edges)[0] / len(side) for side in (reference, current)]
    expected = evidently(reference, current, "number", "jensenshannon")
    assert float(jensenshannon(*shares)) == pytest.approx(expected, abs=1e-9)


def test_a_constant_has_evidentlys_least_spread():
    assert spread(np.full(10, 7.0)) == 0.001
