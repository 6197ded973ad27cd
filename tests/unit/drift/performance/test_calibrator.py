"""Calibrators, against scikit-learn's."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from services.drift.performance.calibrator import calibrator, isotonic, logit, platt


def scores_and_truth(rows=3000, seed=0):
    rng = np.random.default_rng(seed)
    true = rng.beta(0.5, 0.5, rows)
    return true**2, (rng.random(rows) < true).astype(float), true


def test_platts_calibration_is_a_logistic_regression_on_the_logit():
    scores, came, _ = scores_and_truth()
    theirs = LogisticRegression(C=1e9, max_iter=1000).fit(logit(scores)[:, None], came)
    wanted = theirs.predict_proba(logit(scores)[:, None])[:, 1]
    assert platt(scores, came)(scores) == pytest.approx(wanted, abs=0.005)


def test_a_class_that_never_came_keeps_its_probabilities():
    scores = np.linspace(0.001, 0.02, 200)
    assert calibrator(scores, np.zeros(200))(scores).max() < 0.02


def test_a_model_that_is_far_too_sure_is_calibrated_too():
    """2,000 rows, 35 of them true, of a model that says 0.95 or 0.05 and is wrong in a tenth of all cases."""
    came = np.zeros(2000)
    came[:35] = 1
    wrong = np.arange(2000) % 10 == 3
    scores = np.where((came == 1) != wrong, 0.95, 0.05)
    said = calibrator(scores, came)(np.array([0.05, 0.95]))
    theirs = LogisticRegression(C=1e9, max_iter=1000).fit(logit(scores)[:, None], came)
    assert said == pytest.approx(theirs.predict_proba(logit(np.array([0.05, 0.95]))[:, None])[:, 1], abs=0.02)
    assert said[1] == pytest.approx(came[scores > 0.5].mean(), abs=0.02)


def test_isotonic_calibration_is_scikit_learns_in_the_middle_of_each_step():
    scores, came, _ = scores_and_truth()
    theirs = IsotonicRegression(out_of_bounds="clip").fit(scores, came).predict(scores)
    ours = isotonic(scores, came)(scores)
    assert (np.diff(ours[np.argsort(scores)]) >= 0).all()
    levels = np.unique(theirs)
    middles = np.array([scores[theirs == level].mean() for level in levels])
    assert isotonic(scores, came)(middles) == pytest.approx(levels, abs=1e-9)


def test_calibrated_probabilities_mean_what_they_say():
    scores, came, _ = scores_and_truth()
    fresh, _, true = scores_and_truth(seed=1)
    said = calibrator(scores, came)(fresh)
    assert np.abs(fresh - true).mean() > 0.1
    assert np.abs(said - true).mean() < 0.03
