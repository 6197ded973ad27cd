"""Labels become classes or numbers, and what is neither is refused."""

import numpy as np
import pandas as pd
import pytest

from pilothouse.errors import PackageError
from pilothouse.packing.sources import as_labels, infer_classes
from pilothouse.tasks import TASKS

BINARY, REGRESSION = TASKS["binary"], TASKS["regression"]

CLASSES = ("cat", "dog")


def test_classes_are_the_sorted_labels_or_a_categoricals_own_order():
    assert infer_classes(pd.Series(["dog", "cat", "dog"]), BINARY, None) == CLASSES
    assert infer_classes(pd.Series(pd.Categorical(["cat"], ["dog", "cat"])), BINARY, None) == ("dog", "cat")
    assert infer_classes(pd.Series([1, 0]), BINARY, None) == ("0", "1")
    assert infer_classes(pd.Series([1.0]), REGRESSION, None) is None


def test_integers_that_are_no_class_names_are_positions():
    assert as_labels(pd.Series([1, 0]), BINARY, CLASSES) == ["dog", "cat"]
    assert as_labels(pd.Series([True, False]), BINARY, CLASSES) == ["dog", "cat"]
    assert as_labels(pd.Series([1, 2]), BINARY, ("2", "1")) == ["1", "2"]


def test_class_numbers_that_became_floats_are_integers_again():
    assert infer_classes(pd.Series([1.0, 0.0]), BINARY, None) == ("0", "1")
    assert as_labels(pd.Series([1.0, 0.0]), BINARY, CLASSES) == ["dog", "cat"]


def test_labels_of_a_regression_are_plain_floats():
    labels = as_labels(pd.Series([1, 2], dtype="int8"), REGRESSION, None)
    assert labels == [1.0, 2.0] and all(type(v) is float for v in labels)


@pytest.mark.parametrize(
    ("labels", "task", "sentence"),
    [
        (["cat", "cow"], BINARY, "not among the classes: cow"),
        ([0, 2], BINARY, "positions of the 2: 2"),
        (["cat", None], BINARY, "1 of 2 labels"),
        ([1.0, np.inf], REGRESSION, "infinite"),
        (["a"], REGRESSION, "must be numbers"),
    ],
)
def test_wrong_labels_are_refused(labels, task, sentence):
    with pytest.raises(PackageError, match=sentence):
        as_labels(pd.Series(labels), task, CLASSES)


def test_values_that_the_manifest_maps_are_no_positions():
    values = {1: "cat", 0: "dog"}
    assert as_labels(pd.Series([1, 0]), BINARY, CLASSES, values) == ["cat", "dog"]
    assert as_labels(pd.Series([1.0, 0.0]), BINARY, CLASSES, values) == ["cat", "dog"]
    with pytest.raises(PackageError, match="'2' is no class"):
        as_labels(pd.Series([1, 2]), BINARY, CLASSES, values)
