"""Times in and out, to the millisecond, over all the years there are."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.times import EARLIEST_MS, LATEST_MS, check_ms, parse_ms, to_datetime, to_iso, to_ms


@given(st.integers(EARLIEST_MS, LATEST_MS))
def test_a_moment_survives_every_form(milliseconds):
    assert to_ms(to_datetime(milliseconds)) == milliseconds
    assert parse_ms(to_iso(milliseconds)) == milliseconds
    assert len(to_iso(milliseconds)) == 24


@given(st.datetimes(timezones=st.just(UTC)))
def test_whole_milliseconds_are_kept_of_what_is_finer(moment):
    assert to_datetime(to_ms(moment)) <= moment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:00.5Z", 500),
        ("1795000000000", 1_795_000_000_000),
        ("-5", -5),
        ("2026-11-18T10:00:00.123456789Z", to_ms(datetime(2026, 11, 18, 10, 0, 0, 123000, UTC))),
    ],
)
def test_texts_that_say_a_moment(text, expected):
    assert parse_ms(text) == expected


@pytest.mark.parametrize("text", ["", "now", "9" * 15, "9" * 16, "1e3", "2026-02-30", "10000-01-01", "--5", "٣",
                                  "0001-01-01T00:00:00+14:00", "1970-01-01T00:00:00ZZ"])  # fmt: skip
def test_texts_that_do_not(text):
    with pytest.raises(ValueError, match=r".*"):
        parse_ms(text)


def test_the_years_end():
    with pytest.raises(ValueError, match="years"):
        check_ms(LATEST_MS + 1)
