"""The verdict, and every kind of data that has none."""

import numpy as np
import pyarrow as pa
import pytest

from services.drift.reference.calibration import calibrate
from services.drift.reference.reference import profile_reference
from services.drift.reference.scores import binary_distance
from services.drift.verdict import judge
from testkit.drift.frames import houses, manifest, replaced

SPEC = manifest()


@pytest.fixture(scope="module")
def said():
    """Judge a window; the reference is 2,000 houses."""
    reference = profile_reference(SPEC, houses(2000, seed=1), "sha")
    thresholds = calibrate(reference, (50, 200, 1000), draws=300)
    return lambda window: judge(SPEC, reference, thresholds, window)


def column(result, name):
    return next(c for c in result.columns if c.name == name)


def test_a_usual_window_has_not_drifted(said):
    result = said(houses(500, seed=3))
    assert (result.verdict, result.reason, result.drifted) == ("no drift", "compared", ())
    assert result.message == "0 of 6 columns drifted"
    assert all(c.score < c.threshold and not c.drifted for c in result.columns)


def test_a_drifted_window_names_the_columns(said):
    result = said(houses(500, seed=3, shift=1))
    assert result.verdict == "drift"
    assert result.drifted == ("size",)
    assert result.drift_share == pytest.approx(1 / 6)
    assert "size" in result.message


def test_no_rows_is_no_verdict(said):
    result = said(houses(0))
    assert (result.verdict, result.reason) == ("unknown", "no-records")


def test_fewer_rows_than_the_manifest_wants_are_no_verdict(said):
    result = said(houses(99, shift=3))
    assert (result.verdict, result.reason, result.rows) == ("unknown", "too-few-rows", 99)
    assert "99 of the 100 rows" in result.message


def test_half_of_the_values_missing_is_drift(said):
    window = houses(500, seed=3)
    sizes = window.column("size").to_numpy().copy()
    sizes[::2] = np.nan
    result = said(replaced(window, "size", sizes))
    size = column(result, "size")
    assert result.verdict == "drift"
    assert (size.status, size.stattest, size.drifted) == ("missing", "jensenshannon", True)
    assert size.score == pytest.approx(binary_distance(0, 0.5))
    assert size.message.startswith("50.0% of the values are missing, in the reference 0.0%")


@pytest.mark.parametrize("values", [[None] * 500, ["oops"] * 500, [float("inf")] * 500])
def test_a_column_without_one_usable_value_is_drift(said, values):
    result = said(replaced(houses(500, seed=3), "size", pa.array(values)))
    assert column(result, "size").missing_share == 1
    assert result.drifted == ("size",)


def test_one_missing_value_is_not(said):
    window = houses(500, seed=3)
    sizes = [None, *window.column("size").to_pylist()[1:]]
    assert said(replaced(window, "size", pa.array(sizes))).verdict == "no drift"


def test_a_constant_is_drift_and_says_so(said):
    result = said(replaced(houses(500, seed=3), "size", np.full(500, 120.0)))
    assert column(result, "size").message == "all values are the same"
    assert result.drifted == ("size",)


def test_a_new_category_is_drift_and_says_so(said):
    result = said(replaced(houses(500, seed=3), "wall", pa.array(["</script><script>alert(1)"] * 500)))
    wall = column(result, "wall")
    assert wall.drifted
    assert wall.new_category_share == 1
    assert "100.0% are of categories that the reference does not have" in wall.message


def test_an_absent_column_is_said_and_the_others_are_compared(said):
    result = said(houses(500, seed=3, shift=1).drop_columns(["wall"]))
    wall = column(result, "wall")
    assert (wall.status, wall.score, wall.drifted) == ("absent", None, None)
    assert result.verdict == "drift"
    assert result.drift_share == pytest.approx(1 / 5)
    assert "not compared: wall" in result.message


def test_an_absent_column_that_could_have_drifted_is_no_all_clear(said):
    result = said(houses(500, seed=3).drop_columns(["wall"]))
    assert (result.verdict, result.reason) == ("unknown", "columns-not-comparable")


def test_nothing_to_compare_is_no_verdict(said):
    result = said(pa.table({"other": [1.0] * 500}))
    assert (result.verdict, result.reason, result.drift_share) == ("unknown", "columns-not-comparable", None)


def test_a_column_that_the_reference_lacks_is_said():
    reference = profile_reference(SPEC, houses(500).drop_columns(["sold"]), "sha")
    result = judge(SPEC, reference, calibrate(reference, (200,), draws=100), houses(200, seed=9))
    assert column(result, "sold").status == "absent-from-reference"


def test_every_score_is_finite_whatever_comes(said):
    hostile = [float("inf"), float("-inf"), float("nan"), None, 1e308, -1e308, 0.0, 5e-324]
    window = houses(len(hostile) * 20)
    for name in ("size", "rooms", "prediction"):
        window = replaced(window, name, pa.array(hostile * 20, pa.float64()))
    assert all(np.isfinite([c.score, c.threshold]).all() for c in said(window).columns)
