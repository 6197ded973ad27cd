"""How a window is divided in time, and by the values of a column."""

import numpy as np
import pyarrow as pa
import pytest

from services.drift.arrow import MISSING
from services.drift.performance.slices import segments_of, time_spans
from services.drift.reference.profiles import OTHER


def test_even_traffic_is_divided_in_equal_spans():
    spans = time_spans(np.arange(0, 100_000, 100))
    assert len(spans) == 24
    assert {end - start for start, end in spans} <= {4162, 4163, 4164, 4165, 4166}


def test_traffic_in_bursts_is_divided_in_equal_rows():
    times = np.concatenate([np.arange(500), 10_000_000 + np.arange(500)])
    spans = time_spans(times)
    counts = [int(((times >= start) & (times < end)).sum()) for start, end in spans]
    assert len(spans) >= 20
    assert max(counts) <= 60
    assert sum(counts) == 1000


@pytest.mark.parametrize("times", [np.zeros(500, dtype=np.int64), np.array([7]), np.arange(3)])
def test_every_row_is_in_one_span(times):
    spans = time_spans(times)
    assert sum(int(((times >= start) & (times < end)).sum()) for start, end in spans) == len(times)


def test_nothing_has_no_time_spans():
    assert time_spans(np.empty(0, dtype=np.int64)) == []


def test_numbers_are_divided_at_the_references_quartiles():
    segments = segments_of(pa.chunked_array([list(range(101))]), category=False)
    assert segments.names == ("below 25", "25 to 50", "50 to 75", "75 and more", MISSING)
    assert segments.place(pa.chunked_array([[-5, 25, 74.9, 1e9, None]])).tolist() == [0, 1, 2, 3, 4]


def test_beyond_the_commonest_categories_is_other():
    names = [f"k{i:02}" for i in range(20) for _ in range(20 - i)]
    segments = segments_of(pa.chunked_array([names]), category=True)
    assert segments.names[-2:] == (OTHER, MISSING)
    assert [segments.names[i] for i in segments.place(pa.chunked_array([["k00", "k19", "new", None]]))] == [
        "k00", OTHER, OTHER, MISSING,
    ]  # fmt: skip
