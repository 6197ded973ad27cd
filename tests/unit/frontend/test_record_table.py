"""Records become a table that can be read."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pandas as pd

from pilothouse.ids import uuid7
from pilothouse.wire.records import RecordPage
from services.frontend.views import record_table
from testkit.frontend.manifests import houses, pneumonia

AT = datetime(2026, 11, 20, 12, 30, 15, 250_000, tzinfo=UTC)
ID = str(uuid7(int(AT.timestamp() * 1000)))


def records(**values):
    row = {"id": ID, **values}
    return RecordPage(columns=list(row), records=[row])


def test_the_time_of_a_record_is_its_ids_in_the_readers_zone():
    frame = record_table.frame(records(prediction=1.0), houses(), ZoneInfo("Europe/Berlin"))
    assert frame["time"][0] == pd.Timestamp(AT)
    assert str(frame["time"][0]) == "2026-11-20 13:30:15.250000+01:00"


def test_prediction_comes_before_inputs_and_the_id_last():
    frame = record_table.frame(records(garage="none", year_built=1950, prediction=1.0, latency_ms=2.0), houses(), UTC)
    assert list(frame.columns) == ["time", "prediction", "year_built", "garage", "latency_ms", "id"]


def test_confidence_is_the_largest_probability_and_embeddings_stay_out():
    values = {"prediction": "normal", "probability_normal": 0.8, "probability_pneumonia": 0.2, "embedding": [0.1, 0.2]}
    frame = record_table.frame(records(**values), pneumonia(), UTC)
    assert frame["confidence"][0] == 0.8
    assert "embedding" not in frame


def test_dates_that_are_missing_stay_missing():
    frame = record_table.frame(RecordPage(["id", "sale_date"], [{"id": ID, "sale_date": None}]), houses(), UTC)
    assert frame["sale_date"].isna().all()


def test_no_records_make_an_empty_table():
    assert record_table.frame(RecordPage(columns=[], records=[]), houses(), UTC).empty


def test_headings_carry_units():
    headings = [record_table.heading(c, houses()) for c in ("prediction", "living_m2", "year_built", "latency_ms")]
    assert headings == ["Prediction (USD/m²)", "Living (m²)", "Year built", "Latency (ms)"]


def test_every_column_is_shown_as_what_it_is():
    shown = {
        c: record_table.kind(c, houses()) for c in ("time", "sale_date", "year_built", "living_m2", "corner", "garage")
    }
    assert list(shown.values()) == ["time", "datetime", "integer", "number", "boolean", "text"]
    assert record_table.kind("prediction", houses()) == "number"
    assert record_table.kind("prediction", pneumonia()) == "text"
    assert record_table.kind("brightness", pneumonia()) == "number"


def test_rounding_is_for_reading_and_keeps_the_original():
    original = pd.DataFrame({"a": [1234.5678, 2.3456], "b": [0.012345, 0.1], "confidence": [0.123456, 1.0]})
    short = record_table.rounded(original)
    assert short["a"].tolist() == [1235.0, 2.0]
    assert short["b"].tolist() == [0.0123, 0.1]
    assert short["confidence"].tolist() == [0.123456, 1.0]
    assert original["a"][0] == 1234.5678
