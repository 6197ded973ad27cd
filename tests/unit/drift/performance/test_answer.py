"""The verdict on the floor."""

import pytest

from pilothouse.wire.performance import EstimatedSide, MeasuredSide, MetricValue
from services.drift.performance.answer import conclude
from testkit.drift.frames import task_manifest

NOTHING = MeasuredSide(reason="no-labels", message="no labels have come for this window")


def side(basis, metric, value, low, high):
    kind = MeasuredSide if basis == "measured" else EstimatedSide
    return kind(status=basis, reason=basis, metrics={metric: MetricValue(value=value, low=low, high=high)})


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
    spec = task_manifest(performance_metric=metric, performance_floor=floor)
    said = conclude(spec, side("measured", metric, *value), NOTHING)
    assert (said.verdict, said.basis) == (verdict, "measured")
    assert ("but its interval reaches it" in said.message) == (value in ((95, 88, 102), (0.5, 0.4, 0.61)))


def test_labels_are_believed_before_estimates():
    spec = task_manifest(performance_metric="mae", performance_floor=90)
    good, bad = side("measured", "mae", 80, 75, 85), side("estimated", "mae", 120, 110, 130)
    assert conclude(spec, good, bad).verdict == "ok"
    assert conclude(spec, NOTHING, bad).verdict == "below floor"


def test_without_a_floor_there_is_no_verdict_but_the_number():
    said = conclude(task_manifest(performance_metric="mae"), side("measured", "mae", 80, 75, 85), NOTHING)
    assert (said.verdict, said.reason, said.basis) == ("unknown", "no-floor", "measured")
    assert "80" in said.message


def test_without_records_nothing_else_is_the_reason():
    none, fitting = MeasuredSide(reason="no-records"), EstimatedSide(reason="fitting")
    assert conclude(task_manifest(), none, fitting).reason == "no-records"


def test_a_metric_that_is_not_defined_is_no_all_clear():
    spec = task_manifest("binary", ("n", "y"), performance_metric="roc_auc", performance_floor=0.8)
    undefined = MeasuredSide(status="measured", reason="measured", undefined={"roc_auc": "all labels are of one class"})
    said = conclude(spec, undefined, NOTHING)
    assert (said.verdict, said.reason) == ("unknown", "metric-undefined")
    assert "all labels are of one class" in said.message
