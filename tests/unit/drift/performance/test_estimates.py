"""What is promised of the estimates, on the packed models and real data that they have not seen: within 0.02 of the
accuracy and 10% of the MAE, and within twice that under mild drift. Wherever it is further off, "assumption broken".
`docs/model-performance.md` has the table."""

import numpy as np
import pytest

from testkit.drift.windows import draw, estimator_of, packed, sample_of, truth_of, windows

ALLOWED = {"house-prices": 0.10, "fashion-mnist": 0.02}
METRIC = {"house-prices": "mae", "fashion-mnist": "accuracy"}
MILD = {
    "house-prices": ("1996", "1997", "1998", "living area a fifth larger", "built 10 years earlier",
                     "built before 1930"),
    "fashion-mnist": ("blurred by half a pixel", "noise of 10", "rotated by 5°", "rotated by 15°", "more contrast",
                      "0.7 as bright"),
}  # fmt: skip
SEVERE = {
    "house-prices": ("living area doubled", "living area in square feet", "3 km to the east", "10 km to the east",
                     "built 30 years earlier", "places shuffled", "years shuffled"),
    "fashion-mnist": ("inverted", "blurred by a pixel", "noise of 25", "noise of 50", "rotated by 30°",
                      "rotated by 90°", "upside down", "half as bright", "a quarter as bright"),
}  # fmt: skip
HELD_OUT = {"house-prices": "held_out", "fashion-mnist": "test images"}


def fault(model, table):
    """By how much the estimate is off: relative to the MAE, or in points of accuracy; and the side that said it."""
    manifest, metric = packed(model).manifest, METRIC[model]
    side = estimator_of(model).apply(sample_of(manifest, table)).side
    if side.status != "estimated":
        return None, side
    true, said = truth_of(manifest, table, [metric])[metric].value, side.metrics[metric].value
    return abs(said / true - 1) if metric == "mae" else abs(said - true), side


@pytest.mark.parametrize("model", ALLOWED)
def test_on_held_out_data_the_estimate_is_within_what_is_allowed(model):
    found, side = fault(model, windows(model)[HELD_OUT[model]])
    assert side.status == "estimated", side.message
    assert found <= ALLOWED[model]


@pytest.mark.parametrize(("model", "window"), [(m, w) for m, names in MILD.items() for w in names])
def test_under_mild_drift_the_estimate_is_within_twice_that(model, window):
    found, side = fault(model, windows(model)[window])
    assert side.status == "estimated", side.message
    assert found <= 2 * ALLOWED[model]


@pytest.mark.parametrize("rows", [200, 1_000])
@pytest.mark.parametrize(("model", "window"), [(m, w) for m, names in SEVERE.items() for w in names])
def test_where_it_cannot_know_it_says_so_and_gives_no_number(model, window, rows):
    """In nineteen of twenty windows; of 200 rows a house's 3 km can be too few to be sure of."""
    sides = [fault(model, draw(windows(model)[window], rows, seed))[1] for seed in range(20)]
    broken = [s for s in sides if s.status == "assumption broken"]
    assert len(broken) >= (19 if rows >= 1_000 else 16)
    assert all(s.metrics == {} and "reference" in s.message for s in broken)


@pytest.mark.parametrize("model", ALLOWED)
def test_in_held_out_windows_the_assumption_is_seldom_called_broken(model):
    table = windows(model)[HELD_OUT[model]]
    sides = [fault(model, draw(table, 500, seed))[1] for seed in range(40)]
    assert sum(s.status == "assumption broken" for s in sides) <= 2


@pytest.mark.parametrize("model", ALLOWED)
def test_labels_measure_what_the_intervals_foretell(model):
    """The 95% interval of an estimate on 300 rows holds what their labels measure."""
    manifest, metric = packed(model).manifest, METRIC[model]
    held = 0
    for seed in range(60):
        table = draw(windows(model)[HELD_OUT[model]], 300, seed)
        said = estimator_of(model).apply(sample_of(manifest, table)).side.metrics[metric]
        held += said.low <= truth_of(manifest, table, [metric])[metric].value <= said.high
    assert held / 60 >= 0.85


@pytest.mark.parametrize("model", ALLOWED)
def test_labels_are_not_looked_at(model):
    """An estimate that saw them would change with them."""
    manifest, table = packed(model).manifest, windows(model)[HELD_OUT[model]].slice(0, 500)
    place = table.column_names.index("label")
    shuffled = table.column("label").take(np.random.default_rng(0).permutation(500))
    sides = [
        estimator_of(model).apply(sample_of(manifest, t)).side
        for t in (table, table.set_column(place, "label", shuffled))
    ]
    assert sides[0] == sides[1]


def test_inverted_images_are_wrong_with_confidence_and_yet_seen_through():
    table = windows("fashion-mnist")["inverted"]
    manifest = packed("fashion-mnist").manifest
    scores = np.stack([table.column(n).to_numpy() for n in manifest.probability_columns], axis=1)
    true = truth_of(manifest, table, ["accuracy"])["accuracy"].value
    assert scores.max(axis=1).mean() > 0.8
    assert true < 0.3
    side = estimator_of("fashion-mnist").apply(sample_of(manifest, table)).side
    assert (side.status, side.reason) == ("assumption broken", "assumption-broken")
    assert "predictions moved" in side.message
