"""Performance in words and figures."""

import pytest

from services.frontend import quality
from services.frontend.performance import Estimated, Interval, Measured, Performance, Reference, Stretch


def found(**more):
    return Performance("a", "1", metric="accuracy", **more)


def test_the_services_own_sentence_is_said():
    assert quality.sentence(found(message="accuracy 0.7, below 0.85")) == "Accuracy 0.7, below 0.85."


def test_the_name_of_the_metric_is_written_out():
    assert quality.sentence(Performance("a", "1", metric="mae", message="mae 93.5, measured")) == (
        "Mean absolute error 93.5, measured."
    )


def test_without_one_the_main_metric_is_said():
    measured = Measured("measured", metrics={"accuracy": Interval(0.912, 0.9, 0.92)})
    assert quality.sentence(found(basis="measured", measured=measured)) == "Accuracy is 0.912."
    assert quality.sentence(found()) == "There is no answer yet."


def test_a_side_without_figures_says_why():
    told = list(quality.caveats(found(measured=Measured("unknown", message="no labels"),
                                      estimated=Estimated("assumption broken", message="inputs moved"))))  # fmt: skip
    assert told == ["Measured: no labels", "Estimated: inputs moved"]


def test_an_estimate_names_its_method():
    assert "CBPE" in next(iter(quality.caveats(found(measured=Measured("measured"),
                                                     estimated=Estimated("estimated", method="CBPE")))))  # fmt: skip


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "\u2013"), (Interval(0.5), "0.500"), (Interval(0.5, 0.4, 0.6), "0.500 (0.400 to 0.600)"),
     (Interval(1234.5, 1200, 1300), "1,234 (1,200 to 1,300)")],
)  # fmt: skip
def test_a_figure_comes_with_its_interval(value, said):
    assert quality.with_interval(value) == said


def test_stretches_become_a_row_for_each_basis_that_has_a_figure():
    stretch = Stretch("2026-11-21T07:00:00Z", "2026-11-21T08:00:00Z", 50, 20, Interval(0.9, 0.8, 0.95), Interval(0.92))
    frame = quality.over_time(found(over_time=[stretch, Stretch(rows=3)]))
    assert frame[["basis", "value", "rows"]].to_dict("list") == {"basis": ["measured", "estimated"],
                                                                "value": [0.9, 0.92], "rows": [20, 50]}  # fmt: skip


def test_the_floor_and_the_reference_are_levels_where_they_are_known():
    assert quality.marks(found(floor=0.85, reference=Reference({"accuracy": 0.91}))) == [
        ("floor", 0.85), ("on the reference", 0.91),
    ]  # fmt: skip
    assert quality.marks(found()) == []
