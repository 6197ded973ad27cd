"""The sales and how they are divided; and the committed model, measured on sales it was not fitted on."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from pilothouse.model import Model
from pilothouse.package import open_package
from pilothouse.packing.features import instances
from training.errors import MissingData
from training.house_prices import FEATURES, TARGET, read, splits
from training.house_prices.evaluation import score

PACKAGE = Path(__file__).parents[3] / "models" / "house-prices" / "1"


@pytest.fixture(scope="module")
def sales():
    return read()


@pytest.fixture(scope="module")
def parts(sales):
    return splits(sales)


@pytest.fixture(scope="module")
def model():
    return Model(open_package(PACKAGE))


def predict(model, frame):
    rows = instances(frame[[*FEATURES]], model.tabular.features)
    return np.array(model.run(model.parse(rows)).prediction)


def test_the_parts_are_all_sales_and_share_none(sales, parts):
    everything = pd.concat([parts.train, parts.reference, parts.held_out, *parts.later.values()])
    assert sorted(everything.index) == list(range(25_357)) == list(sales.index)


def test_only_later_years_are_in_later_and_none_elsewhere(parts):
    assert list(parts.later) == [1996, 1997, 1998]
    for year, frame in parts.later.items():
        assert set(frame["sale_date"].dt.year) == {year} and frame["sale_date"].is_monotonic_increasing
    for frame in (parts.train, parts.reference, parts.held_out):
        assert set(frame["sale_date"].dt.year) == {1993, 1994, 1995}


def test_any_stretch_of_the_held_out_sales_is_a_sample_of_the_three_years(parts):
    """In order of date, replaying them would itself be drift."""
    for frame in (parts.held_out, parts.reference):
        first, last = frame.iloc[:500]["sale_date"].mean(), frame.iloc[-500:]["sale_date"].mean()
        assert abs(first - last) < pd.Timedelta(days=60)


def test_the_price_itself_is_not_among_the_features():
    assert TARGET not in FEATURES and "price_usd" not in FEATURES


def test_the_committed_model_meets_its_floor_on_held_out_sales(parts, model):
    measured = score(model, parts.held_out)
    assert measured.r2 >= 0.68
    assert f"| {measured.r2:.3f} | {measured.rmse:.0f} |" in (PACKAGE / "MODEL_CARD.md").read_text()
    assert score(model, parts.reference).r2 >= 0.68


def test_the_score_is_what_scikit_learn_computes(parts, model):
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the independent source")
    paid, said = parts.held_out[TARGET].to_numpy(dtype=float), predict(model, parts.held_out)
    measured = score(model, parts.held_out)
    assert measured.r2 == pytest.approx(metrics.r2_score(paid, said))
    assert measured.rmse == pytest.approx(metrics.root_mean_squared_error(paid, said))


def test_its_reference_is_the_part_that_was_not_fitted(parts):
    table = pq.read_table(PACKAGE / "reference.parquet").to_pandas()
    assert table["label"].to_numpy() == pytest.approx(parts.reference[TARGET].to_numpy(dtype=float), rel=1e-6)
    assert table["x_m"].tolist() == parts.reference["x_m"].tolist()


def test_it_accepts_every_sale_of_the_later_years_and_is_of_use_there(parts, model):
    for frame in parts.later.values():
        assert score(model, frame).r2 > 0.5


@pytest.mark.parametrize("year", [1990, 2000])
def test_it_stays_sane_at_both_ends_of_the_dates_it_accepts(parts, model, year):
    moved = parts.held_out.assign(sale_date=pd.Timestamp(year, 6, 30))
    ratio = predict(model, moved) / predict(model, parts.held_out)
    assert 0.7 < np.median(ratio) < 1.4 and ratio.min() > 0.5 and ratio.max() < 2


def test_it_stays_finite_and_positive_at_the_corners_of_what_it_accepts(model):
    lowest, highest = {}, {}
    for feature in model.tabular.features:
        ends = feature.categories or (feature.minimum, feature.maximum)
        low, high = ends[0], ends[-1]
        whole = feature.type == "integer"
        lowest[feature.name], highest[feature.name] = (int(low), int(high)) if whole else (low, high)
    prices = model.run(model.parse([lowest, highest])).prediction
    assert all(0 < price < 20_000 for price in prices)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingData, match="does not exist"):
        read(tmp_path / "none.parquet")
