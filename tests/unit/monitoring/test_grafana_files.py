"""What Grafana reads when it starts: nothing that it would refuse, ignore or misread; no link leads nowhere."""

import copy
import json
import os
import re
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

from grafana.__main__ import FOLDER
from services.frontend.views.pages import PAGES
from testkit.grafana_schema import ContactPoint, Dashboard, NotificationPolicy, Rule, faults

ROOT = Path(__file__).resolve().parents[3]
PROVISIONING = ROOT / "grafana/provisioning"
FILES = {str(f.relative_to(PROVISIONING)): yaml.safe_load(f.read_text()) for f in PROVISIONING.rglob("*.yaml")}
SCHEMAS = yaml.safe_load(Path(__file__).with_name("provisioning_schema.yaml").read_text())
DASHBOARDS = {file.stem: json.loads(file.read_text()) for file in FOLDER.glob("*.json")}
RULES = {rule["title"]: rule for group in FILES["alerting/rules.yaml"]["groups"] for rule in group["rules"]}
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["grafana"]
PUBLIC_URL = "https://watch.example.com"
PATHS = {"", "/drift-report", "/runbooks", *(f"/{page.path}" for group in PAGES.values() for page in group)}


def as_the_schema_says(rule):
    """The one field that files call differently from the schema."""
    return {"missingSeriesEvalsToResolve" if k == "missing_series_evals_to_resolve" else k: v for k, v in rule.items()}


@pytest.mark.parametrize("path", FILES)
def test_a_file_has_no_field_that_grafana_does_not_read(path):
    jsonschema.validate(FILES[path], {"$defs": SCHEMAS["$defs"]} | SCHEMAS[path.split("/")[0]])


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_is_what_grafanas_schema_asks_for(name):
    assert faults(Dashboard, DASHBOARDS[name]) == []


@pytest.mark.parametrize("name", RULES)
def test_an_alert_rule_is_what_grafanas_schema_asks_for(name):
    assert faults(Rule, as_the_schema_says(RULES[name])) == []


def test_contact_point_and_policy_are_what_grafanas_schema_asks_for():
    content = FILES["alerting/notifications.yaml"]
    (contact,), (policy,) = content["contactPoints"], content["policies"]
    (receiver,) = contact["receivers"]
    assert faults(ContactPoint, receiver | {"type": "alertmanager"}) == []
    assert receiver["type"] == "prometheus-alertmanager"  # what Grafana calls it, whatever its schema says
    assert faults(NotificationPolicy, {k: v for k, v in policy.items() if k != "orgId"}) == []
    assert policy["receiver"] == contact["name"]


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (("panels", 5, "colour"), "red", "panels[5].colour: unknown"),
        (("panels", 5, "targets", 0, "instant"), "yes", "instant: Input should be a valid boolean"),
        (("panels", 5, "fieldConfig", "defaults", "custom", "drawStyle"), "lines", "draw_style: Input should be"),
        (("panels", 5, "links", 0, "title"), 1, "title: Input should be a valid string"),
        (("templating", "list", 0, "type"), "queries", "type_val: Input should be 'query'"),
    ],
)
def test_the_schema_refuses_what_grafana_would_not_understand(path, value, fault):
    content = copy.deepcopy(DASHBOARDS["model"])
    *way, last = path
    place = content
    for step in way:
        place = place[step]
    place[last] = value
    assert [found for found in faults(Dashboard, content) if fault in found]


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """The files as compose's entrypoint leaves them, with another program in Grafana's place."""
    folder = tmp_path_factory.mktemp("grafana")
    script = COMPOSE["entrypoint"][-1].replace("$$", "$").replace("/run.sh", "true")
    script = script.replace("/etc/pilothouse", str(ROOT / "grafana")).replace("/tmp/grafana", str(folder / "files"))
    environment = {"PATH": os.environ["PATH"], "PILOTHOUSE_PUBLIC_URL": PUBLIC_URL}
    subprocess.run([*COMPOSE["entrypoint"][:-1], script], env=environment, check=True, timeout=30)
    return folder / "files"


def test_nothing_is_left_for_an_environment_that_grafana_does_not_put_in(started):
    """Rules, dashboards: none of their `$` is of the environment; Grafana itself puts that into other fields alone."""
    for path in (*started.glob("dashboards/*.json"), started / "provisioning/alerting/rules.yaml"):
        assert "PILOTHOUSE_" not in path.read_text()
    assert "PILOTHOUSE_PUBLIC_URL" in COMPOSE["environment"]
    rest = [FILES[name] for name in FILES if name != "alerting/rules.yaml"]
    assert "$" not in str(rest)
    for rule in RULES.values():
        assert "$" not in str({key: value for key, value in rule.items() if key not in ("annotations", "data")})
        assert "$$" not in str(rule)


def test_grafana_reads_what_was_written_there(started):
    files = Path("/tmp/grafana")
    environment = COMPOSE["environment"]
    home = environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    (provider,) = FILES["dashboards/files.yaml"]["providers"]
    assert environment["GF_PATHS_PROVISIONING"] == str(files / "provisioning")
    assert provider["options"]["path"] == str(files / "dashboards")
    assert (started / Path(home).relative_to(files)).is_file()
    mounted = dict(v.split(":")[:2] for v in COMPOSE["volumes"] if isinstance(v, str))
    for folder in ("provisioning", "dashboards"):
        assert mounted[f"./grafana/{folder}"] == f"/etc/pilothouse/{folder}"


def links(dashboard):
    """Addresses of a dashboard, of its panels, and of their series."""
    for holder in (dashboard, *dashboard["panels"]):
        yield from (link["url"] for link in holder.get("links", ()) if link.get("type") != "dashboards")
        yield from (link["url"] for link in holder.get("fieldConfig", {}).get("defaults", {}).get("links", ()))


def leads_to_a_page(url):
    path, _, query = url.removeprefix(PUBLIC_URL).partition("?")
    there_is = path in PATHS and (path != "/runbooks" or query.removeprefix("alert=") in RULES)
    return url.startswith(PUBLIC_URL) and there_is


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_link_of_a_dashboard_leads_to_a_page_that_there_is(name, started):
    found = list(links(json.loads((started / f"dashboards/{name}.json").read_text())))
    assert len(found) > 5
    assert [url for url in found if not leads_to_a_page(url)] == []


def test_every_link_of_an_alert_leads_to_a_page_that_there_is(started):
    content = yaml.safe_load((started / "provisioning/alerting/rules.yaml").read_text())
    for rule in (rule for group in content["groups"] for rule in group["rules"]):
        found = {name: url for name, url in rule["annotations"].items() if name.endswith("_url")}
        assert {"page_url", "runbook_url"} <= found.keys()
        assert [url for url in found.values() if not leads_to_a_page(url)] == []


def test_a_link_of_a_series_names_a_label_that_the_series_has():
    for content in DASHBOARDS.values():
        for panel in (p for p in content["panels"] if p["type"] != "row"):
            used = set(re.findall(r"\$\{__field\.labels\.(\w+)\}", str(panel["fieldConfig"])))
            assert all("{{" + label + "}}" in t["legendFormat"] for label in used for t in panel["targets"])


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_variable_is_one_of_the_dashboard(name):
    content = DASHBOARDS[name]
    known = {v["name"] for v in content["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(content))) - {"PILOTHOUSE_PUBLIC_URL", "__field", "__all"}
    assert used == known


def test_dashboards_link_to_each_other_by_a_tag_that_they_have():
    for content in DASHBOARDS.values():
        (others,) = (link for link in content["links"] if link["type"] == "dashboards")
        assert set(others["tags"]) <= set(content["tags"])


def test_a_volume_whose_datasource_has_another_uid_does_not_stop_grafana():
    """Grafana cannot change the uid of a data source; it can delete the one of that name before it makes ours."""
    content = FILES["datasources/prometheus.yaml"]
    ours = {(source["name"], source["orgId"]) for source in content["datasources"]}
    assert {(gone["name"], gone["orgId"]) for gone in content["deleteDatasources"]} == ours


def test_a_contact_point_that_is_deleted_is_none_of_ours():
    content = FILES["alerting/notifications.yaml"]
    ours = {receiver["uid"] for contact in content["contactPoints"] for receiver in contact["receivers"]}
    assert not ours & {gone["uid"] for gone in content["deleteContactPoints"]}


def test_grafana_passes_every_alert_on_before_the_alertmanager_takes_it_for_resolved():
    (policy,) = FILES["alerting/notifications.yaml"]["policies"]
    assert policy["group_by"] == ["..."]  # the Alertmanager groups, and repeats
    assert (policy["group_wait"], policy["group_interval"], policy["repeat_interval"]) == ("0s", "10s", "1m")
