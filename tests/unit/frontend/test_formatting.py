"""Data comes out as itself, and numbers as people read them."""

from datetime import UTC, datetime, timedelta

import pytest

from services.frontend.formatting import ago, clipped, code, number, parse_time, percent, plain, pretty_unit, tag, title

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("data", "markdown"),
    [
        ("[a](http://b)", "\\[a\\](http\\:\u2060//b)"),
        ("![x](//e)", r"\!\[x\](//e)"),
        ("a@b.example", "a\\@\u2060b.example"),
        ("<b>", r"\<b\>"),
        (":red[x]", r"\:red\[x\]"),
        ("$x$ `y` *z* _u_ ~s~ a|b", r"\$x\$ \`y\` \*z\* \_u\_ \~s\~ a\|b"),
        ("www.example.com", "www\u2060.example.com"),
        ("1. one", r"1\. one"),
        ("- one", r"\- one"),
        ("# one", r"\# one"),
        ("a\n\nb", "a b"),
        ("Living (m²), 12.5", "Living (m²), 12.5"),
    ],
)
def test_what_markdown_would_act_on_is_escaped(data, markdown):
    assert plain(data) == markdown


def test_a_badge_escapes_brackets_by_itself():
    assert tag(":red[x]") == r"\:red[x]"


def test_code_holds_text_with_backticks():
    assert code("a`b``c") == "``` a`b``c ```"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1015.25, "1,015"),
        (3.14159, "3.142"),
        (0.00012345, "0.0001234"),
        (0.0000012, "1.20e-06"),
        (12_000_000, "12,000,000"),
        (-2.5, "-2.5"),
        (0.0, "0"),
        (float("nan"), "\u2013"),
        (float("inf"), "\u2013"),
    ],
)
def test_numbers_have_about_four_digits(value, said):
    assert number(value) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0, "0%"),
        (1, "1" + "00%"),
        (0.0004, "<0.1%"),
        (0.9996, ">99.9%"),
        (0.051, "5.1%"),
        (0.2, "20%"),
        (0.934, "93.4%"),
    ],
)
def test_shares_near_the_ends_do_not_round_to_certainty(share, said):
    assert percent(share) == said


def test_a_name_loses_the_unit_that_stands_beside_it():
    assert [title("living_m2", "m²"), title("living_m2"), title("year_built")] == ["Living", "Living m²", "Year built"]


def test_units_are_written_as_people_write_them():
    assert [pretty_unit(u) for u in ("USD/m2", "m2", "kg")] == ["USD/m²", "m²", "kg"]


@pytest.mark.parametrize(
    ("passed", "said"),
    [(timedelta(seconds=5), "just now"), (timedelta(minutes=1), "1 min ago"), (timedelta(hours=30), "1 day ago"),
     (-timedelta(hours=1), "just now")],
)  # fmt: skip
def test_ages_are_said_in_the_largest_unit(passed, said):
    assert ago(NOW - passed, NOW) == said


def test_a_time_without_a_zone_is_utc_and_nonsense_is_none():
    assert parse_time("2026-11-20T12:00:00") == NOW
    assert parse_time("yesterday") is None
    assert parse_time(None) is None


def test_a_long_text_is_cut_and_cannot_turn_the_writing_around():
    assert clipped("abc", 3) == "abc"
    assert clipped("abcd", 3) == "ab\u2026"
    assert clipped("a\u202ebc\u2066", 3) == "abc"
