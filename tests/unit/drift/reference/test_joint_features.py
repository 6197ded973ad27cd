"""Drift of a table's columns together: a change of how they depend on each other, which none of them shows."""

import numpy as np
import pyarrow as pa
import pytest

from pilothouse.manifest import Feature
from services.drift.reference.calibration import calibrate
from services.drift.reference.reference import profile_reference
from services.drift.verdict import judge
from testkit.drift.frames import FEATURES, houses, manifest, replaced

SPEC = manifest()
SIZES = (50, 200, 1000)


@pytest.fixture(scope="module")
def reference():
    return profile_reference(SPEC, houses(2000, seed=1), "sha")


@pytest.fixture(scope="module")
def said(reference):
    thresholds = calibrate(reference, SIZES, draws=300)
    return lambda window: judge(SPEC, reference, thresholds, window)


def shuffled(table, names, seed=0):
    """The same values in each column, but no longer of the same rows."""
    rng = np.random.default_rng(seed)
    for name in names:
        table = replaced(table, name, table.column(name).take(rng.permutation(table.num_rows)).combine_chunks())
    return table


def test_columns_that_no_longer_move_together_are_drift_that_no_column_shows(said):
    for seed in range(10):
        result = said(shuffled(houses(300, seed=20 + seed), ["size", "rooms", "prediction"]))
        assert result.verdict == "drift"
        assert result.drifted == ()
        assert result.message == "0 of 6 columns drifted; what the columns say together drifted"


def test_a_usual_window_says_how_it_was_compared(said):
    (joint,) = said(houses(300, seed=3)).joint
    assert (joint.name, joint.stattest, joint.status, joint.drifted) == (
        "features", "pca_reconstruction", "compared", False,
    )  # fmt: skip
    assert (joint.rows, joint.message) == (300, None)
    assert 0 <= joint.score < joint.threshold


def test_a_difference_too_small_to_matter_is_no_drift_however_large_the_window(reference):
    thresholds = calibrate(reference, (5000,), draws=100)
    assert thresholds.joint_score("features", reference.joint["features"].floor, 10**6) >= 0.1


def test_a_column_that_is_absent_is_no_all_clear(said):
    result = said(houses(500, seed=3).drop_columns(["wall"]))
    assert (result.verdict, result.reason) == ("unknown", "columns-not-comparable")
    assert (result.joint[0].status, result.joint[0].drifted) == ("absent-from-records", None)
    assert result.joint[0].message == "the records do not have wall"


def test_a_column_that_is_absent_does_not_hide_drift(said):
    assert said(houses(500, seed=3, shift=1).drop_columns(["wall"])).verdict == "drift"


@pytest.mark.parametrize("values", [[None] * 300, [float("inf")] * 300, [120.0] * 300, ["oops"] * 300, [1e308] * 300])
def test_whatever_a_column_holds_the_score_is_finite(said, values):
    (joint,) = said(replaced(houses(300, seed=3), "size", pa.array(values))).joint
    assert np.isfinite([joint.score, joint.threshold]).all()


def test_a_new_category_is_compared(said):
    (joint,) = said(replaced(houses(300, seed=3), "wall", pa.array(["straw"] * 300))).joint
    assert joint.status == "compared"
    assert np.isfinite(joint.score)


def test_missing_values_in_the_reference_count_as_the_middle():
    table = houses(1000, seed=1)
    sizes = [None if i % 5 == 0 else v for i, v in enumerate(table.column("size").to_pylist())]
    reference = profile_reference(SPEC, replaced(table, "size", pa.array(sizes)), "sha")
    thresholds = calibrate(reference, (200,), draws=200)
    window = houses(200, seed=9)
    gaps = [None if i % 5 == 0 else v for i, v in enumerate(window.column("size").to_pylist())]
    assert judge(SPEC, reference, thresholds, replaced(window, "size", pa.array(gaps))).verdict == "no drift"


@pytest.mark.parametrize("columns", [("size",), ("size", "wall")])
def test_of_one_or_two_columns_there_is_no_together(columns):
    spec = manifest(columns=columns)
    reference = profile_reference(spec, houses(500), "sha")
    result = judge(spec, reference, calibrate(reference, (200,), draws=100), houses(200, seed=2))
    assert result.verdict == "no drift"
    assert (result.joint[0].status, result.joint[0].message) == ("absent", "fewer than 3 columns are monitored")


def test_it_can_be_switched_off():
    spec = manifest(joint=False)
    reference = profile_reference(spec, houses(1000), "sha")
    window = shuffled(houses(300, seed=20), ["size", "rooms", "prediction"])
    result = judge(spec, reference, calibrate(reference, (200,), draws=200), window)
    assert (result.verdict, result.joint[0].status) == ("no drift", "absent")


@pytest.mark.parametrize("rows", [1, 10, 49])
def test_a_reference_of_few_rows_says_so(rows):
    reference = profile_reference(SPEC, houses(rows), "sha")
    result = judge(SPEC, reference, calibrate(reference, (200,), draws=50), houses(200, seed=2))
    assert result.joint[0].status == "absent-from-reference"


def test_a_reference_in_which_nothing_varies_says_so():
    spec = manifest(features=FEATURES[:3])
    table = pa.table({"size": [1.0] * 100, "rooms": [2] * 100, "wall": ["wood"] * 100, "prediction": [0.5] * 100})
    reference = profile_reference(spec, table, "sha")
    result = judge(spec, reference, calibrate(reference, (200,), draws=50), table)
    assert (result.verdict, result.joint[0].status) == ("no drift", "absent-from-reference")


def test_many_categories_and_few_rows_do_not_look_like_drift():
    """More numbers in a row than can be learned from so few: errors are found on rows that were not fitted."""
    names = [f"c{i}" for i in range(6)]
    categories = tuple(f"k{i}" for i in range(40))
    features = tuple(Feature(name=n, type="category", categories=categories) for n in names)
    spec = manifest(features=features, columns=names)

    def drawn(rows, seed):
        rng = np.random.default_rng(seed)
        return pa.table({n: [categories[i] for i in rng.integers(0, 40, rows)] for n in names})

    reference = profile_reference(spec, drawn(300, 0), "sha")
    thresholds = calibrate(reference, (300,), draws=200)
    windows = [judge(spec, reference, thresholds, drawn(300, 1 + i)).joint[0] for i in range(40)]
    assert sum(w.drifted for w in windows) <= 2


def test_a_number_that_is_constant_where_the_axes_were_learned_does_not_drown_the_others():
    """8 columns that move together, and one that is 0 but in six rows, none of them a row that was fitted."""
    names = [f"c{i}" for i in range(8)]
    spec = manifest(features=tuple(Feature(name=n, type="number") for n in (*names, "rare")), columns=(*names, "rare"))

    def drawn(rows, seed, odd=()):
        rng = np.random.default_rng(seed)
        common = rng.normal(size=(rows, 1))
        values = common + 0.3 * rng.normal(size=(rows, 8))
        rare = np.where(np.isin(np.arange(rows), odd), 1.0, 0.0)
        return pa.table({n: values[:, i] for i, n in enumerate(names)} | {"rare": rare})

    reference = profile_reference(spec, drawn(2000, 0, odd=range(1, 2000, 3)[:6]), "sha")
    assert not reference.profiles["rare"].constant
    thresholds = calibrate(reference, (300,), draws=200)
    assert judge(spec, reference, thresholds, drawn(300, 1)).verdict == "no drift"
    assert judge(spec, reference, thresholds, shuffled(drawn(300, 2), names)).joint[0].drifted
