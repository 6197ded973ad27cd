"""Features inferred from a frame: each property holds for any column, and single cases show the rules."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilothouse.errors import PackageError
from pilothouse.manifest import TabularInput
from pilothouse.packing.features import accepted_range, infer_features, instances
from pilothouse.tabular import TabularCodec

finite = st.floats(allow_nan=False, allow_infinity=False)


def only_feature(values, overrides=None, **kwargs):
    return infer_features(pd.DataFrame({"x": pd.Series(values, **kwargs)}), overrides)[0]


@given(st.lists(finite, min_size=1, max_size=30))
def test_the_accepted_range_holds_everything_that_was_seen(values):
    low, high = accepted_range(min(values), max(values))
    assert (low is None or low <= min(values)) and (high is None or high >= max(values))


@given(st.floats(min_value=0, max_value=1e12), st.floats(min_value=0, max_value=1e12))
def test_what_was_never_negative_is_not_accepted_below_zero(a, b):
    low, high = accepted_range(min(a, b), max(a, b))
    assert low is not None and low >= 0
    mirrored_low, mirrored_high = accepted_range(-max(a, b), -min(a, b))
    assert mirrored_high is not None and mirrored_high <= 0
    assert high is not None and mirrored_low is not None


@given(st.floats(min_value=-1e9, max_value=1e9), st.floats(min_value=1e-3, max_value=1e9))
def test_the_range_is_wider_by_the_span_and_hardly_more(low, span):
    lowest, highest = accepted_range(low, low + span)
    assert highest >= min(0, low + span) and highest <= low + 2.3 * span + 1e-6 * abs(low)
    assert lowest >= low - 1.3 * span - 1e-6 * abs(low)


@given(
    st.lists(
        st.tuples(
            st.floats(min_value=-1e300, max_value=1e300),
            st.integers(-(2**53), 2**53),
            st.booleans(),
            st.sampled_from(["red", "green", "", "ä b"]),
            st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_every_row_of_any_frame_passes_the_validation_inferred_from_it(rows):
    frame = pd.DataFrame(rows, columns=["a", "b", "c", "d", "e"])
    features = infer_features(frame)
    assert [f.type for f in features] == ["number", "integer", "boolean", "category", "datetime"]
    validated = TabularCodec(TabularInput(features=features)).validate(instances(frame, features))
    assert [row[0] for row in validated] == [row[0] for row in rows]
    assert [row[3] for row in validated] == [row[3] for row in rows]


@pytest.mark.parametrize(
    ("values", "dtype", "wanted"),
    [
        ([1, 2, 3], "int8", "integer"),
        ([1, 2, None], "Int64", "integer"),
        ([1.5, 2], "float32", "number"),
        ([True, False], "bool", "boolean"),
        ([True, None], "boolean", "boolean"),
        (["a", "b"], "str", "category"),
        (["a", "b"], "category", "category"),
        ([1, 2], "category", "category"),
        (["1993-01-04", "1995-01-01"], "datetime64[s]", "datetime"),
    ],
)
def test_the_dtype_says_the_type(values, dtype, wanted):
    assert only_feature(values, dtype=dtype).type == wanted


def test_a_column_with_missing_values_may_be_left_out():
    assert only_feature([1.0, np.nan]).required is False
    assert only_feature([1.0, 2.0]).required is True


def test_categories_are_sorted_or_in_the_order_of_a_categorical():
    assert only_feature(["b", "a", "b"]).categories == ("a", "b")
    assert only_feature(pd.Categorical(["b"], categories=["c", "b"])).categories == ("c", "b")


def test_times_are_accepted_for_their_span_before_and_after():
    feature = only_feature(pd.to_datetime(["1994-01-01", "1995-01-01"]))
    assert feature.minimum == datetime(1993, 1, 1, tzinfo=UTC)
    assert feature.maximum == datetime(1996, 1, 2, tzinfo=UTC)


def test_overrides_replace_single_fields_and_the_rest_follows():
    feature = only_feature([1, 2], {"x": {"unit": "m", "maximum": 9}})
    assert (feature.type, feature.unit, feature.minimum, feature.maximum) == ("integer", "m", 0, 9)
    assert only_feature([1, 2], {"x": {"type": "category"}}).categories == ("1", "2")


def test_single_precision_values_keep_the_decimals_that_people_wrote():
    for dtype in ("float32", "Float32"):
        frame = pd.DataFrame({"x": pd.Series([128.9, None, 0.1], dtype=dtype)})
        assert instances(frame, infer_features(frame)) == [{"x": 128.9}, {}, {"x": 0.1}]


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        (pd.DataFrame({"x": [1.0, np.inf]}), "infinite"),
        (pd.DataFrame({"x": [np.nan, np.nan]}), "every value of the reference is missing"),
        (pd.DataFrame({"x": [[1], [2]]}), "a column of list"),
        (pd.DataFrame({"x": [f"text {i}" for i in range(201)]}), "201 different texts"),
        (pd.DataFrame({"prediction": [1.0]}), "column of the log"),
        (pd.DataFrame({"probability_cat": [1.0]}), "column of the log"),
        (pd.DataFrame({"not a name": [1.0]}), "not a name"),
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), "two columns of the same name: x"),
        (pd.DataFrame(index=[0]), "no feature columns"),
    ],
)
def test_what_is_no_feature_is_refused_by_name(frame, sentence):
    with pytest.raises(PackageError, match=sentence):
        infer_features(frame)


def test_an_override_of_no_column_is_refused():
    with pytest.raises(PackageError, match="y is no column"):
        only_feature([1.0], {"y": {"unit": "m"}})
