"""Panels and their places: what the builders of dashboards promise to whoever adds a panel."""

import pytest

from grafana.dashboard import dashboard
from grafana.panels import PAGE, Bars, Graph, SeriesStyle, Stat

QUERIES = {"{{job}}": "up", "all": "sum(up)"}


def places(*panels):
    made = dashboard("name", "A description.", {"A row": panels})
    return [tuple(p["gridPos"].values()) for p in made["panels"]]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_panels_without_a_width_share_their_row(count):
    row, *rest = places(*(Graph(f"{n}", "A description.", QUERIES) for n in range(count)))
    assert row == (0, 0, 24, 1)
    assert rest == [(n * 24 // count, 1, 24 // count, 8) for n in range(count)]


def test_what_does_not_fit_on_a_line_goes_below_its_highest_panel():
    _, *rest = places(
        Graph("a", "A description.", QUERIES, width=16, height=10),
        Bars("b", "A description.", QUERIES, width=8),
        Stat("c", "A description.", QUERIES, width=24),
    )
    assert rest == [(0, 1, 16, 10), (16, 1, 8, 8), (0, 11, 24, 4)]


def test_a_query_is_called_by_its_legend():
    first, second = Graph("a", "A description.", QUERIES).json()["targets"]
    assert (first["refId"], first["legendFormat"], first["expr"]) == ("A", "{{job}}", "up")
    assert (second["refId"], second["legendFormat"], second["expr"]) == ("B", "all", "sum(up)")


@pytest.mark.parametrize(("kind", "over_time"), [(Graph, True), (Stat, False), (Bars, False)])
def test_only_a_graph_asks_for_a_range(kind, over_time):
    panel = kind("a", "A description.", QUERIES).json()
    assert {(t["range"], t["instant"]) for t in panel["targets"]} == {(over_time, not over_time)}
    assert ("custom" in panel["fieldConfig"]["defaults"]) == over_time


def test_a_panel_links_to_its_runbook_and_its_series_to_more():
    panel = Stat("a", "A description.", QUERIES, links={"More": "https://there"}, runbook="ServiceDown").json()
    (runbook,), (more,) = panel["links"], panel["fieldConfig"]["defaults"]["links"]
    assert (runbook["title"], runbook["url"]) == ("What to do", f"{PAGE}/runbooks?alert=ServiceDown")
    assert (more["title"], more["url"]) == ("More", "https://there")


def test_a_threshold_colours_what_is_above_it_and_is_drawn_into_a_graph():
    panel = Graph("a", "A description.", QUERIES, thresholds=[(5, "red")]).json()
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["thresholds"]["steps"] == [{"value": None, "color": "green"}, {"value": 5, "color": "red"}]
    assert defaults["custom"]["thresholdsStyle"] == {"mode": "dashed"}


def test_a_series_style_says_only_what_differs():
    style = SeriesStyle("floor$", "red", dashed=True).json()
    assert style["matcher"] == {"id": "byRegexp", "options": "/floor$/"}
    assert [p["id"] for p in style["properties"]] == ["color", "custom.lineStyle"]


def test_a_value_is_shown_as_the_text_that_stands_for_it():
    panel = Stat("a", "A description.", QUERIES, mappings={"0": ("away", "red")}).json()
    (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]
    assert mapping == {"type": "value", "options": {"0": {"text": "away", "color": "red"}}}
