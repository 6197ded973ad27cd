"""Thresholds: from the null distribution, and what they promise."""

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import wasserstein_distance

from pilothouse.manifest import DriftColumn, Feature
from services.drift.reference.calibration import LEAST_ALONE, calibrate, columns_for_drift
from services.drift.reference.profiles import ColumnTest
from services.drift.reference.reference import build_profile, profile_reference
from services.drift.reference.scores import binary_distance, jensenshannon
from services.drift.reference.thresholds import Curve, Thresholds, missing_floor
from services.drift.verdict import judge
from testkit.drift.frames import houses, manifest

SIZES = (50, 200, 1000)


@pytest.fixture(scope="module")
def reference():
    return profile_reference(manifest(), houses(2000, seed=1), "sha")


@pytest.fixture(scope="module")
def thresholds(reference):
    return calibrate(reference, SIZES, draws=500)


def false_alarms(spec, reference, thresholds, rows, windows=200):
    said = [judge(spec, reference, thresholds, houses(rows, seed=100 + i)).verdict for i in range(windows)]
    return said.count("drift") / windows


@pytest.mark.parametrize("rows", [100, 200, 1000])
def test_windows_that_did_not_drift_are_seldom_said_to(reference, thresholds, rows):
    assert false_alarms(manifest(), reference, thresholds, rows) <= 0.05


def test_a_higher_share_needs_lower_thresholds_for_the_same_promise(reference, thresholds):
    spec = manifest(drift_share=0.5)
    patient = profile_reference(spec, houses(2000, seed=1), "sha")
    lower = calibrate(patient, SIZES, draws=500)
    size = reference.profiles["size"].test
    assert lower.score(size, 0.1, 200) < thresholds.score(size, 0.1, 200)
    assert false_alarms(spec, patient, lower, 200) <= 0.05


def test_a_shift_of_half_a_standard_deviation_in_one_column_is_seen(reference, thresholds):
    for seed in range(20):
        result = judge(manifest(), reference, thresholds, houses(200, seed=seed, shift=0.5))
        assert result.verdict == "drift"
        assert "size" in result.drifted


def test_resamples_are_scored_as_their_values_would_be():
    """The quick way over weights gives the scores of the rows that the weights stand for."""
    rng = np.random.default_rng(5)
    values = rng.gamma(2, 3, 200)
    values[:20] = np.nan
    profile = build_profile(ColumnTest("x", "number", "wasserstein"), pa.chunked_array([values]))
    rows = [rng.integers(0, 200, size) for size in (200, 90)]
    weights = [np.bincount(r, minlength=200).astype(np.float32)[None] / len(r) for r in rows]
    before, after = (profile.values[r] for r in rows)
    expected = wasserstein_distance(before[~np.isnan(before)], after[~np.isnan(after)]) / profile.present.std()
    assert profile.null_scores(*weights, 90)[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("kind", ["number", "category"])
def test_resamples_are_scored_by_shares_as_their_values_would_be(kind):
    rng = np.random.default_rng(6)
    values = rng.normal(size=500) if kind == "number" else rng.choice(["a", "b", "c"], 500).tolist()
    profile = build_profile(ColumnTest("x", kind, "jensenshannon"), pa.chunked_array([values]))
    rows = rng.integers(0, 500, 120)
    weights = np.bincount(rows, minlength=500).astype(np.float32)[None] / 120
    window = pa.chunked_array([values]).take(rows)
    even = np.full((1, 500), 1 / 500, dtype=np.float32)
    expected = profile.score(profile.clean(window))
    assert profile.null_scores(even, weights, 120)[0] == pytest.approx(expected, rel=1e-3)


def test_the_same_reference_gives_the_same_thresholds(reference, thresholds):
    assert calibrate(reference, SIZES, draws=500) == thresholds


def test_smaller_windows_need_higher_thresholds(reference, thresholds):
    for profile in reference.profiles.values():
        sizes = (30, 50, 120, 200, 500, 1000, 5000)
        curve = [thresholds.score(profile.test, profile.floor, rows) for rows in sizes]
        assert curve == sorted(curve, reverse=True)
        assert curve[-1] >= profile.floor


def test_between_sizes_thresholds_are_interpolated_in_logarithms():
    table = Thresholds("key", (100, 10_000), {"x": Curve(score=(0.8, 0.2), missing=(0.0, 0.0))}, {}, (2.0, 2.0))
    assert table.score(ColumnTest("x", "number", "wasserstein"), 0.1, 1000) == pytest.approx(0.4)


def test_a_threshold_of_the_manifest_wins():
    table = Thresholds("key", (100,), {"x": Curve(score=(0.8,), missing=(0.0,))}, {}, (2.0,))
    assert table.score(ColumnTest("x", "number", "wasserstein", threshold=0.01), 0.1, 100) == 0.01


def test_a_threshold_of_the_manifest_leaves_the_other_columns_calibrated():
    spec = manifest(columns=(DriftColumn(name="size", threshold=1e-6), "rooms", "wall"))
    reference = profile_reference(spec, houses(1000), "sha")
    table = calibrate(reference, (200,), draws=200)
    assert table.score(reference.profiles["rooms"].test, 0.1, 200) < 0.5


def test_missing_values_have_thresholds_of_their_own():
    rng = np.random.default_rng(0)
    values = rng.normal(size=2000)
    values[rng.random(2000) < 0.3] = np.nan
    spec = manifest(features=(Feature(name="size", type="number"),), columns=("size",))
    reference = profile_reference(spec, pa.table({"size": values}), "sha")
    table = calibrate(reference, (200,), draws=500)
    allowed = table.missing(reference.profiles["size"].test, 0.3, 200)
    assert binary_distance(0.3, 0.34) < allowed < binary_distance(0.3, 0.5)


def test_a_flag_that_chance_sets_in_a_small_window_is_not_drift_by_itself():
    """One in 5,000 is set: among ten rows seldom enough for the flag's own 99%, but 40 flags are many tickets."""
    names = [f"flag{i}" for i in range(40)]
    features = tuple(Feature(name=n, type="boolean") for n in names)
    spec = manifest(features, columns=names, minimum_rows=10, joint=False)

    def flags(rows, seed):
        rng = np.random.default_rng(seed)
        return pa.table({n: rng.random(rows) < 0.0002 for n in names})

    reference = profile_reference(spec, flags(5000, 0), "sha")
    table = calibrate(reference, (10,))
    fixed = msgspec.structs.replace(table, alone=(LEAST_ALONE,))
    windows = [flags(10, 100 + seed) for seed in range(200)]
    calibrated, uncalibrated = (
        sum(judge(spec, reference, t, w).verdict == "drift" for w in windows) for t in (table, fixed)
    )
    assert calibrated <= 10 < uncalibrated


@pytest.mark.parametrize(("share", "rows", "change"), [(0.0, 1000, 0.02), (0.5, 1000, 0.02), (0.0, 30, 0.1)])
def test_a_few_missing_values_are_no_drift(share, rows, change):
    pair = np.array([[share, 1 - share], [share + change, 1 - share - change]])
    assert missing_floor(share, rows) == pytest.approx(float(jensenshannon(pair[0], pair[1])))


def test_where_all_are_missing_a_few_given_values_are_no_drift():
    assert missing_floor(1.0, 1000) == pytest.approx(binary_distance(1.0, 0.98))


@pytest.mark.parametrize(
    ("columns", "share", "needed"), [(16, 0.05, 1), (20, 0.05, 1), (21, 0.05, 2), (10, 0.3, 3), (3, 1, 3)]
)
def test_the_share_says_how_many_columns_are_needed(columns, share, needed):
    assert columns_for_drift(columns, share) == needed


@pytest.mark.parametrize("unit", [1.0, 1e-5, 1e-12])
def test_a_number_drifts_in_whatever_unit_it_is_given(unit):
    """Evidently's score is given in no less than thousandths; a threshold of 0.1 would be out of reach for it."""
    spec = manifest(features=(Feature(name="size", type="number"),), columns=("size",))

    def drawn(rows, seed, shift=0.0):
        return pa.table({"size": unit * np.random.default_rng(seed).normal(shift, 1, rows)})

    reference = profile_reference(spec, drawn(2000, 0), "sha")
    table = calibrate(reference, (200, 1000), draws=300)
    assert judge(spec, reference, table, drawn(1000, 1, shift=0.5)).verdict == "drift"
    said = [judge(spec, reference, table, drawn(1000, 2 + seed)).verdict for seed in range(40)]
    assert said.count("drift") <= 2


@pytest.mark.parametrize(("unit", "floor"), [(1e3, 0.1), (1.0, 0.1), (1e-5, 1e-3)])
def test_the_floor_is_a_tenth_of_a_standard_deviation(unit, floor):
    values = np.random.default_rng(0).normal(0, unit, 2000)
    profile = build_profile(ColumnTest("x", "number", "wasserstein"), pa.chunked_array([values]))
    assert profile.floor == pytest.approx(floor, rel=0.1)
