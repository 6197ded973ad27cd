"""Principal components, held to scikit-learn's."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from services.drift.reference.joint_embedding import Projection
from testkit.drift.images import embeddings


@pytest.mark.parametrize(("rows", "size"), [(300, 20), (80, 200)])
def test_the_widest_axes_are_those_of_scikit_learn(rows, size):
    data = embeddings(rows, size=size) + 3
    ours, theirs = Projection.of(data, 4), PCA(4, svd_solver="full").fit(data.astype(np.float64))
    np.testing.assert_allclose(np.abs((ours.axes * theirs.components_).sum(axis=1)), 1, atol=1e-3)
    np.testing.assert_allclose(ours.explained, theirs.explained_variance_ratio_, rtol=1e-3)
    np.testing.assert_allclose(ours.project(data).std(axis=0), ours.widths, rtol=1e-3)


def test_the_same_rows_give_the_same_axes():
    first, second = (Projection.of(embeddings(200), 3) for _ in range(2))
    np.testing.assert_array_equal(first.axes, second.axes)
    assert (first.axes.max(axis=1) >= -first.axes.min(axis=1)).all()


def test_there_are_no_axes_along_which_nothing_varies():
    flat = np.zeros((50, 10), np.float32)
    flat[:, 3] = np.arange(50)
    assert len(Projection.of(flat, 5).axes) == 1
    assert len(Projection.of(np.ones((50, 10), np.float32), 5).axes) == 0
