"""Axes that a reader can tell apart."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from services.frontend.charts import performance, style

START = datetime(2026, 11, 21, 11, 16, tzinfo=UTC)
COLUMNS = ["time", "basis", "value", "low", "high", "rows"]


def axis(length):
    rows = [(START + length * part, "measured", 0.9, 0.8, 1.0, 10) for part in (0, 0.5, 1)]
    drawn = performance.intervals(pd.DataFrame(rows, columns=COLUMNS), "Accuracy", [("floor", 0.85)], False).to_dict()
    return drawn["layer"][0]["encoding"]["x"]["axis"]


@pytest.mark.parametrize(
    ("length", "format"),
    [
        ({"seconds": 1.5}, "%H:%M:%S.%L"),
        ({"minutes": 5}, "%H:%M:%S"),
        ({"hours": 24}, "%H:%M"),
        ({"days": 3}, "%d %b %H:%M"),
        ({"days": 30}, "%d %b"),
    ],
)
def test_a_moment_is_told_by_as_much_as_its_span_needs(length, format):
    assert axis(timedelta(**length))["format"] == format


@pytest.mark.parametrize(("highest", "format"), [(0.02, "~r"), (1950, "~r"), (-226_000, "~s")])
def test_figures_are_written_as_they_are_until_they_are_long(highest, format):
    assert style.number_format(highest) == format
