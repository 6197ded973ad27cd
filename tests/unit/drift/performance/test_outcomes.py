"""What was predicted and what was true, as read from records; and the curves of it."""

import numpy as np
import pyarrow as pa
import pytest

from services.drift.performance.classification import ClassOutcomes, reliability
from services.drift.performance.intervals import resamples
from services.drift.performance.regression import NumberOutcomes, residuals
from services.drift.performance.sample import combine
from services.drift.performance.tasks import performance_of
from services.drift.records import Rows
from testkit.drift.frames import task_manifest


def test_what_is_no_class_and_no_probability_is_set_aside():
    spec = task_manifest("binary", ("0", "1"))
    table = pa.table(
        {
            "prediction": ["0", "1", "1", "odd", "0"],
            "label": ["0", "2", None, "1", "1"],
            "probability_0": [0.8, 0.2, float("nan"), 0.5, 0.6],
            "probability_1": [0.2, 0.8, 0.5, 0.5, 0.2],
        }
    )
    found = performance_of(spec).read(spec, table)
    assert found.usable.tolist() == [True, True, False, False, True]
    assert (found.labelled.tolist(), found.unusable_labels) == ([True, False, False, False, True], 1)
    assert found.scores[4].tolist() == pytest.approx([0.75, 0.25])


def test_numbers_that_have_no_square_are_set_aside():
    table = pa.table({"prediction": [1.0, 2.0, float("inf")], "label": [1e300, 2.5, 3.0]})
    found = performance_of(task_manifest()).read(task_manifest(), table)
    assert (found.labelled.tolist(), found.unusable_labels) == ([False, True, False], 1)


def test_records_are_put_in_the_order_of_their_ids():
    ids = [
        f"0000000000{n:02x}-7000-8000-0000-000000000000"[:8] + f"-00{n:02x}-7000-8000-000000000000" for n in (3, 1, 2)
    ]
    table = pa.table({"id": ids, "prediction": [3.0, 1.0, 2.0], "label": [3.5, None, 2.5]})
    sample = combine(task_manifest(), Rows(table, 3), table)
    assert sample.every.times.tolist() == [1, 2, 3]
    assert sample.every.outcomes.predicted.tolist() == [1.0, 2.0, 3.0]
    assert sample.labelled.outcomes.truth.tolist() == [2.5, 3.5]
    assert sample.coverage == pytest.approx(2 / 3)


def test_draws_have_as_many_rows_as_there_are():
    chunks = list(resamples(1000, draws=7))
    assert sum(len(c) for c in chunks) == 7
    assert all((c.sum(axis=1) == 1000).all() for c in chunks)


def test_curves_count_every_row():
    scores = np.stack([np.full(50, 0.3), np.full(50, 0.7)], axis=1)
    rows = ClassOutcomes(np.ones(50, dtype=int), np.arange(50) % 2, scores, True, ("n", "y"), 0)
    assert [b.model_dump() for b in reliability(rows)] == [
        {"predicted": pytest.approx(0.7), "observed": 0.5, "rows": 50}
    ]
    errors = NumberOutcomes(np.full(40, 3.0), np.ones(40), 0)
    assert sum(residuals(errors).counts) == 40


@pytest.mark.parametrize("error", [0.0, 3.0, 1e17, -1e17, 1e-310])
def test_errors_that_are_all_the_same_have_a_histogram(error):
    counted = residuals(NumberOutcomes(np.full(40, error), np.zeros(40), 0))
    assert sum(counted.counts) == 40
    assert (np.diff(counted.edges) > 0).all()


def test_errors_that_differ_by_less_than_their_size_can_tell_have_a_histogram():
    counted = residuals(NumberOutcomes(np.array([1e17, np.nextafter(1e17, 2e17)] * 20), np.zeros(40), 0))
    assert sum(counted.counts) == 40
    small = residuals(NumberOutcomes(np.linspace(1e-9, 2e-9, 40), np.zeros(40), 0))
    assert small.edges[-1] - small.edges[0] < 1e-9
