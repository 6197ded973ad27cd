"""The fast test of a column and the slow one agree, and each refusal says why."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilothouse.columns import Column
from services.collector.errors import printable
from services.collector.records.checks import TEXT_LIMIT, RefusedValueError, check_column, check_text

ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.binary(max_size=17),
    st.text(st.characters(), max_size=5), st.lists(st.floats(width=32), max_size=5),
    st.sampled_from(["2026-01-01", "2026-01-01T00:00:00+02:00", "0001-01-01T00:00:00+14:00", "\ud800"]),
    st.sampled_from(["a\0", 2**63, -(2**63)]),
)  # fmt: skip
KINDS = ["number", "integer", "boolean", "category", "text", "datetime", "vector"]


def column(kind):
    return Column("c", kind, "input", 4 if kind == "vector" else None)


@given(st.sampled_from(KINDS), st.lists(ANYTHING, min_size=1, max_size=6))
def test_a_value_is_judged_alike_alone_and_among_others(kind, values):
    kept, refused = check_column(column(kind), values)
    for row, value in enumerate(values):
        alone, refused_alone = check_column(column(kind), [value])
        assert (row in refused) == bool(refused_alone)
        assert repr(alone[0]) == repr(kept[row])


@given(st.sampled_from(KINDS), st.lists(ANYTHING, min_size=1, max_size=4))
def test_what_is_kept_is_kept_again(kind, values):
    kept, _ = check_column(column(kind), values)
    assert check_column(column(kind), kept) == (kept, {})


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("number", 3, 3.0),
        ("number", -0.0, -0.0),
        ("integer", 2**63 - 1, 2**63 - 1),
        ("text", "", ""),
        ("text", "é🏠", "é🏠"),
        ("text", "x" * TEXT_LIMIT, "x" * TEXT_LIMIT),
        ("datetime", "1970-01-01T00:00:01Z", 1000),
        ("datetime", "1970-01-01T00:00:01", 1000),
        ("datetime", "1969-12-31T23:59:59.999Z", -1),
        ("vector", [1, 2, 3.5, 0], struct.pack("<4f", 1, 2, 3.5, 0)),
    ],
)
def test_what_may_be_converted_is(kind, value, kept):
    assert check_column(column(kind), [value]) == ([kept], {})


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("number", math.nan, "not_finite"),
        ("number", 2**64, "too_large"),
        ("number", True, "type"),
        ("integer", math.inf, "not_finite"),
        ("integer", -(2**63) - 1, "too_large"),
        ("boolean", "true", "type"),
        ("text", "x" * (TEXT_LIMIT + 1), "too_long"),
        ("category", "\udc80", "not_unicode"),
        ("datetime", True, "type"),
        ("datetime", "2026-13-01", "not_a_time"),
        ("vector", [1, 2, 3, math.nan], "not_finite"),
        ("vector", [1, 2, 3, 1e39], "too_large"),
        ("vector", [1, 2, 3, "4"], "type"),
        ("vector", struct.pack("<4f", 1, 2, math.inf, 4), "not_finite"),
        ("vector", b"abc", "length"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_code(kind, value, code):
    kept, refused = check_column(column(kind), [value, None])
    assert kept == [None, None]
    assert {row: error.code for row, error in refused.items()} == {0: code}


def test_sums_that_overflow_do_not_refuse_good_numbers():
    huge = [1.7e308, 1.7e308, -1.7e308]
    assert check_column(column("number"), huge) == (huge, {})


def test_halves_of_a_surrogate_pair_in_two_values_are_not_joined():
    _, refused = check_column(column("text"), ["\ud83c", "\udfe0"])
    assert set(refused) == {0, 1}


def test_text_alone_is_checked_the_same_way():
    with pytest.raises(RefusedValueError, match="NUL"):
        check_text("a\0")


@given(st.text(st.characters()))
def test_what_is_shown_of_a_callers_text_is_printable_ascii_or_blank(text):
    shown = printable(text, 20)
    assert shown.isascii()
    assert "\0" not in shown
