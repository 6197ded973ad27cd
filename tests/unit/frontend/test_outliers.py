"""How unusual an input is, against what the training data have."""

from datetime import date

import numpy as np
import pytest

from pilothouse.wire.distributions import Distribution
from services.frontend import outliers

PROBABILITIES = (0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999)


def numbers(values, name="area", **more):
    quantiles = {str(p): float(np.quantile(values, p)) for p in PROBABILITIES}
    return Distribution(name=name, kind="number", reference=[1.0], reference_quantiles=quantiles, **more)


def kinds(**shares):
    return Distribution(name="wall", kind="category", categories=list(shares), reference=list(shares.values()),
                        missing_reference=0.02)  # fmt: skip


def one(value, column):
    (found,) = outliers.rank_inputs({column.name: value}, [column])
    return found


EVEN = numbers(np.arange(10_001.0))


@pytest.mark.parametrize(
    ("value", "level", "position"),
    [(5000, "usual", 0.5), (1500, "usual", 0.15), (9950, "rare", 0.995), (9999, "far", 1.0), (-1, "far", 0.0)],
)
def test_a_number_is_placed_by_the_quantiles_it_lies_between(value, level, position):
    found = one(value, EVEN)
    assert found.level == level
    assert found.position == pytest.approx(position, abs=0.002)


def test_most_values_of_the_training_data_are_usual_and_one_in_five_hundred_is_far():
    values = np.random.default_rng(3).lognormal(size=20_000)
    levels = [one(float(v), numbers(values)).level for v in values[:5000]]
    assert levels.count("far") / 5000 == pytest.approx(0.002, abs=0.002)
    assert levels.count("usual") / 5000 == pytest.approx(0.98, abs=0.01)


def test_a_value_that_nearly_all_have_is_usual():
    column = numbers(np.array([0.0] * 990 + [5.0] * 10))
    assert one(0, column).level == "usual"
    assert one(7, column).level == "far"


def test_a_number_says_where_the_bounds_are_with_its_unit():
    found = one(20_000, numbers(np.arange(10_001.0), unit="m2"))
    assert (found.value, found.sentence) == ("20,000 m²", "above nearly all: 99.9% are at most 9,990 m²")


def test_a_date_is_compared_in_days_and_said_as_a_date():
    column = numbers(np.arange(8400.0, 9200.0), unit=outliers.DAYS)
    assert one("1998-06-01T00:00:00Z", column).level == "far"
    assert one(date(1994, 1, 1), column).level == "usual"
    assert one("1998-06-01", column).value == "1998-06-01"


@pytest.mark.parametrize(
    ("value", "level"), [("wood", "usual"), ("stone", "rare"), ("glass", "far"), (None, "usual"), (True, "far")]
)
def test_a_category_is_as_unusual_as_it_is_rare(value, level):
    assert one(value, kinds(wood=0.995, stone=0.005)).level == level


def test_a_boolean_is_found_by_either_spelling():
    column = Distribution(name="pool", kind="category", categories=["False", "True"], reference=[0.9, 0.1])
    assert one(True, column).level == "usual"


def test_what_is_missing_is_far_out_where_it_never_is():
    assert one(None, numbers(np.arange(10.0), missing_reference=0.0)).level == "far"


def test_the_most_unusual_comes_first_and_is_named_in_the_sentence():
    columns = [numbers(np.arange(10_001.0), name="lot_m2"), numbers(np.arange(101.0), name="year_built")]
    found = outliers.rank_inputs({"lot_m2": 5000, "year_built": 1750}, columns)
    assert [p.column for p in found] == ["year_built", "lot_m2"]
    assert outliers.summary(found).startswith("1 of 2 inputs lies outside of the training data: Year built (above")


def test_nothing_unusual_is_said_too():
    assert outliers.summary(outliers.rank_inputs({"area": 5000}, [EVEN])).startswith("Nothing unusual: all 1 inputs")
