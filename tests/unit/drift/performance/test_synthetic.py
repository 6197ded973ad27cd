"""Estimates of models that the packed ones are not: rare positives, many classes, missing values, image statistics."""

import numpy as np
import pyarrow as pa
import pytest

from pilothouse.manifest import Feature, ImageInput, Manifest, Monitoring, Output, TabularInput
from services.drift.performance.answer import answer_window
from services.drift.performance.learned_reference import LearnedReference
from testkit.drift.windows import learn, sample_of, truth_of


def manifest(task, features, classes=None, **monitoring):
    return Manifest(
        name="made",
        version="1",
        task=task,
        input=features if isinstance(features, ImageInput) else TabularInput(features=features),
        output=Output(classes=classes),
        monitoring=Monitoring(**monitoring),
    )


NUMBERS = tuple(Feature(name=n, type="number") for n in ("a", "b", "c"))
FRAUD = manifest("binary", NUMBERS, ("fine", "fraud"))
DIGITS = manifest("multiclass", NUMBERS, tuple(str(k) for k in range(10)))
RENTS = manifest(
    "regression",
    (*NUMBERS, Feature(name="town", type="category", categories=("x", "y", "z"), required=False)),
)
PICTURES = manifest("multiclass", ImageInput(width=8, height=8, statistics=("brightness", "noise")), ("cat", "dog"))


def frauds(rows, seed, shift=0.0):
    """One in a hundred is a fraud; the model ranks well, and says half of the logit."""
    rng = np.random.default_rng(seed)
    x = rng.normal((shift, 0, 0), 1, (rows, 3))
    logit = 2 * x[:, 0] + x[:, 1] - 6.5
    came = rng.random(rows) < 1 / (1 + np.exp(-logit))
    score = 1 / (1 + np.exp(-(logit / 2 - 0.5)))
    names = np.array(["fine", "fraud"])
    return pa.table(
        {
            **{n: x[:, i] for i, n in enumerate("abc")},
            "prediction": names[(score >= 0.15).astype(int)].tolist(),
            "probability_fine": 1 - score,
            "probability_fraud": score,
            "label": names[came.astype(int)].tolist(),
        }
    )


def digits(rows, seed, shift=0.0):
    rng = np.random.default_rng(seed)
    x = rng.normal((shift, 0, 0), 1, (rows, 3))
    weights = np.random.default_rng(0).normal(0, 2, (3, 10))
    logits = x @ weights
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    came = (rng.random((rows, 1)) > np.cumsum(true, axis=1)).sum(axis=1).clip(0, 9)
    said = np.exp(2 * logits) / np.exp(2 * logits).sum(axis=1, keepdims=True)  # twice too sure
    columns = {n: x[:, i] for i, n in enumerate("abc")} | {"prediction": [str(k) for k in said.argmax(axis=1)]}
    columns |= {f"probability_{k}": said[:, k] for k in range(10)}
    return pa.table(columns | {"label": [str(k) for k in came]})


def rents(rows, seed, far=0.2):
    """In town z, and where `a` is not known, the model errs more; `far` is the share of town z."""
    rng = np.random.default_rng(seed)
    town = rng.choice(["x", "y", "z", None], rows, p=[0.7 - far, 0.2, far, 0.1])
    a = np.where(rng.random(rows) < 0.2, np.nan, rng.normal(50, 10, rows))
    spread = 5 + 30 * (town == "z") + 10 * np.isnan(a)
    truth = 500 + 3 * np.nan_to_num(a, nan=50)
    return pa.table(
        {
            "a": pa.array(a, from_pandas=True),
            "b": rng.normal(0, 1, rows),
            "c": rng.integers(0, 3, rows).astype(float),
            "town": town.tolist(),
            "prediction": truth + rng.normal(0, 1, rows) * spread,
            "label": truth,
        }
    )


def said_and_true(spec, reference, window, names):
    side = learn(spec, reference).apply(sample_of(spec, window)).side
    assert side.status == "estimated", side.message
    truth = truth_of(spec, window, names)
    return {n: (side.metrics[n].value, truth[n].value) for n in names}


def test_of_rare_positives_f1_and_the_area_under_precision_and_recall_are_estimated():
    found = said_and_true(FRAUD, frauds(5_000, 1), frauds(5_000, 2), ["f1", "pr_auc", "roc_auc", "accuracy"])
    for name, allowed in {"f1": 0.08, "pr_auc": 0.08, "roc_auc": 0.03, "accuracy": 0.01}.items():
        said, true = found[name]
        assert said == pytest.approx(true, abs=allowed), name


def test_more_of_the_rare_ones_are_foretold():
    """A shift of the inputs by half a standard deviation makes frauds more common, which no label has said."""
    spec, reference = FRAUD, frauds(5_000, 1)
    before, after = frauds(5_000, 2), frauds(5_000, 3, shift=0.5)
    was, now = (said_and_true(spec, reference, w, ["accuracy"])["accuracy"] for w in (before, after))
    assert now[1] < was[1] - 0.005
    assert now[0] == pytest.approx(now[1], abs=0.01)


def test_of_ten_classes_a_model_that_is_twice_too_sure_is_seen_through():
    found = said_and_true(DIGITS, digits(5_000, 1), digits(5_000, 2, shift=0.2), ["accuracy", "f1", "log_loss"])
    assert found["accuracy"][0] == pytest.approx(found["accuracy"][1], abs=0.02)
    assert found["f1"][0] == pytest.approx(found["f1"][1], abs=0.03)
    assert found["log_loss"][0] == pytest.approx(found["log_loss"][1], rel=0.1)


def test_errors_by_category_and_where_values_are_missing_are_foretold():
    reference = rents(4_000, 1)
    usual = said_and_true(RENTS, reference, rents(4_000, 2), ["mae", "rmse", "r2", "mape"])
    more = said_and_true(RENTS, reference, rents(4_000, 3, far=0.5), ["mae", "rmse", "mape"])
    assert more["mae"][1] > 1.5 * usual["mae"][1]
    for found in (usual, more):
        for name in ("mae", "rmse", "mape"):
            assert found[name][0] == pytest.approx(found[name][1], rel=0.1), name
    assert usual["r2"][0] == pytest.approx(usual["r2"][1], abs=0.1)


def test_a_town_that_is_new_breaks_the_assumption():
    window = rents(1_000, 2)
    towns = ["new" if t == "z" else t for t in window.column("town").to_pylist()]
    window = window.set_column(window.column_names.index("town"), "town", pa.array(towns))
    side = learn(RENTS, rents(4_000, 1)).apply(sample_of(RENTS, window)).side
    assert side.status == "assumption broken"
    assert "town" in side.message


def test_pictures_are_divided_by_their_statistics():
    rng = np.random.default_rng(0)
    bright = rng.random(800)
    right = rng.random(800) < np.where(bright < 0.5, 0.95, 0.55)
    truth = rng.integers(0, 2, 800)
    said = np.where(right, truth, 1 - truth)
    names = np.array(["cat", "dog"])
    sure = np.where(bright < 0.5, 0.95, 0.55)
    scores = np.where(said == 0, sure, 1 - sure)
    table = pa.table({
        "brightness": bright, "noise": rng.random(800), "prediction": names[said].tolist(),
        "probability_cat": scores, "probability_dog": 1 - scores, "label": names[truth].tolist(),
    })  # fmt: skip
    learned = LearnedReference(table.slice(0, 400), {}, learn(PICTURES, table.slice(0, 400)))
    found = answer_window(PICTURES, sample_of(PICTURES, table.slice(400)), learned, 0, segment="brightness").segments
    assert len(found) == 4
    for side in ("measured", "estimated"):
        values = [getattr(s, side).value for s in found]
        assert values[0] > 0.85, side
        assert values[3] < 0.7, side


@pytest.mark.parametrize(("spec", "make"), [(FRAUD, frauds), (DIGITS, digits), (RENTS, rents)])
def test_numbers_on_the_wire_are_finite_whatever_comes(spec, make):
    """Values that cannot be, all at once: a window of nothing but trouble still has an answer."""
    table = make(400, 1)
    odd = {}
    for name in table.column_names:
        column = table.column(name).to_pylist()
        strange = [float("nan"), float("inf"), -1e308, None] if isinstance(column[0], float) else [None, "", "odd"]
        odd[name] = [strange[i % len(strange)] if i % 3 == 0 else v for i, v in enumerate(column)]
    window = pa.table({n: pa.array(v, from_pandas=False) for n, v in odd.items()})
    learned = LearnedReference(make(2_000, 2), {}, learn(spec, make(2_000, 2)))
    for segment in spec.input_columns:
        assert_finite(answer_window(spec, sample_of(spec, window), learned, 0, segment).model_dump())


def assert_finite(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            assert_finite(each)
    elif isinstance(value, float):
        assert np.isfinite(value)
