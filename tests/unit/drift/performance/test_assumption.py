"""Whether the reference can speak for a window."""

import math

import numpy as np
import pyarrow as pa

from pilothouse.manifest import Feature, TabularInput
from services.drift.performance.assumption import AssumptionCheck
from testkit.drift.frames import task_manifest


def pairs(rows, seed=0, rho=0.95):
    rng = np.random.default_rng(seed)
    a = rng.normal(0, 1, rows)
    b = rho * a + math.sqrt(1 - rho**2) * rng.normal(0, 1, rows)
    return pa.table({"a": a, "b": b, "prediction": a + b})


def test_a_pair_that_never_was_is_unfamiliar_though_each_of_it_is_known():
    known = AssumptionCheck(task_manifest(), pairs(2000))
    assert not known.check(pairs(1000, seed=1)).broken
    apart = pairs(1000, seed=1)
    turned = apart.set_column(1, "b", pa.array(-np.asarray(apart.column("b"))))
    said = known.check(turned)
    assert said.broken
    assert set(said.pair) == {"a", "b"} or "b" in said.pair
    assert "unlike any of the reference" in said.message


def test_a_column_that_is_stuck_breaks_the_assumption():
    table = pairs(500, seed=1)
    stuck = table.set_column(1, "b", pa.array(np.zeros(500)))
    said = AssumptionCheck(task_manifest(), pairs(2000)).check(stuck)
    assert (said.broken, said.stuck) == (True, "b")
    assert "b is the same in all rows" in said.message


def names(rows, known, seed=0):
    """A category of `known` values as often as each other, and what goes with it."""
    rng = np.random.default_rng(seed)
    column = [f"k{i}" for i in rng.integers(0, known, rows)]
    other = [f"o{i}" for i in rng.integers(0, known, rows)]
    return pa.table({"a": column, "b": other, "prediction": rng.normal(0, 1, rows)})


def of_names():
    features = tuple(Feature(name=n, type="category", categories=("k0", "k1")) for n in ("a", "b"))
    return task_manifest().model_copy(update={"input": TabularInput(features=features)})


def test_names_without_number_do_not_make_tables_without_bound():
    known = AssumptionCheck(of_names(), names(5000, 100_000))
    assert max(table.known.size for table in known._tables.values()) < 50_000
    assert not known.check(names(1000, 100_000, seed=1)).broken, "names that are always new are nothing new"


def test_new_names_among_many_are_seen_to_be_new():
    known = AssumptionCheck(of_names(), names(5000, 300))
    assert not known.check(names(1000, 300, seed=1)).broken
    window = names(1000, 300, seed=1)
    strange = window.set_column(0, "a", pa.array([f"x{i}" for i in range(1000)]))
    assert known.check(strange).unfamiliar > 0.3


def test_columns_that_the_window_has_not_are_left_out():
    said = AssumptionCheck(task_manifest(), pairs(2000)).check(pairs(500, seed=1).drop_columns(["a"]))
    assert not said.broken
