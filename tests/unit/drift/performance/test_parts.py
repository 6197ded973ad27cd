"""The parts of an appraisal: floor, buckets, outcomes, calibrators, the model of errors, what is unfamiliar."""

import math

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from pilothouse.manifest import Feature, Manifest, Monitoring, Output, TabularInput
from services.drift.performance.appraisal import Side
from services.drift.performance.bootstrap import resamples
from services.drift.performance.buckets import MISSING, OTHER, segments_of, stretches
from services.drift.performance.calibrator import calibrator, isotonic, logit, platt
from services.drift.performance.curves import reliability, residuals
from services.drift.performance.familiarity import Familiarity
from services.drift.performance.fit import fit
from services.drift.performance.fit_job import build_fit
from services.drift.performance.floor import conclude
from services.drift.performance.loss_model import LossModel, predict
from services.drift.performance.metric import Value
from services.drift.performance.outcomes import Amounts, Classes, read_outcomes
from services.drift.performance.sample import combine
from services.drift.records import Rows
from services.drift.store import Store


def manifest(task="regression", classes=None, features=("a", "b"), **monitoring):
    return Manifest(
        name="m", version="1", task=task,
        input=TabularInput(features=tuple(Feature(name=n, type="number") for n in features)),
        output=Output(classes=classes), monitoring=Monitoring(**monitoring),
    )  # fmt: skip


def side(basis, metric, value, low, high):
    return Side(basis, basis, "", {metric: Value(value, low, high)})


NOTHING = Side("unknown", "no-labels", "no labels have come for this window")


@pytest.mark.parametrize(
    ("metric", "floor", "value", "verdict"),
    [
        ("mae", 90, (80, 70, 85), "ok"),
        ("mae", 90, (95, 88, 102), "ok"),
        ("mae", 90, (95, 91, 99), "below floor"),
        ("r2", 0.6, (0.5, 0.4, 0.59), "below floor"),
        ("r2", 0.6, (0.5, 0.4, 0.61), "ok"),
    ],
)
def test_below_the_floor_is_said_when_the_better_end_is_beyond_it(metric, floor, value, verdict):
    spec = manifest(performance_metric=metric, performance_floor=floor)
    said = conclude(spec, side("measured", metric, *value), NOTHING)
    assert (said.verdict, said.basis) == (verdict, "measured")
    assert ("but its interval reaches it" in said.message) == (value in ((95, 88, 102), (0.5, 0.4, 0.61)))


def test_labels_are_believed_before_estimates():
    spec = manifest(performance_metric="mae", performance_floor=90)
    good, bad = side("measured", "mae", 80, 75, 85), side("estimated", "mae", 120, 110, 130)
    assert conclude(spec, good, bad).verdict == "ok"
    assert conclude(spec, NOTHING, bad).verdict == "below floor"


def test_without_a_floor_there_is_no_verdict_but_the_number():
    said = conclude(manifest(performance_metric="mae"), side("measured", "mae", 80, 75, 85), NOTHING)
    assert (said.verdict, said.reason, said.basis) == ("unknown", "no-floor", "measured")
    assert "80" in said.message


def test_without_records_nothing_else_is_the_reason():
    none, fitting = (Side("unknown", reason, reason) for reason in ("no-records", "fitting"))
    assert conclude(manifest(), none, fitting).reason == "no-records"


def test_a_metric_that_is_not_defined_is_no_all_clear():
    spec = manifest("binary", ("n", "y"), performance_metric="roc_auc", performance_floor=0.8)
    undefined = Side("measured", "measured", "", {"roc_auc": Value(None, message="all labels are of one class")})
    said = conclude(spec, undefined, NOTHING)
    assert (said.verdict, said.reason) == ("unknown", "metric-undefined")
    assert "all labels are of one class" in said.message


def test_even_traffic_is_divided_in_equal_spans():
    spans = stretches(np.arange(0, 100_000, 100))
    assert len(spans) == 24
    assert {s.end_ms - s.start_ms for s in spans} <= {4162, 4163, 4164, 4165, 4166}


def test_traffic_in_bursts_is_divided_in_equal_rows():
    times = np.concatenate([np.arange(500), 10_000_000 + np.arange(500)])
    spans = stretches(times)
    counts = [int(((times >= s.start_ms) & (times < s.end_ms)).sum()) for s in spans]
    assert len(spans) >= 20
    assert max(counts) <= 60
    assert sum(counts) == 1000


@pytest.mark.parametrize("times", [np.zeros(500, dtype=np.int64), np.array([7]), np.arange(3)])
def test_every_row_is_in_one_stretch(times):
    spans = stretches(times)
    assert sum(int(((times >= s.start_ms) & (times < s.end_ms)).sum()) for s in spans) == len(times)


def test_nothing_has_no_stretches():
    assert stretches(np.empty(0, dtype=np.int64)) == []


def test_numbers_are_divided_at_the_references_quartiles():
    segments = segments_of(pa.chunked_array([list(range(101))]), category=False)
    assert segments.names == ("below 25", "25 to 50", "50 to 75", "75 and more", MISSING)
    assert segments.place(pa.chunked_array([[-5, 25, 74.9, 1e9, None]])).tolist() == [0, 1, 2, 3, 4]


def test_beyond_the_commonest_categories_is_other():
    names = [f"k{i:02}" for i in range(20) for _ in range(20 - i)]
    segments = segments_of(pa.chunked_array([names]), category=True)
    assert segments.names[-2:] == (OTHER, MISSING)
    assert [segments.names[i] for i in segments.place(pa.chunked_array([["k00", "k19", "new", None]]))] == [
        "k00", OTHER, OTHER, MISSING,
    ]  # fmt: skip


def test_what_is_no_class_and_no_probability_is_set_aside():
    spec = manifest("binary", ("0", "1"))
    table = pa.table(
        {
            "prediction": ["0", "1", "1", "odd", "0"],
            "label": ["0", "2", None, "1", "1"],
            "probability_0": [0.8, 0.2, float("nan"), 0.5, 0.6],
            "probability_1": [0.2, 0.8, 0.5, 0.5, 0.2],
        }
    )
    found = read_outcomes(spec, table)
    assert found.usable.tolist() == [True, True, False, False, True]
    assert (found.labelled.tolist(), found.set_aside) == ([True, False, False, False, True], 1)
    assert found.scores[4].tolist() == pytest.approx([0.75, 0.25])


def test_numbers_that_have_no_square_are_set_aside():
    table = pa.table({"prediction": [1.0, 2.0, float("inf")], "label": [1e300, 2.5, 3.0]})
    found = read_outcomes(manifest(), table)
    assert (found.labelled.tolist(), found.set_aside) == ([False, True, False], 1)


def test_records_are_put_in_the_order_of_their_ids():
    ids = [
        f"0000000000{n:02x}-7000-8000-0000-000000000000"[:8] + f"-00{n:02x}-7000-8000-000000000000" for n in (3, 1, 2)
    ]
    table = pa.table({"id": ids, "prediction": [3.0, 1.0, 2.0], "label": [3.5, None, 2.5]})
    sample = combine(manifest(), Rows(table, 3), table)
    assert sample.every.times.tolist() == [1, 2, 3]
    assert sample.every.outcomes.predicted.tolist() == [1.0, 2.0, 3.0]
    assert sample.labelled.outcomes.truth.tolist() == [2.5, 3.5]
    assert sample.coverage == pytest.approx(2 / 3)


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


def pairs(rows, seed=0, rho=0.95):
    rng = np.random.default_rng(seed)
    a = rng.normal(0, 1, rows)
    b = rho * a + math.sqrt(1 - rho**2) * rng.normal(0, 1, rows)
    return pa.table({"a": a, "b": b, "prediction": a + b})


def test_a_pair_that_never_was_is_unfamiliar_though_each_of_it_is_known():
    known = Familiarity(manifest(), pairs(2000))
    assert not known.judge(pairs(1000, seed=1)).broken
    apart = pairs(1000, seed=1)
    turned = apart.set_column(1, "b", pa.array(-np.asarray(apart.column("b"))))
    said = known.judge(turned)
    assert said.broken
    assert set(said.pair) == {"a", "b"} or "b" in said.pair
    assert "unlike any of the reference" in said.message


def test_a_column_that_is_stuck_breaks_the_assumption():
    table = pairs(500, seed=1)
    stuck = table.set_column(1, "b", pa.array(np.zeros(500)))
    said = Familiarity(manifest(), pairs(2000)).judge(stuck)
    assert (said.broken, said.stuck) == (True, "b")
    assert "b is the same in all rows" in said.message


def names(rows, known, seed=0):
    """A category of `known` values as often as each other, and what goes with it."""
    rng = np.random.default_rng(seed)
    column = [f"k{i}" for i in rng.integers(0, known, rows)]
    other = [f"o{i}" for i in rng.integers(0, known, rows)]
    return pa.table({"a": column, "b": other, "prediction": rng.normal(0, 1, rows)})


def of_names():
    features = tuple(Feature(name=n, type="category", categories=("k0", "k1")) for n in ("a", "b"))
    return manifest().model_copy(update={"input": TabularInput(features=features)})


def test_names_without_number_do_not_make_tables_without_bound():
    known = Familiarity(of_names(), names(5000, 100_000))
    assert max(table.known.size for table in known._tables.values()) < 50_000
    assert not known.judge(names(1000, 100_000, seed=1)).broken, "names that are always new are nothing new"


def test_new_names_among_many_are_seen_to_be_new():
    known = Familiarity(of_names(), names(5000, 300))
    assert not known.judge(names(1000, 300, seed=1)).broken
    window = names(1000, 300, seed=1)
    strange = window.set_column(0, "a", pa.array([f"x{i}" for i in range(1000)]))
    assert known.judge(strange).strange > 0.3


def test_columns_that_the_window_has_not_are_left_out():
    said = Familiarity(manifest(), pairs(2000)).judge(pairs(500, seed=1).drop_columns(["a"]))
    assert not said.broken


def test_draws_have_as_many_rows_as_there_are():
    chunks = list(resamples(1000, draws=7))
    assert sum(len(c) for c in chunks) == 7
    assert all((c.sum(axis=1) == 1000).all() for c in chunks)


def test_curves_count_every_row():
    scores = np.stack([np.full(50, 0.3), np.full(50, 0.7)], axis=1)
    rows = Classes(np.ones(50, dtype=int), np.arange(50) % 2, scores, True, ("n", "y"), 0)
    assert reliability(rows) == [{"predicted": pytest.approx(0.7), "observed": 0.5, "rows": 50}]
    errors = Amounts(np.full(40, 3.0), np.ones(40), 0)
    assert sum(residuals(errors)["counts"]) == 40


@pytest.mark.parametrize("error", [0.0, 3.0, 1e17, -1e17, 1e-310])
def test_errors_that_are_all_the_same_have_a_histogram(error):
    counted = residuals(Amounts(np.full(40, error), np.zeros(40), 0))
    assert sum(counted["counts"]) == 40
    assert (np.diff(counted["edges"]) > 0).all()


def test_errors_that_differ_by_less_than_their_size_can_tell_have_a_histogram():
    counted = residuals(Amounts(np.array([1e17, np.nextafter(1e17, 2e17)] * 20), np.zeros(40), 0))
    assert sum(counted["counts"]) == 40
    small = residuals(Amounts(np.linspace(1e-9, 2e-9, 40), np.zeros(40), 0))
    assert small["edges"][-1] - small["edges"][0] < 1e-9
