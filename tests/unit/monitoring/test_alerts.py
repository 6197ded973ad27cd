"""The alerts: what is made of the one source is up to date, tested, explained, the same for Prometheus and Grafana."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from monitoring import grafana_alerting, prometheus_rules
from monitoring.__main__ import files
from monitoring.definitions import AlertDefinition, Alerts, Consequences, Group, Objectives, read
from services.inference import metrics as inference
from testkit.expressions import RULE_TESTS

ROOT = Path(__file__).resolve().parents[3]
DEFINITIONS = read()
RUNBOOKS = (ROOT / "docs/runbooks.md").read_text(encoding="utf-8")
NAMES = [alert.name for alert in DEFINITIONS.alerts.every()]


@pytest.mark.parametrize("path", files(DEFINITIONS))
def test_what_is_committed_is_what_the_source_says(path):
    assert (ROOT / path).read_text(encoding="utf-8") == files(DEFINITIONS)[path], "run `make generated`"


def expectations():
    """Alert, and whether the test of a rule expects it to fire."""
    for file in RULE_TESTS:
        for test in yaml.safe_load(file.read_text())["tests"]:
            for check in test.get("promql_expr_test", ()):
                for pattern in re.findall(r'ALERTS\{alertname=~?"([^"]+)"', check["expr"]):
                    for name in NAMES:
                        if re.fullmatch(pattern, name):
                            yield name, bool(check["exp_samples"])


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_is_made_to_fire_and_not_to_fire(name):
    assert {fires for alert, fires in expectations() if alert == name} == {True, False}


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_says_what_happened_and_then_what_it_means_and_what_to_do_first(name):
    (alert,) = (a for a in DEFINITIONS.alerts.every() if a.name == name)
    assert "$labels" in alert.summary or "the collector" in alert.summary
    assert not alert.summary.endswith(".")
    sentences = re.split(r"(?<=\.)\s", alert.description)
    assert len(sentences) >= 2
    assert all(sentence.endswith(".") and len(sentence.split()) <= 40 for sentence in sentences)


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_has_a_section_that_says_what_to_do(name):
    section = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", RUNBOOKS, re.MULTILINE | re.DOTALL)
    assert section, f"docs/runbooks.md has no section {name}"
    assert [part for part in ("**Means**", "**Look at**", "**Do**") if part not in section[1]] == []


def test_runbooks_are_of_alerts_and_link_to_sections_that_there_are():
    assert re.findall(r"^## (\w+)$", RUNBOOKS, re.MULTILINE) == NAMES
    assert set(re.findall(r"\]\(#(\w+)\)", RUNBOOKS)) <= {name.lower() for name in NAMES}


def grafana_rules():
    content = grafana_alerting.alert_rules(DEFINITIONS.alerts)
    assert content["apiVersion"] == 1
    return {rule["title"]: rule for group in content["groups"] for rule in group["rules"]}


def seconds(text):
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]


def test_grafana_judges_the_same_expressions():
    rules = grafana_rules()
    assert list(rules) == NAMES
    for alert in DEFINITIONS.alerts.every():
        query, _ = rules[alert.name]["data"]
        assert query["model"]["expr"] == alert.expr
        assert (query["datasourceUid"], query["model"]["instant"]) == ("prometheus", True)
        assert seconds(rules[alert.name]["for"]) == seconds(alert.hold) + 60  # the first message is Prometheus'


@pytest.mark.parametrize("value", [0, -1, 1, 1e-9, -1e12])
def test_grafana_takes_every_answer_for_a_firing_alert(value):
    """`up == 0` answers with 0."""
    for rule in grafana_rules().values():
        (condition,) = rule["data"][1]["model"]["conditions"]
        assert condition["evaluator"]["type"] == "gt"
        assert value > condition["evaluator"]["params"][0]


def test_grafana_has_what_it_needs_of_a_rule():
    rules = grafana_rules().values()
    assert len({r["uid"] for r in rules}) == len(rules)
    for rule in rules:
        assert re.fullmatch(r"[a-z-]{1,40}", rule["uid"])
        assert (rule["noDataState"], rule["missing_series_evals_to_resolve"]) == ("OK", 1)
        assert [d["refId"] for d in rule["data"]] == ["A", "B"]
        assert rule["condition"] == "B" == rule["data"][1]["model"]["refId"]
        assert rule["data"][1]["datasourceUid"] == "__expr__"
        assert rule["data"][1]["model"]["expression"] == "A"
        assert all(d["relativeTimeRange"]["from"] >= d["relativeTimeRange"]["to"] == 0 for d in rule["data"])
        assert set(rule["annotations"]) - {"report_url"} == {"summary", "description", "page_url", "runbook_url"}


def test_texts_have_the_variables_of_grafanas_templates():
    """Grafana puts nothing into annotations by itself, so a `$` is not doubled there."""
    rules = grafana_rules()
    assert "{{ with $labels.job }}" in rules["ServiceDown"]["annotations"]["summary"]
    assert "{{ $values.A.Value | humanizePercentage }}" in rules["ErrorRatioHigh"]["annotations"]["summary"]
    for rule in rules.values():
        assert set(re.findall(r"\$(\w+)", str(rule["annotations"]))) <= {"labels", "values"}


def test_one_rule_of_grafana_says_that_prometheus_does_not_answer_and_the_others_stay_as_they_were():
    states = {name: rule["execErrState"] for name, rule in grafana_rules().items()}
    assert states == dict.fromkeys(NAMES, "KeepLast") | {"ServiceDown": "Alerting"}


def test_a_promise_can_be_changed_in_one_place():
    stricter = Objectives.model_validate(
        {"availability": {"objective": 0.99}, "latency": {"objective": 0.9, "seconds": 0.5}}
    )
    rules = [rule for group in prometheus_rules.slo_rules(stricter)["groups"] for rule in group["rules"]]
    budgets = {r["labels"]["slo"]: r["expr"] for r in rules if r["record"] == "slo:error_budget:ratio"}
    assert budgets == {"availability": "vector(0.01)", "latency": "vector(0.1)"}
    assert any('le="0.5"' in rule["expr"] for rule in rules)


def test_the_promised_latency_is_one_that_is_counted():
    assert DEFINITIONS.objectives.latency.seconds in inference._STAGE_BUCKETS


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"severity": "urgent"}, "severity"),
        ({"for": "ten minutes"}, "for"),
        ({"name": "not a name"}, "name"),
        ({"expr": ""}, "expr"),
        ({"runbook": "somewhere"}, "runbook"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_place(change, fault):
    entry = {"name": "A", "severity": "warning", "for": "1m", "expr": "up == 0", "summary": "s", "description": "d"}
    with pytest.raises(ValidationError, match=fault):
        AlertDefinition.model_validate(entry | change)


def test_two_alerts_of_one_name_are_refused():
    alert = DEFINITIONS.alerts.groups[0].alerts[0]
    group = Group(name="g", dashboard="pilothouse-service", alerts=(alert, alert.model_copy()))
    with pytest.raises(ValidationError, match="more than one alert is called ServiceDown"):
        Alerts(groups=(group,))


HELD = {alert.name: alert for alert in DEFINITIONS.alerts.every()}
FOLLOWING = [(a, name) for a in HELD.values() for following in a.silences for name in following.alerts]


@pytest.mark.parametrize(("cause", "name"), FOLLOWING, ids=lambda value: getattr(value, "name", value))
def test_a_cause_fires_before_what_follows_from_it(cause, name):
    """Else a message about the consequence comes first. Some expressions look back, or at what has lasted a while."""
    look_back = {"SpoolOld": 300, "Restarts": 900, "DatabaseAway": 60}
    assert seconds(cause.hold) <= seconds(HELD[name].hold) + look_back.get(name, 0)


def test_what_is_silenced_has_to_exist():
    (first, *_) = DEFINITIONS.alerts.every()
    silencing = first.model_copy(update={"silences": (Consequences(alerts=("Nothing",)),)})
    with pytest.raises(ValidationError, match="there is no alert Nothing to be silenced"):
        Alerts(groups=(Group(name="g", dashboard="pilothouse-service", alerts=(silencing,)),))


def test_no_alert_leads_to_a_place_that_only_this_machine_has():
    for alert in HELD.values():
        links = [text for name, text in alert.annotations().items() if name.endswith("_url")]
        assert links
        assert all(link.startswith("{{ $externalLabels.public_url }}/") for link in links)
