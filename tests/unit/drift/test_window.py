"""Which window a caller means."""

import pytest

from services.drift.errors import WindowError
from services.drift.window import Window, parse_moment, parse_window, show_moment

NOW = 1_795_000_012_345


def parse(text=None, start=None, end=None):
    return parse_window(text, start, end, default_rows=700, now_ms=NOW)


def test_without_a_word_it_is_the_manifests():
    assert parse() == Window(rows=700)


def test_rows_are_the_newest():
    assert parse("rows=30") == Window(rows=30)


@pytest.mark.parametrize(("text", "minutes"), [("30m", 30), ("1h", 60), ("24h", 1440), ("7d", 10_080)])
def test_a_span_begins_at_a_full_minute(text, minutes):
    start = parse(text).start_ms
    assert start % 60_000 == 0
    assert 0 <= NOW - minutes * 60_000 - start < 60_000


def test_two_moments_are_a_window():
    window = parse(start="2026-11-21T08:00:00Z", end="2026-11-21T09:00:00+00:00")
    assert window.end_ms - window.start_ms == 3_600_000
    assert str(window) == "2026-11-21T08:00:00.000Z to 2026-11-21T09:00:00.000Z"


def test_one_bound_is_enough():
    assert parse(end="2026-11-21") == Window(end_ms=parse_moment("2026-11-21"))


@pytest.mark.parametrize(
    "text", ["rows=0", "rows=-1", "rows=1000001", "1y", "h", "0h", "1h; drop", "all", "\u0661h", "9" * 9 + "h"]
)
def test_what_is_no_window_is_refused_with_what_would_be(text):
    with pytest.raises(WindowError, match="rows=1000"):
        parse(text)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("yesterday", None),
        ("9" * 20, None),
        (None, "-5"),
        ("253402300800000", None),
        ("2026-11-21", "2026-11-20"),
        ("5", "5"),
    ],
)
def test_moments_that_are_none_are_refused(start, end):
    with pytest.raises(WindowError):
        parse(start=start, end=end)


def test_a_window_and_moments_together_are_refused():
    with pytest.raises(WindowError, match="not both"):
        parse("1h", start="2026-11-21")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1795000012345", "2026-11-18T11:06:52.345Z"),
        ("2026-11-21T08:00:00 02:00", "2026-11-21T06:00:00.000Z"),
        ("2026-11-21T08:00:00", "2026-11-21T08:00:00.000Z"),
    ],
)
def test_moments_are_iso_or_milliseconds(text, expected):
    """A plus that was not escaped in an address arrives as a blank."""
    assert show_moment(parse_moment(text)) == expected


def test_the_last_moment_can_be_shown():
    assert str(parse(end="253402300799999")).startswith("the first record to 9999-12-31T23:59:59")
