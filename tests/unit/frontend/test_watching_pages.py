"""Drift, Performance, Live and Alerts, on answers of the agreed shapes and without them."""

from datetime import UTC, datetime

import pytest

from testkit.frontend.manifests import houses
from testkit.frontend.screen import press, texts
from tests.unit.frontend.test_pages import DRIFT

PROBABILITIES = (0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999)
YEARS = (1810, 1850, 1900, 1930, 1950, 1965, 1980, 1988, 1995)
QUANTILES = {str(p): year for p, year in zip(PROBABILITIES, YEARS, strict=True)}
WINDOW = {"model": "houses", "version": "1", "window": {"rows": 1000}, "rows": 1000}
DISTRIBUTIONS = WINDOW | {
    "columns": [
        {"name": "year_built", "kind": "number", "edges": [1800, 1900, 2000], "reference": [0.2, 0.8],
         "current": [0.5, 0.5], "reference_quantiles": QUANTILES},
        {"name": "garage", "kind": "category", "categories": ["none", "attached"], "reference": [0.3, 0.7],
         "current": None},
    ],
}  # fmt: skip
PERFORMANCE = {
    "model": "houses", "version": "1", "task": "regression", "metric": "r2", "floor": 0.6, "verdict": "below floor",
    "message": "R2 0.41 (0.30 to 0.52) is below the floor of 0.6", "basis": "measured", "rows": 1000,
    "labelled_rows": 400, "label_coverage": 0.4, "label_lag_seconds": {"median": 7200.0, "p90": 9000.0},
    "measured": {"status": "measured", "metrics": {"r2": {"value": 0.41, "low": 0.3, "high": 0.52}},
                 "residuals": {"edges": [-10, 0, 10], "counts": [4, 6]}},
    "estimated": {"status": "assumption broken", "message": "the inputs moved", "metrics": {}},
    "reference": {"metrics": {"r2": 0.7}},
    "over_time": [{"from": "2026-11-21T07:00:00Z", "to": "2026-11-21T08:00:00Z", "rows": 10, "labelled": 5,
                   "measured": {"value": 0.4, "low": 0.3, "high": 0.5}, "estimated": None}],
    "segments": [{"segment": "none", "rows": 10, "labelled": 5, "measured": {"value": 0.4, "low": 0.3, "high": 0.5}}],
}  # fmt: skip


def test_the_drift_page_shows_distributions_and_the_history(visit, stand_in):
    stand_in.drift = DRIFT
    stand_in.answers = {"/drift/distributions": DISTRIBUTIONS, "/drift/history": {"drift_runs": [DRIFT, DRIFT]}}
    page = visit("drift")
    assert not page.exception
    assert "2 runs, 2 with drift" in texts(page)
    assert len(page.get("vega_lite_chart")) == 3  # over time, how far, and the one distribution of a scored column


def test_what_moved_together_is_part_of_the_verdict(visit, stand_in):
    joint = {"name": "embedding", "stattest": "mmd", "score": 0.3, "threshold": 0.1, "drifted": True}
    stand_in.drift = DRIFT | {"joint": [joint]}
    assert "The embeddings moved (3.0\u00d7 the threshold)" in texts(visit("drift"))


def test_an_older_drift_service_leaves_out_what_it_does_not_know(visit, stand_in):
    stand_in.drift = DRIFT
    page = visit("drift")
    assert not page.exception
    assert "**The distributions** cannot be shown" in texts(page)
    assert "**The history** cannot be shown" in texts(page)
    assert [m.value for m in page.metric][:1] == ["1 of 2"]


def test_embeddings_are_drawn_for_a_model_that_has_them_and_left_out_for_one_that_has_not(visit, stand_in):
    spec = stand_in.versions["pneumonia/2"].input.model_copy(update={"embedding_size": 4})
    with_embeddings = stand_in.versions["pneumonia/2"].model_copy(update={"input": spec})
    stand_in.versions["pneumonia/2"] = with_embeddings
    stand_in.drift = DRIFT
    plane = WINDOW | {"reference": [[0, 0], [1, 1]], "current": [[5, 5]], "current_ids": ["x"], "explained": [0.5, 0.2]}
    stand_in.answers = {"/drift/embedding": plane}
    assert "Embeddings" in texts(visit("drift", model="pneumonia"))
    assert "Embeddings" not in texts(visit("drift", model="houses"))


def test_performance_says_the_verdict_and_both_sides(visit, stand_in):
    stand_in.answers = {"/performance": PERFORMANCE}
    page = visit("performance")
    assert page.subheader[0].value.startswith("R² 0.41")
    assert "Estimated\\: the inputs moved" in texts(page)
    assert [m.value for m in page.metric] == ["0.410", "\u2013", "0.600", "40%", "2 h"]


def test_performance_run_by_run_comes_from_what_was_said_before(visit, stand_in):
    past = PERFORMANCE | {"at": "2026-11-21T08:00:00Z", "over_time": [], "segments": None}
    runs = [past, past | {"verdict": "ok"}, past | {"metric": "mae"}]
    stand_in.answers = {"/performance": PERFORMANCE, "/performance/history": {"performance_runs": runs}}
    page = visit("performance", history="30d")
    assert "2 runs, 1 below the floor" in texts(page)
    assert any("window=30d" in call for call in stand_in.calls if call.startswith("/performance/history"))


def test_performance_by_segment_is_asked_for_and_stands_in_the_address(visit, stand_in):
    stand_in.answers = {"/performance": PERFORMANCE}
    page = visit("performance", segment="garage")
    assert any("segment=garage" in call for call in stand_in.calls if call.startswith("/performance"))
    assert len(page.get("vega_lite_chart")) == 3
    page.selectbox[1].select("none").run()
    assert page.query_params["segment"] == "none"


def test_without_labels_the_page_says_how_to_give_them(visit, stand_in):
    stand_in.answers = {"/performance": PERFORMANCE | {"labelled_rows": 0, "measured": {"status": "unknown"}}}
    assert "Labels turn estimates into measurements" in texts(visit("performance"))


def test_a_service_without_performance_is_said_to_have_none(visit, stand_in):
    assert "**The performance** cannot be shown" in texts(visit("performance"))
    assert any(call.startswith("/performance") for call in stand_in.calls)


@pytest.mark.usefixtures("stand_in")
def test_live_reads_the_services_themselves_where_there_is_no_prometheus(visit):
    page = visit("live")
    assert not page.exception
    assert {m.label: m.value for m in page.metric}["In the spool"] == "4.5 kB"  # the stand-in is three services
    assert "since you opened this page" in texts(page)


def test_live_shows_the_last_hour_of_prometheus_where_there_is_one(visit, stand_in, monkeypatch):
    monkeypatch.setenv("PILOTHOUSE_PROMETHEUS_URL", stand_in.url)
    now = datetime.now(UTC).timestamp()
    series = [{"metric": {"model": "houses"}, "values": [[now - 30, "2"], [now, "NaN"]]}]
    stand_in.answers = {"/api/v1/query_range": {"status": "success", "data": {"result": series}}}
    page = visit("live")
    assert "The last hour, from Prometheus." in texts(page)
    assert {m.label: m.value for m in page.metric}["Latency, p95"] == "\u2013"


def test_a_prometheus_that_is_away_takes_nothing_else_with_it(visit, stand_in, away):
    away("prometheus")
    page = visit("live")
    assert "All services are ready." in texts(page)
    assert "**The last hour** cannot be shown" in texts(page)


def test_alerts_come_with_their_runbook_where_it_can_be_followed(visit, stand_in):
    alert = {"name": "Down", "status": "firing", "summary": "*it* is down", "starts_at": "2026-11-02T08:00:00Z"}
    stand_in.alerts = [alert | {"annotations": {"runbook_url": "https://example.org/r"}},
                       alert | {"name": "Odd", "annotations": {"runbook_url": "javascript:alert(1)"}}]  # fmt: skip
    page = visit("alerts")
    assert r"\*it\* is down" in texts(page)
    assert [link.proto.url for link in page.get("link_button")] == ["https://example.org/r"]
    assert page.dataframe[0].value["Runbook"].dropna().tolist() == ["https://example.org/r"]


def test_the_runbook_of_a_rule_of_ours_is_shown_in_the_page(visit, stand_in):
    alert = {"name": "ServiceDown", "status": "firing", "summary": "it is down", "starts_at": "2026-11-02T08:00:00Z"}
    stand_in.alerts = [alert | {"annotations": {"runbook_url": "https://page.example.com/runbooks?alert=ServiceDown"}}]
    page = visit("alerts")
    assert "**Do** If the collector or drift is down, predictions go on" in texts(page)
    assert not page.get("link_button")


def test_nothing_fires_is_said_only_when_everybody_was_asked(visit, stand_in, away):
    assert "Nothing fires." in texts(visit("alerts"))
    away("drift")
    said = texts(visit("alerts"))
    assert "Nothing fires." not in said
    assert "**What the drift service says** cannot be shown" in said
    assert stand_in.calls


def test_drift_is_an_alert_by_itself(visit, stand_in):
    stand_in.drift = DRIFT
    assert "1 of 2 columns drifted" in texts(visit("alerts"))


def test_the_inbox_is_filtered_by_state_and_the_address_says_so(visit, stand_in):
    stand_in.alerts = [{"name": n, "status": s, "summary": n} for n, s in (("A", "firing"), ("B", "resolved"))]
    page = visit("alerts", alerts="resolved")
    assert page.dataframe[0].value["Alert"].tolist() == ["B"]
    assert page.query_params["alerts"] == "resolved"


def test_an_unusual_input_is_said_beside_its_prediction(visit, stand_in):
    stand_in.answers = {"/drift/distributions": DISTRIBUTIONS}
    page = visit("predict")
    key = f"field:{houses().key}:year_built"
    next(w for w in page.number_input if w.key == key).set_value(1801)
    press(page, "Predict")
    assert "1 of 2 inputs lies outside of the training data\\: Year built" in texts(page)
