"""Which part of a window lies in the archive, and how two parts become one sample."""

import pyarrow as pa
import pytest

from pilothouse.ids import uuid7
from services.drift.archive.records import DAY_MS, after, combined, within
from services.drift.collector import DroppedDay
from services.drift.records import Rows
from services.drift.window import Window


def days(*numbers):
    return [DroppedDay(f"day {n}", n * DAY_MS, (n + 1) * DAY_MS) for n in numbers]


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [(None, None, [3, 4, 6]), (4 * DAY_MS, None, [4, 6]), (4 * DAY_MS + 1, 6 * DAY_MS, [4]), (7 * DAY_MS, None, [])],
)
def test_days_that_have_something_of_the_window(start, end, found):
    assert within(days(3, 4, 6), Window(start_ms=start, end_ms=end)) == days(*found)


@pytest.mark.parametrize(
    ("start", "end", "later"),
    [
        (None, None, 5 * DAY_MS),
        (3 * DAY_MS + 7, None, 5 * DAY_MS),
        (5 * DAY_MS + 7, None, 5 * DAY_MS + 7),
        (3 * DAY_MS, 6 * DAY_MS, 5 * DAY_MS),
    ],
)
def test_the_database_is_asked_from_its_first_day_on(start, end, later):
    assert after(days(3, 4, 6), Window(start_ms=start, end_ms=end)) == Window(start_ms=later, end_ms=end)


def test_of_a_window_that_was_dropped_whole_nothing_is_asked_of_the_database():
    assert after(days(3, 4), Window(start_ms=3 * DAY_MS, end_ms=5 * DAY_MS)) is None


def rows(count, window_rows=None, value=0.0, first=0):
    table = pa.table({"id": [str(uuid7(1 + first + i)) for i in range(count)], "x": [value] * count})
    return Rows(table, window_rows or count)


def test_two_small_parts_are_all_there():
    both = combined(rows(5), rows(4, first=100), 10)
    assert (both.table.num_rows, both.window_rows) == (9, 9)


def test_a_record_that_is_in_both_counts_once():
    archived = rows(5)
    both = combined(archived, Rows(archived.table.slice(3), 2), 10)
    assert both.table.num_rows == 5


def test_large_parts_are_taken_in_proportion_to_their_share_of_the_window():
    both = combined(rows(1000, window_rows=30_000), rows(1000, window_rows=10_000, value=1.0, first=5000), 1000)
    assert both.window_rows == 40_000
    assert both.table.num_rows == 1000
    assert sum(both.table.column("x").to_pylist()) == 250
    ids = both.table.column("id").to_pylist()
    assert ids == sorted(ids)
