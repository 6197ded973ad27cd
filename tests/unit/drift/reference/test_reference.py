"""Profiles of the reference, and cleaning against them."""

import numpy as np
import pyarrow as pa
import pytest

from pilothouse.manifest import DriftColumn
from services.drift.arrow import MISSING
from services.drift.reference.profiles import NEW, OTHER, CategoryProfile, ColumnTest, NumberProfile
from services.drift.reference.reference import MOST_ROWS, build_profile, profile_reference
from testkit.drift.frames import FEATURES, houses, manifest

NUMBER = ColumnTest("size", "number", "wasserstein")
CATEGORY = ColumnTest("wall", "category", "jensenshannon")


def column(values, kind=None):
    return pa.chunked_array([pa.array(values, kind)])


def number_profile(values):
    return build_profile(NUMBER, column(values))


def test_one_outlier_changes_nothing_to_speak_of():
    rng = np.random.default_rng(0)
    profile = number_profile(rng.normal(size=2000))
    usual = rng.normal(size=500)
    alone = profile.score(profile.clean(column(usual)))
    usual[7] = 1e12
    assert profile.score(profile.clean(column(usual))) == pytest.approx(alone, abs=0.02)


def test_an_outlier_in_the_reference_does_not_blind_it():
    rng = np.random.default_rng(0)
    values = rng.normal(size=2000)
    values[3] = 1e9
    profile = number_profile(values)
    assert profile.score(profile.clean(column(rng.normal(1, 1, 500)))) > 0.8


def test_what_lies_beyond_the_reference_piles_up_at_its_edge_and_counts():
    profile = number_profile(np.random.default_rng(0).uniform(0, 1, 2000))
    cleaned = profile.clean(column(np.full(100, 50.0)))
    assert cleaned.values.max() <= 1
    assert cleaned.out_of_range == 1
    assert profile.score(cleaned) > 1.5


def test_infinities_and_words_in_numbers_are_missing_and_named():
    profile = number_profile([1.0, 2.0, 3.0, None])
    cleaned = profile.clean(column(["2", "inf", "oops", None]))
    assert (cleaned.missing, cleaned.unusable) == (0.75, 0.5)
    assert profile.missing == 0.25


@pytest.mark.parametrize("values", [[5.0] * 100, [0.0] * 5000 + [3.0]])
def test_a_number_that_hardly_varies_is_compared_as_categories(values):
    profile = number_profile(values)
    assert isinstance(profile, CategoryProfile)
    usual, other = (profile.score(profile.clean(column([v] * 50))) for v in (values[0], 77.5))
    assert usual < 0.05
    assert other > 0.8


def test_a_reference_without_values_compares_what_is_missing():
    profile = number_profile(pa.array([None, None], pa.float64()))
    assert isinstance(profile, NumberProfile)
    assert profile.missing == 1
    assert profile.score(profile.clean(column([1.0, 2.0]))) == 0


def test_a_category_the_reference_has_not_is_new_and_missing_ones_are_a_category_too():
    profile = build_profile(CATEGORY, column(["brick"] * 60 + ["wood"] * 40))
    cleaned = profile.clean(column(["brick", "straw", None, "mud"]))
    assert [profile.labels[c] for c in cleaned.values] == ["brick", NEW, MISSING, NEW]
    assert (cleaned.new, cleaned.missing) == (0.5, 0.25)


def test_rare_categories_count_as_one():
    names = [f"common{i}" for i in range(50)] * 10 + [f"rare{i}" for i in range(30)]
    profile = build_profile(CATEGORY, column(names))
    cleaned = profile.clean(column(["rare3", "common7", "never"]))
    assert [profile.labels[c] for c in cleaned.values] == [OTHER, "common7", NEW]


def test_a_category_that_is_called_like_a_bucket_does_not_break_it():
    profile = build_profile(CATEGORY, column([NEW, OTHER, MISSING, "brick"]))
    cleaned = profile.clean(column([NEW, OTHER, MISSING, "brick"]))
    assert profile.score(cleaned) == pytest.approx(0)


def test_every_monitored_column_gets_the_profile_of_its_type():
    profiles = profile_reference(manifest(), houses(300), "sha").profiles
    assert {n: p.test.kind for n, p in profiles.items()} == {
        "size": "number", "rooms": "number", "wall": "category", "garage": "category", "sold": "number",
        "prediction": "number",
    }  # fmt: skip
    assert profiles["sold"].values.min() >= 8_000, "days since 1970"


def test_a_column_that_the_reference_lacks_has_no_profile():
    profiles = profile_reference(manifest(), houses(300).drop_columns(["wall"]), "sha").profiles
    assert "wall" not in profiles


def test_of_a_large_reference_the_same_rows_count_each_time():
    table = houses(MOST_ROWS + 3000)
    first, second = (profile_reference(manifest(), table, "sha") for _ in range(2))
    assert first.rows == MOST_ROWS
    assert first.table.equals(second.table)


@pytest.mark.parametrize(
    "other",
    [
        manifest(drift_share=0.3),
        manifest(columns=("size", "wall")),
        manifest(columns=(DriftColumn(name="size", threshold=0.2),)),
        manifest(columns=(DriftColumn(name="size", stattest="jensenshannon"),)),
        manifest(features=FEATURES[:4]),
    ],
)
def test_whatever_thresholds_depend_on_changes_the_key(other):
    usual = profile_reference(manifest(), houses(50), "sha").key
    assert profile_reference(other, houses(50), "sha").key != usual
    assert profile_reference(manifest(), houses(50), "other sha").key != usual


def test_intervals_and_texts_do_not_change_the_key():
    usual = profile_reference(manifest(), houses(50), "sha").key
    assert profile_reference(manifest(interval_seconds=5, window_rows=120), houses(50), "sha").key == usual
