"""Performance in words and figures."""

import pytest

from pilothouse.wire.performance import (
    EstimatedSide,
    MeasuredSide,
    MetricValue,
    PerformanceAnswer,
    ReferenceValues,
    TimeSlice,
)
from services.frontend.charts import performance as charts
from services.frontend.views.performance import metrics


def found(**more):
    return PerformanceAnswer(model="a", version="1", **({"metric": "accuracy"} | more))


def value(value, low=None, high=None):
    return MetricValue(value=value, low=low, high=high)


def test_the_services_own_sentence_is_said():
    assert metrics.sentence(found(message="accuracy 0.7, below 0.85")) == "Accuracy 0.7, below 0.85."


def test_the_name_of_the_metric_is_written_out():
    assert metrics.sentence(found(metric="mae", message="mae 93.5, measured")) == (
        "Mean absolute error 93.5, measured."
    )


def test_without_one_the_main_metric_is_said():
    measured = MeasuredSide(status="measured", metrics={"accuracy": value(0.912, 0.9, 0.92)})
    assert metrics.sentence(found(basis="measured", measured=measured)) == "Accuracy is 0.912."
    assert metrics.sentence(found()) == "There is no answer yet."


def test_a_side_without_figures_says_why():
    estimated = EstimatedSide(status="assumption broken", message="inputs moved")
    told = metrics.caveats(found(measured=MeasuredSide(message="no labels"), estimated=estimated))
    assert list(told) == ["Measured: no labels", "Estimated: inputs moved"]


def test_an_estimate_names_its_method():
    estimated = EstimatedSide(status="estimated", method="CBPE")
    assert "CBPE" in next(metrics.caveats(found(measured=MeasuredSide(status="measured"), estimated=estimated)))


@pytest.mark.parametrize(
    ("given", "said"),
    [(None, "\u2013"), (value(0.5), "0.500"), (value(0.5, 0.4, 0.6), "0.500 (0.400 to 0.600)"),
     (value(1234.5, 1200, 1300), "1,234 (1,200 to 1,300)")],
)  # fmt: skip
def test_a_figure_comes_with_its_interval(given, said):
    assert metrics.with_interval(given) == said


def test_time_slices_become_a_row_for_each_basis_that_has_a_figure():
    piece = TimeSlice(start="2026-11-21T07:00:00Z", end="2026-11-21T08:00:00Z", rows=50, labelled=20,
                      measured=value(0.9, 0.8, 0.95), estimated=value(0.92))  # fmt: skip
    frame = charts.over_time(found(over_time=[piece, TimeSlice(rows=3)]))
    assert frame[["basis", "value", "rows"]].to_dict("list") == {"basis": ["measured", "estimated"],
                                                                "value": [0.9, 0.92], "rows": [20, 50]}  # fmt: skip


def test_the_floor_and_the_reference_are_levels_where_they_are_known():
    assert charts.levels(found(floor=0.85, reference=ReferenceValues(metrics={"accuracy": 0.91}))) == [
        ("floor", 0.85), ("on the reference", 0.91),
    ]  # fmt: skip
    assert charts.levels(found()) == []
