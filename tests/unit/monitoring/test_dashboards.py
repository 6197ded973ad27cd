"""The dashboards: up to date, whole, and laid out so that nothing covers anything."""

from pathlib import Path

import pytest
import yaml

from grafana.__main__ import FOLDER, dashboards, text
from monitoring.definitions import read

ROOT = Path(__file__).resolve().parents[3]
MADE = dashboards(read())
PANELS = {f"{name}: {p['title']}": p for name, content in MADE.items() for p in content["panels"] if p["type"] != "row"}


@pytest.mark.parametrize("name", MADE)
def test_what_is_committed_is_what_the_code_makes(name):
    assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == text(MADE[name]), "run `make generated`"


def test_no_other_file_lies_among_them():
    assert {file.stem for file in FOLDER.iterdir()} == set(MADE)


@pytest.mark.parametrize("name", MADE)
def test_is_called_as_its_file(name):
    assert MADE[name]["uid"] == f"pilothouse-{name}"


@pytest.mark.parametrize("name", MADE)
def test_panels_have_ids_of_their_own_and_do_not_overlap(name):
    panels = MADE[name]["panels"]
    assert len({p["id"] for p in panels}) == len(panels)
    places = [p["gridPos"] for p in panels]
    cells = [(x, y) for g in places for x in range(g["x"], g["x"] + g["w"]) for y in range(g["y"], g["y"] + g["h"])]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


@pytest.mark.parametrize("name", MADE)
def test_every_line_of_the_grid_is_full(name):
    """A hole would be one where a panel was forgotten."""
    panels = [p for p in MADE[name]["panels"] if p["type"] != "row"]
    for y in {p["gridPos"]["y"] for p in panels}:
        assert sum(p["gridPos"]["w"] for p in panels if p["gridPos"]["y"] == y) == 24, (name, y)


@pytest.mark.parametrize("title", PANELS)
def test_a_panel_explains_itself(title):
    panel = PANELS[title]
    assert panel["description"].endswith(".")
    assert len({t["refId"] for t in panel["targets"]}) == len(panel["targets"])
    assert panel["fieldConfig"]["defaults"]["noValue"]


def test_every_alert_is_on_the_dashboard_that_it_names():
    source = read()
    for group in source.alerts.groups:
        content = text(MADE[group.dashboard.removeprefix("pilothouse-")])
        missing = [a.name for a in group.alerts if f'alert={a.name}"' not in content]
        assert len(missing) <= 3, missing  # some have no number of their own to look at
        assert group.alerts[0].name not in missing


def test_the_datasource_is_the_provisioned_one():
    provisioned = yaml.safe_load((ROOT / "grafana/provisioning/datasources/prometheus.yaml").read_text())
    uid = provisioned["datasources"][0]["uid"]
    assert {t["datasource"]["uid"] for p in PANELS.values() for t in p["targets"]} == {uid}
    variables = [v for content in MADE.values() for v in content["templating"]["list"]]
    assert {v["datasource"]["uid"] for v in variables} == {uid}


def test_grafana_asks_for_a_password():
    grafana = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["grafana"]
    assert grafana["environment"]["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
