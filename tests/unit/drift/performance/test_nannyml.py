"""Estimates beside NannyML's of the same data, and beside the truth. `nannyml_numbers/make.py` made its numbers."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pilothouse.manifest import Feature, Manifest, Output, TabularInput
from testkit.drift.windows import learn, sample_of, truth_of
from tests.unit.drift.performance.nannyml_numbers import data

THEIRS = json.loads((Path(data.__file__).parent / "numbers.json").read_text(encoding="utf-8"))
KINDS = {"binary": ("x",), "many": ("x", "z"), "regression": ("x", "z")}
METRICS = {
    "binary": {"accuracy": 0.01, "f1": 0.02, "roc_auc": 0.015, "pr_auc": 0.02},
    "many": {"accuracy": 0.015, "f1": 0.02, "roc_auc": 0.015},
    "regression": {"mae": 0.2, "rmse": 0.25, "mape": 0.002},
}


def manifest(kind):
    tasks = {"binary": ("binary", ("0", "1")), "many": ("multiclass", ("a", "b", "c"))}
    task, classes = tasks.get(kind, ("regression", None))
    features = tuple(Feature(name=n, type="number") for n in KINDS[kind])
    return Manifest(
        name="made", version="1", task=task, input=TabularInput(features=features), output=Output(classes=classes)
    )


def table(kind, part):
    columns = dict(getattr(data, kind)(part))
    if kind == "binary":
        score = columns.pop("score")
        columns |= {"probability_0": 1 - score, "probability_1": score}
    if kind == "many":
        columns |= {f"probability_{c}": columns.pop(f"score_{c}") for c in "abc"}
    if kind != "regression":
        columns |= {n: [str(v) for v in columns[n]] for n in ("prediction", "label")}
    return pa.table({n: pa.array(np.asarray(v) if not isinstance(v, list) else v) for n, v in columns.items()})


@pytest.fixture(scope="module", params=KINDS)
def compared(request):
    """For each window: ours, theirs and the truth, by metric."""
    kind, spec = request.param, manifest(request.param)
    estimator, analysis = learn(spec, table(request.param, "reference")), table(request.param, "analysis")
    found = []
    for k in range(data.WINDOWS):
        window = analysis.slice(k * data.ROWS, data.ROWS)
        # NannyML has no check of its assumption, so ours is left out here
        every = sample_of(spec, window).every
        ours = estimator.estimate(every.table, every.outcomes).values(np.arange(data.ROWS), METRICS[kind], 0)
        truth = truth_of(spec, window, METRICS[kind])
        found.append({n: (ours[n].value, THEIRS[kind][n][k], truth[n].value) for n in METRICS[kind]})
    return kind, found


def test_estimates_are_nannymls(compared):
    kind, windows = compared
    for found in windows:
        for name, (ours, theirs, _) in found.items():
            assert ours == pytest.approx(theirs, abs=METRICS[kind][name]), name


def test_estimates_are_no_further_from_the_truth_than_nannymls(compared):
    """Over all windows, by metric: at most a quarter more, or what the tolerance above allows by half."""
    kind, windows = compared
    for name, allowed in METRICS[kind].items():
        ours, theirs = (np.mean([abs(w[name][side] - w[name][2]) for w in windows]) for side in (0, 1))
        assert ours <= max(1.25 * theirs, theirs + allowed / 2), name
