"""The model of errors, against scikit-learn's."""

import msgspec
import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingRegressor

from services.drift.performance.fit import fit
from services.drift.performance.loss_model import LossModel, build_fit, predict
from services.drift.store import Store


def job(rows=800, signal=1.0, seed=0):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(0, 1, (rows, 3)).astype(np.float32)
    loss = np.abs(rng.normal(0, 1 + signal * 3 * (matrix[:, 0] > 0), rows))
    return matrix, loss, build_fit("key", matrix, {"absolute": loss})


def test_trees_in_numpy_say_what_scikit_learns_say():
    matrix, loss, task = job()
    trees = fit(task).losses["absolute"]
    theirs = GradientBoostingRegressor(
        n_estimators=80, learning_rate=0.05, max_depth=3, min_samples_leaf=30, subsample=0.5, random_state=20_261_121
    ).fit(matrix, loss)
    assert predict(trees, matrix) == pytest.approx(trees.offset + trees.slope * theirs.predict(matrix), abs=1e-9)


def test_the_same_reference_gives_the_same_model_and_comes_back_from_disk(tmp_path):
    model = fit(job()[2])
    assert fit(job()[2]) == model
    store = Store(tmp_path / "made", LossModel)
    assert store.read("key") is None
    store.write(model)
    assert store.read("key") == model
    (tmp_path / "made" / "key.msgpack").write_bytes(msgspec.msgpack.encode(model)[:-9])
    assert store.read("key") is None


def test_where_there_is_nothing_to_learn_the_estimate_is_the_mean():
    """Fitted rows flatter: what left-out rows do not confirm is taken back."""
    _, loss, task = job(signal=0.0)
    trees = fit(task).losses["absolute"]
    assert trees.slope < 0.5
    fresh = predict(trees, job(seed=1)[0])
    assert fresh.mean() == pytest.approx(loss.mean(), rel=0.03)
    assert fresh.std() < 0.1 * loss.std()


def test_rows_where_the_model_errs_more_are_told_apart():
    trees = fit(job()[2]).losses["absolute"]
    matrix, _, _ = job(seed=1)
    high = matrix[:, 0] > 0
    said = predict(trees, matrix)
    assert said[high].mean() > 2.5 * said[~high].mean()
