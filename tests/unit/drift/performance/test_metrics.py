"""Metrics against scikit-learn's, values that are not defined, and intervals against closed forms."""

import numpy as np
import pytest
from sklearn import metrics as theirs

from services.drift.performance.class_metrics import evaluate
from services.drift.performance.classification import ClassOutcomes
from services.drift.performance.intervals import resamples
from services.drift.performance.regression import NumberOutcomes

CLASSIFICATION = ("accuracy", "f1", "roc_auc", "pr_auc", "log_loss", "brier")
REGRESSION = ("mae", "rmse", "r2", "mape", "bias")


def classes(rows=400, kinds=3, seed=0, positive=False, ties=False):
    """Rows whose label is drawn by probabilities that are a little wrong."""
    rng = np.random.default_rng(seed)
    raw = rng.dirichlet(np.full(kinds, 0.7), rows)
    truth = (rng.random((rows, 1)) > np.cumsum(raw, axis=1)).sum(axis=1).clip(0, kinds - 1)
    scores = raw**1.5 / (raw**1.5).sum(axis=1, keepdims=True)
    if ties:
        scores = np.round(scores[:, :1], 1)
        scores = np.concatenate([scores, 1 - scores], axis=1)
    names = tuple(f"c{k}" for k in range(kinds))
    return ClassOutcomes(scores.argmax(axis=1), truth, scores, positive, names, 0)


def amounts(rows=300, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.gamma(3, 50, rows) + 1
    return NumberOutcomes(truth + rng.normal(5, 20, rows), truth, 0)


def values(outcomes, names):
    return {n: v.value for n, v in outcomes.measure(names, draws=0).items()}


@pytest.mark.parametrize("ties", [False, True])
def test_metrics_of_two_classes_are_scikit_learns(ties):
    rows = classes(kinds=2, positive=True, ties=ties)
    y, p, s = rows.truth, rows.predicted, rows.scores[:, 1]
    assert values(rows, CLASSIFICATION) == pytest.approx(
        {
            "accuracy": theirs.accuracy_score(y, p),
            "f1": theirs.f1_score(y, p),
            "roc_auc": theirs.roc_auc_score(y, s),
            "pr_auc": theirs.average_precision_score(y, s),
            "log_loss": theirs.log_loss(y, rows.scores),
            "brier": theirs.brier_score_loss(y, s),
        }
    )


def test_metrics_of_many_classes_are_scikit_learns():
    rows = classes(kinds=4)
    y, hot = rows.truth, np.eye(4)[rows.truth]
    assert values(rows, CLASSIFICATION) == pytest.approx(
        {
            "accuracy": theirs.accuracy_score(y, rows.predicted),
            "f1": theirs.f1_score(y, rows.predicted, average="macro"),
            "roc_auc": theirs.roc_auc_score(y, rows.scores, multi_class="ovr", average="macro"),
            "pr_auc": theirs.average_precision_score(hot, rows.scores, average="macro"),
            "log_loss": theirs.log_loss(y, rows.scores),
            "brier": ((rows.scores - hot) ** 2).sum(axis=1).mean(),
        }
    )


def test_metrics_of_a_regression_are_scikit_learns():
    rows = amounts()
    y, p = rows.truth, rows.predicted
    assert values(rows, REGRESSION) == pytest.approx(
        {
            "mae": theirs.mean_absolute_error(y, p),
            "rmse": theirs.root_mean_squared_error(y, p),
            "r2": theirs.r2_score(y, p),
            "mape": theirs.mean_absolute_percentage_error(y, p),
            "bias": (p - y).mean(),
        }
    )


@pytest.mark.parametrize("kinds", [2, 3])
def test_every_draw_of_the_bootstrap_is_the_metric_of_the_drawn_rows(kinds):
    rows = classes(rows=60, kinds=kinds, positive=kinds == 2)
    weights = next(resamples(60, draws=3))
    hot = np.eye(kinds)[rows.truth]
    drawn = evaluate(CLASSIFICATION, rows.predictions, hot, weights)
    for k, counts in enumerate(weights.astype(int)):
        copies = rows.take(np.repeat(np.arange(60), counts))
        alone = values(copies, CLASSIFICATION)
        assert {n: drawn[n][k] for n in CLASSIFICATION} == pytest.approx(alone)


def test_a_truth_of_its_own_for_each_draw_is_that_draws_metric():
    rows = classes(rows=80)
    other = np.eye(3)[np.random.default_rng(1).integers(0, 3, (2, 80))]
    together = evaluate(CLASSIFICATION, rows.predictions, other, np.ones((2, 80)))
    for k in range(2):
        alone = evaluate(CLASSIFICATION, rows.predictions, other[k], np.ones((1, 80)))
        assert {n: v[k] for n, v in together.items()} == pytest.approx({n: v[0] for n, v in alone.items()})


def test_the_interval_of_an_accuracy_is_as_wide_as_the_binomials():
    rows = classes(rows=2000)
    accuracy = rows.measure(["accuracy"], draws=400)["accuracy"]
    wide = 2 * 1.96 * np.sqrt(accuracy.value * (1 - accuracy.value) / 2000)
    assert accuracy.high - accuracy.low == pytest.approx(wide, rel=0.15)
    assert accuracy.low < accuracy.value < accuracy.high


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Of 200 windows of 300 rows, the 95% interval of MAE holds what is true of the population."""
    population = amounts(rows=200_000, seed=9)
    true = values(population, ["mae"])["mae"]
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        mae = population.take(rng.choice(200_000, 300)).measure(["mae"])["mae"]
        held += mae.low <= true <= mae.high
    assert 0.89 <= held / 200 <= 0.99


def test_the_same_rows_give_the_same_interval():
    assert amounts().measure(REGRESSION) == amounts().measure(REGRESSION)


@pytest.mark.parametrize("name", ["roc_auc", "pr_auc"])
def test_an_area_of_one_class_only_is_null_with_a_word(name):
    rows = classes(kinds=2, positive=True)
    value = rows.take(np.flatnonzero(rows.truth == 0)).measure([name])[name]
    assert (value.value, value.low, value.message) == (None, None, "all labels are of one class")


def test_f1_without_any_positive_is_null_with_a_word():
    rows = classes(kinds=2, positive=True)
    neither = rows.take(np.flatnonzero((rows.truth == 0) & (rows.predicted == 0)))
    f1 = neither.measure(["f1"])["f1"]
    assert f1.value is None
    assert "neither predicted nor true" in f1.message


def test_classes_that_do_not_occur_are_left_out_and_said():
    rows = classes(kinds=4)
    value = rows.take(np.flatnonzero(rows.truth < 3)).measure(["roc_auc"])["roc_auc"]
    assert 0.5 < value.value < 1
    assert value.message == "mean over the 3 of 4 classes that occur"


def test_without_probabilities_accuracy_is_left():
    rows = classes()
    bare = ClassOutcomes(rows.predicted, rows.truth, None, rows.positive, rows.names, 0)
    found = bare.measure(CLASSIFICATION)
    assert [n for n in CLASSIFICATION if found[n].value is None] == ["roc_auc", "pr_auc", "log_loss", "brier"]
    assert found["brier"].message == "the records have no probabilities"


def test_a_percentage_of_zero_and_the_r2_of_a_constant_are_null_with_a_word():
    rows = amounts()
    zero = NumberOutcomes(rows.predicted, np.where(np.arange(300) == 7, 0.0, rows.truth), 0)
    assert zero.measure(["mape"])["mape"].value is None
    assert "some labels are 0" in zero.measure(["mape"])["mape"].message
    constant = NumberOutcomes(rows.predicted, np.full(300, 1234.5), 0)
    assert constant.measure(["r2"])["r2"].value is None
    assert "all labels are the same" in constant.measure(["r2"])["r2"].message
    assert constant.measure(["mae"])["mae"].value > 0


def test_one_row_has_a_value():
    one = amounts().take(np.array([0]))
    found = one.measure(REGRESSION)
    assert found["mae"].value == pytest.approx(abs(one.predicted[0] - one.truth[0]))
    assert found["r2"].value is None
