"""Every page as a visitor meets it: in order, on a first visit, and when a service is away."""

import io
from datetime import date

import numpy as np
import pytest
from PIL import Image

from services.frontend.clients import cache
from testkit.frontend.manifests import EXAMPLE, houses
from testkit.frontend.screen import press, texts
from testkit.frontend.stand_in import png

DRIFT = {
    "model": "houses", "version": "1", "verdict": "drift", "reason": "drift", "message": "", "drift_share": 0.5,
    "drift_share_limit": 0.2, "rows": 1000, "at": "2026-11-02T09:00:00Z",
    "window": {"from": "2026-11-02T08:00:00Z", "to": "2026-11-02T09:00:00Z", "rows": 1000},
    "columns": [
        {"name": "year_built", "stattest": "wasserstein", "score": 0.5, "threshold": 0.1, "drifted": True},
        {"name": "living_m2", "stattest": "wasserstein", "score": 0.05, "threshold": 0.1, "drifted": False},
        {"name": "lot_m2", "stattest": "wasserstein", "status": "absent", "message": "not logged in this window"},
    ],
}  # fmt: skip


PATHS = ["predict", "live", "drift", "performance", "records", "alerts", "runbooks", "models"]


def field(page, name):
    key = f"field:{houses().key}:{name}"
    widgets = [*page.number_input, *page.selectbox, *page.date_input, *page.button_group]
    return next(w for w in widgets if w.key == key)


@pytest.mark.usefixtures("stand_in")
def test_the_form_begins_with_the_first_example(visit):
    page = visit("predict")
    assert not page.exception
    assert field(page, "sale_date").value == date(1995, 6, 1)
    assert field(page, "living_m2").value == EXAMPLE["living_m2"]
    assert field(page, "garage").options == ["none", "attached", "detached"]


def test_predict_shows_the_number_with_its_unit_and_the_id(visit, stand_in):
    page = press(visit("predict"), "Predict")
    assert [m.value for m in page.metric] == ["1,015 USD/m²"]
    assert page.code[0].value == stand_in.records["houses"][0]["id"]


@pytest.mark.usefixtures("stand_in")
def test_a_prediction_is_among_the_last_ones(visit):
    page = visit("predict")
    assert "make demo" in texts(page)
    press(page, "Predict")
    assert page.dataframe[0].value["prediction"].tolist() == [1015.0]


@pytest.mark.usefixtures("stand_in")
def test_a_fault_stands_at_its_field(visit):
    page = visit("predict")
    field(page, "year_built").set_value(1700)
    field(page, "living_m2").set_value(None)
    press(page, "Predict")
    assert "must be at least 1800, got 1700" in texts(page)
    assert "is required" in texts(page)
    assert page.error[0].value == "2 fields need another value, see the form."
    assert not page.metric


@pytest.mark.usefixtures("stand_in")
def test_clear_empties_the_form_and_an_example_fills_it(visit):
    page = press(visit("predict"), "Clear")
    assert field(page, "living_m2").value is None
    press(page, "1")
    assert field(page, "living_m2").value == EXAMPLE["living_m2"]


@pytest.mark.usefixtures("stand_in")
def test_an_image_gives_class_risk_and_confidence(visit):
    page = visit("predict", model="pneumonia")
    page.file_uploader[0].upload("chest.png", png(), "image/png")
    press(page, "Predict")
    assert [m.value for m in page.metric] == ["pneumonia"]
    assert ":red-badge[high risk]" in texts(page)
    assert "90% sure" in texts(page)


@pytest.mark.usefixtures("stand_in")
def test_one_bad_file_does_not_stop_the_others(visit):
    page = visit("predict", model="pneumonia")
    page.file_uploader[0].set_value([("a.png", png(), "image/png"), ("b_1.png", b"text", "image/png"),
                                     ("c.png", png(), "image/png")])  # fmt: skip
    press(page, "Predict")
    assert [e.value for e in page.error] == [r"**b\_1.png**: file\: not an image of a supported format"]
    assert texts(page).count("90% sure") == 2


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("kind", ["uint16", "uint8"])
def test_pictures_of_more_than_8_bits_are_shown_as_the_model_saw_them(visit, kind):
    data = io.BytesIO()
    Image.fromarray(np.full((40, 40), 99, dtype=kind)).save(data, "PNG")
    page = visit("predict", model="pneumonia")
    page.file_uploader[0].upload("deep.png", data.getvalue(), "image/png")
    press(page, "Predict")
    assert not page.exception
    assert "90% sure" in texts(page)
    assert page.get("image")


@pytest.mark.usefixtures("stand_in")
def test_an_example_image_is_predicted_when_it_is_pressed(visit):
    page = press(visit("predict", model="pneumonia"), "chest")
    assert [m.value for m in page.metric] == ["pneumonia"]


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("path", ["predict", "records", "drift", "performance", "models"])
def test_the_address_chooses_the_model_and_shows_what_is_chosen(visit, path):
    page = visit(path, model="pneumonia")
    assert page.selectbox[0].value == "pneumonia"
    page.selectbox[0].select("houses").run()
    assert page.query_params["model"] == "houses"


@pytest.mark.usefixtures("stand_in")
def test_an_unknown_model_in_the_address_is_said_and_not_followed(visit):
    page = visit("predict", model="![x](http://evil)")
    assert "There is no model `![x](http://evil)` here." in texts(page)
    assert page.selectbox[0].value == "houses"


def test_the_address_chooses_the_window(visit, stand_in):
    stand_in.drift = DRIFT
    page = visit("drift", model="houses", window="24h")
    assert "/drift?model=houses&version=1&window=24h" in stand_in.calls
    assert page.query_params["window"] == "24h"


def test_the_page_follows_the_version_that_answers_unless_another_was_chosen(visit, stand_in):
    stand_in.add_version(houses().model_copy(update={"version": "2"}))
    page = visit("drift", model="houses")
    assert page.selectbox[1].value == "1"
    assert page.selectbox[1].options == ["1 (active)", "2"]
    stand_in.states |= {"houses/1": "shadow", "houses/2": "active"}
    cache.forget()
    page.run()
    assert page.selectbox[1].value == "2"
    assert page.selectbox[1].options == ["1 (shadow)", "2 (active)"]
    page.selectbox[1].select("1").run()
    cache.forget()
    page.run()
    assert page.selectbox[1].value == page.query_params["version"][0] == "1"


def test_drift_says_what_moved_in_a_sentence(visit, stand_in):
    stand_in.drift = DRIFT
    page = visit("drift")
    assert page.subheader[0].value == "1 of 2 columns drifted\\: Year built (5.0\u00d7 its threshold)."
    assert [m.value for m in page.metric][:3] == ["1 of 2", "50%", "1,000"]
    assert "Lot m²: not logged in this window" in texts(page)


def test_the_report_is_linked_at_an_address_of_the_page_and_not_asked_for(visit, stand_in):
    stand_in.drift = DRIFT
    page = visit("drift", window="24h")
    (link,) = page.get("link_button")
    assert link.proto.url == "/drift-report?model=houses&version=1&window=24h"
    assert not [c for c in stand_in.calls if c.startswith("/drift-report")]


def test_a_verdict_that_is_missing_says_why(visit, stand_in):
    stand_in.drift = {"model": "houses", "version": "1", "verdict": "unknown", "message": "12 rows, 100 are needed"}
    page = visit("drift")
    assert page.subheader[0].value == "12 rows, 100 are needed."
    assert "make demo" in texts(page)
    assert not page.metric


@pytest.mark.usefixtures("stand_in")
def test_an_empty_log_says_what_to_do(visit):
    for path in ("records", "drift"):
        assert "make demo" in texts(visit(path))


def test_records_go_back_and_forth_page_by_page(visit, stand_in):
    page = visit("predict")
    for _ in range(2):
        press(page, "Predict")
    stand_in.records["houses"] *= 60
    page = visit("records")
    assert len(page.dataframe[0].value) == 100
    press(page, "Older")
    assert len(page.dataframe[0].value) == 20
    press(page, "Newer")
    assert len(page.dataframe[0].value) == 100


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("service", ["inference", "collector", "drift"])
def test_no_page_fails_when_a_service_is_away(visit, stand_in, away, path, service):
    stand_in.drift = DRIFT
    away(service)
    page = visit(path)
    assert not page.exception
    assert page.title[0].value == path.capitalize()


def test_what_needs_the_absent_service_says_so_and_offers_to_try_again(visit, stand_in, away, monkeypatch):
    away("collector")
    page = visit("predict")
    assert "**The last predictions** cannot be shown" in texts(page)
    assert "The collector service does not answer at" in texts(page)
    monkeypatch.setenv("PILOTHOUSE_COLLECTOR_URL", stand_in.url)
    press(page, "Try again")
    assert "cannot be shown" not in texts(page)


@pytest.mark.usefixtures("stand_in")
def test_predictions_go_on_while_the_collector_is_away(visit, away):
    away("collector")
    page = press(visit("predict"), "Predict")
    assert [m.value for m in page.metric] == ["1,015 USD/m²"]


@pytest.mark.usefixtures("stand_in")
def test_the_log_can_be_read_while_inference_is_away(visit, away):
    press(visit("predict"), "Predict")
    away("inference")
    page = visit("records")
    assert page.dataframe[0].value["prediction"].tolist() == [1015.0]
    assert "The inference service is away" in texts(visit("predict"))


@pytest.mark.usefixtures("stand_in")
def test_with_everything_away_a_page_says_so_once(visit, away):
    for service in ("inference", "collector", "drift"):
        away(service)
    page = visit("predict")
    assert not page.exception
    assert texts(page).count("cannot be shown") == 1


def test_live_tells_why_a_service_is_not_ready(visit, stand_in, away):
    stand_in.ready = False
    away("drift")
    said = texts(visit("live"))
    assert "0 of 3 services are ready" in said
    assert "models\\: still loading" in said
    assert ":red-badge[" in said


def test_the_menu_calls_every_page_what_its_address_does():
    from services.frontend.views.pages import PAGES

    entries = [entry for group in PAGES.values() for entry in group]
    assert sorted(entry.path for entry in entries) == sorted(PATHS)
    assert all(entry.title == entry.path.capitalize() for entry in entries)


@pytest.mark.usefixtures("stand_in")
def test_the_script_itself_offers_every_page():
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    from services.frontend import app

    page = AppTest.from_file(Path(app.__file__).with_name("page.py"), default_timeout=20).run()
    assert not page.exception
    assert sorted(page.session_state["pages"]) == [
        "alerts",
        "drift",
        "live",
        "models",
        "performance",
        "predict",
        "records",
        "runbooks",
    ]
