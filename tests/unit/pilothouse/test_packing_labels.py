"""Labels become classes or numbers, and what is neither is refused."""

import numpy as np
import pandas as pd
import pytest

from pilothouse.errors import PackageError
from pilothouse.packing.labels import as_labels, infer_classes

CLASSES = ("cat", "dog")


def test_classes_are_the_sorted_labels_or_a_categoricals_own_order():
    assert infer_classes(pd.Series(["dog", "cat", "dog"]), "binary", None) == CLASSES
    assert infer_classes(pd.Series(pd.Categorical(["cat"], ["dog", "cat"])), "binary", None) == ("dog", "cat")
    assert infer_classes(pd.Series([1, 0]), "binary", None) == ("0", "1")
    assert infer_classes(pd.Series([1.0]), "regression", None) is None


def test_integers_that_are_no_class_names_are_positions():
    assert as_labels(pd.Series([1, 0]), "binary", CLASSES) == ["dog", "cat"]
    assert as_labels(pd.Series([True, False]), "binary", CLASSES) == ["dog", "cat"]
    assert as_labels(pd.Series([1, 2]), "binary", ("2", "1")) == ["1", "2"]


def test_class_numbers_that_became_floats_are_integers_again():
    assert infer_classes(pd.Series([1.0, 0.0]), "binary", None) == ("0", "1")
    assert as_labels(pd.Series([1.0, 0.0]), "binary", CLASSES) == ["dog", "cat"]


def test_labels_of_a_regression_are_plain_floats():
    labels = as_labels(pd.Series([1, 2], dtype="int8"), "regression", None)
    assert labels == [1.0, 2.0] and all(type(v) is float for v in labels)


@pytest.mark.parametrize(
    ("labels", "task", "sentence"),
    [
        (["cat", "cow"], "binary", "not among the classes: cow"),
        ([0, 2], "binary", "positions of the 2: 2"),
        (["cat", None], "binary", "1 of 2 labels"),
        ([1.0, np.inf], "regression", "infinite"),
        (["a"], "regression", "must be numbers"),
    ],
)
def test_wrong_labels_are_refused(labels, task, sentence):
    with pytest.raises(PackageError, match=sentence):
        as_labels(pd.Series(labels), task, CLASSES)
