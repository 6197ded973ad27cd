"""Records, Models and files of many rows: finding, labelling, activating, and who may."""

import io
from datetime import datetime, timedelta

import pandas as pd
import pytest

from pilothouse.ids import uuid7
from testkit.frontend.manifests import EXAMPLE, houses
from testkit.frontend.screen import press, texts
from testkit.frontend.stand_in import png

SECOND = houses(version="2")


@pytest.fixture
def predicted(visit, stand_in):
    """The id of a stored prediction."""
    press(visit("predict"), "Predict")
    return stand_in.records["houses"][0]["id"]


def asked(stand_in):
    """The last search of the log."""
    return next(c for c in reversed(stand_in.calls) if c.startswith("/v1/records?model"))


@pytest.mark.usefixtures("predicted")
def test_filters_are_read_from_the_address_and_asked_of_the_collector(visit, stand_in):
    visit("records", model="houses", low="100", label="no")
    assert "min_prediction=100" in asked(stand_in)
    assert "has_label=false" in asked(stand_in)


@pytest.mark.usefixtures("predicted")
def test_a_filter_that_is_chosen_stands_in_the_address_until_it_is_cleared(visit, stand_in):
    page = visit("records", model="houses")
    next(n for n in page.number_input if n.key == "filter-high").set_value(500.0).run()
    assert page.query_params["high"] == "500"
    assert "max_prediction=500" in asked(stand_in)
    press(page, "Clear the filters")
    assert "high" not in page.query_params
    assert "max_prediction" not in asked(stand_in)


def test_a_classifier_is_filtered_by_class_and_confidence(visit, stand_in):
    page = visit("predict", model="pneumonia")
    page.file_uploader[0].upload("chest.png", png(), "image/png")
    press(page, "Predict")
    visit("records", model="pneumonia", prediction="pneumonia", sure="60")
    assert "prediction=pneumonia" in asked(stand_in)
    assert "max_confidence=0.6" in asked(stand_in)


def test_a_record_is_opened_by_its_address(visit, predicted):
    page = visit("records", model="houses", record=predicted)
    assert page.metric[-1].value == "1,015 USD/m²"
    assert predicted in texts(page)
    press(page, "Close")
    assert "record" not in page.query_params


@pytest.mark.usefixtures("predicted")
@pytest.mark.parametrize("record", [str(uuid7()), "<script>", "*"])
def test_a_record_that_is_not_there_is_said(visit, record):
    page = visit("records", model="houses", record=record)
    assert not page.exception
    assert "There is no record" in texts(page)


def test_a_label_is_saved_and_counted(visit, stand_in, predicted):
    page = visit("records", model="houses", record=predicted)
    next(n for n in page.number_input if n.label.startswith("True price")).set_value(990.0)
    press(page, "Save the label")
    assert stand_in.labels == {predicted: 990.0}
    assert "; 1 with a label." in texts(page)
    assert "Predicted 25.25 more than that" in texts(page)


def test_a_label_that_cannot_be_saved_is_not_lost_without_a_word(visit, monkeypatch, stand_in, away, predicted):
    page = visit("records", model="houses", record=predicted)
    next(n for n in page.number_input if n.label.startswith("True price")).set_value(990.0)
    monkeypatch.setattr(stand_in, "refusing_labels", True)
    away("collector")  # neither the log nor the record can be drawn
    press(page, "Save the label")
    assert "The label was not saved. The collector service answered 503" in page.error[0].value
    assert not page.exception


def test_nothing_is_saved_when_nothing_is_said(visit, stand_in, predicted):
    page = press(visit("records", model="houses", record=predicted), "Save the label")
    assert stand_in.labels == {}
    assert "Say what was true" in texts(page)


@pytest.mark.usefixtures("predicted")
def test_the_filters_stand_as_the_address_says(visit):
    """Going back changes the address alone."""
    page = visit("records", model="houses")
    page.segmented_control(key="filter-label").select("no").run()
    page.number_input(key="filter-low").set_value(12.5).run()
    assert dict(page.query_params) | {"label": "no", "low": "12.5"} == dict(page.query_params)
    del page.query_params["low"]
    page.run()
    assert page.number_input(key="filter-low").value is None
    assert page.segmented_control(key="filter-label").value == "no"
    press(page, "Clear the filters")
    assert page.segmented_control(key="filter-label").value == "any"
    assert "label" not in page.query_params


@pytest.mark.usefixtures("predicted")
def test_a_span_between_two_moments_begins_with_the_last_hour(visit):
    page = visit("records", model="houses")
    page.segmented_control(key="filter-span").select("between").run()
    assert not page.exception
    start, end = (datetime.fromisoformat(page.query_params[name]) for name in ("start", "end"))
    assert end - start == timedelta(hours=1)
    assert [i.label for i in page.get("date_time_input")] == ["From", "Until"]


@pytest.mark.usefixtures("predicted")
@pytest.mark.parametrize(
    "address",
    [
        {"model": "pneumonia", "unsure": "90", "sure": "10"},
        {"model": "pneumonia", "prediction": "nobody", "sure": "1e400"},
        {"model": "houses", "low": "1e308", "high": "-1e308"},
        {"model": "houses", "span": "between", "start": "0001-01-01T00:00:00Z", "end": "9999-12-31T23:59:59+00:00"},
        {"model": "houses", "span": "between", "start": "1999-12-31T23:59:59+14:00", "end": "x"},
        {"model": "houses", "span": "never", "label": "perhaps"},
    ],
)
def test_an_address_with_filters_that_cannot_be_opens_all_the_same(visit, address):
    page = visit("predict", model="pneumonia")
    page.file_uploader[0].upload("chest.png", png(), "image/png")
    press(page, "Predict")
    page = visit("records", **address)
    assert not page.exception
    assert page.segmented_control(key="filter-span").value == ("between" if address.get("span") == "between" else "all")


@pytest.mark.usefixtures("predicted")
def test_the_selection_can_be_exported(visit):
    page = visit("records", model="houses")
    assert [b.label for b in page.get("download_button")][:2] == ["CSV", "Parquet"]


def test_the_card_is_shown_without_what_it_would_fetch(visit, stand_in):
    stand_in.card = "# Title\n![spy](http://evil/x.png)\n<script>alert(1)</script>"
    said = texts(visit("models", model="houses"))
    assert "### Title" in said
    assert r"!\[spy]" in said


@pytest.mark.usefixtures("stand_in")
def test_one_version_alone_offers_nothing_to_activate(visit):
    assert "Which version answers" not in texts(visit("models", model="houses"))


def test_another_version_is_activated(visit, stand_in):
    stand_in.add_version(SECOND)
    page = press(visit("models", model="houses"), "Have it answer")
    assert stand_in.states == {"houses/1": "loaded", "houses/2": "active", "pneumonia/2": "active"}
    assert not page.error


def test_activation_needs_the_admins_key_which_is_kept_for_the_visit(visit, stand_in):
    stand_in.add_version(SECOND)
    stand_in.admin_key = "k" * 20
    page = press(visit("models", model="houses"), "Have it answer")
    assert "wants an API key with the right scope" in texts(page)
    assert stand_in.states["houses/2"] == "loaded"
    page.text_input[0].set_value(stand_in.admin_key)
    press(page, "Keep for this visit")
    assert stand_in.admin_key not in texts(page)
    press(page, "Have it answer")
    assert stand_in.states["houses/2"] == "active"


def test_a_shadow_is_compared_with_the_version_that_answers(visit, stand_in):
    stand_in.add_version(SECOND)
    page = press(visit("models", model="houses"), "Let it shadow")
    assert stand_in.states["houses/2"] == "shadow"
    assert "No request was seen by both yet" in texts(page)
    for version, source, off in (("1", "api", 0.0), ("2", "shadow", 8.0)):
        stand_in.records[f"houses/{version}"] = [
            {"id": str(uuid7()), "trace_id": f"t{i}", "prediction": 100.0 + i + off, "source": source,
             "label": 101.0 + i}
            for i in range(4)
        ]  # fmt: skip
    figures = {m.label: m.value for m in visit("models", model="houses").metric}
    assert figures["Predicted by both"] == "4"
    assert figures["Apart, on average"] == "8 USD/m²"
    assert (figures["Error, version 1"], figures["Error, version 2"]) == ("1", "7")


def upload(page, table):
    page.file_uploader[0].upload("sales.csv", table.to_csv(index=False).encode(), "text/csv")
    return press(page, "Predict all rows")


@pytest.mark.usefixtures("stand_in")
def test_a_file_is_predicted_row_by_row_and_can_be_downloaded(visit):
    page = upload(visit("predict", input="file"), pd.DataFrame([EXAMPLE] * 3))
    assert "**3 of 3 rows** of `sales.csv` predicted" in texts(page)
    assert page.dataframe[0].value["prediction"].tolist() == [1015.25] * 3
    assert [b.label for b in page.get("download_button")][-2:] == ["CSV", "Parquet"]


@pytest.mark.usefixtures("stand_in")
def test_a_row_that_is_refused_is_told_apart(visit):
    table = pd.DataFrame([EXAMPLE, EXAMPLE | {"year_built": 1700}])
    page = upload(visit("predict", input="file"), table)
    assert "1 row was refused; the first, row 2: year\\_built\\: must be at least 1800, got 1700." in texts(page)
    assert page.dataframe[0].value["prediction"].notna().tolist() == [True, False]


@pytest.mark.usefixtures("stand_in")
def test_a_file_without_the_features_says_which_are_missing(visit):
    page = upload(visit("predict", input="file"), pd.DataFrame([EXAMPLE]).drop(columns="garage"))
    assert "`garage` is required and no column of the file" in page.error[0].value


@pytest.mark.usefixtures("stand_in")
def test_a_file_that_cannot_be_read_says_so(visit):
    page = visit("predict", input="file")
    page.file_uploader[0].upload("a.parquet", io.BytesIO(b"no").read(), "application/octet-stream")
    assert "cannot be read" in press(page, "Predict all rows").error[0].value


def test_a_service_that_is_away_is_said_where_the_result_would_be(visit, stand_in, away):
    page = visit("predict", input="file")
    page.file_uploader[0].upload("a.csv", pd.DataFrame([EXAMPLE]).to_csv(index=False).encode(), "text/csv")
    stand_in.states["houses/1"] = "active"
    away("inference")
    page = press(page, "Predict all rows")
    assert not page.exception
    assert "The inference service" in texts(page)
