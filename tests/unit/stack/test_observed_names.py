"""Every metric that a dashboard, a rule or a test of a rule names is one that something exposes."""

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from grafana import overview
from pilothouse.web.observe import HttpMetrics
from services.collector.metrics import CollectorMetrics
from services.drift.metrics import DriftMetrics, ReportMetrics
from services.frontend.metrics import page_metrics
from services.inference.metrics import PredictionMetrics, SpoolMetrics

ROOT = Path(__file__).resolve().parents[3]
RULES = sorted((ROOT / "prometheus/rules").glob("*.yml"))
# made by Prometheus itself and by node-exporter
FOREIGN = {"up", "node_cpu_seconds_total", "node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes"}
NAME = re.compile(r"\b(?:[a-z]+:)?(?:pilothouse|process|node)_[A-Za-z_]+(?::[a-z0-9_]+)?\b|\bup\b")


def exposed():
    """Names of the series of every service, from the objects that they really build."""
    registry = CollectorRegistry()
    for kind in (ProcessCollector, PlatformCollector, GCCollector):
        kind(registry=registry)
    for kind in (HttpMetrics, CollectorMetrics, ReportMetrics, PredictionMetrics, SpoolMetrics):
        kind(registry)
    DriftMetrics(registry, clock=lambda: 0)
    families = [*registry.collect(), *page_metrics().registry.collect()]
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    return {f.name + suffix for f in families for suffix in suffixes.get(f.type, ("",))}


def recorded():
    groups = [g for file in RULES for g in yaml.safe_load(file.read_text())["groups"]]
    return {rule["record"] for g in groups for rule in g["rules"] if "record" in rule}


def rule_expressions():
    groups = [g for file in RULES for g in yaml.safe_load(file.read_text())["groups"]]
    return {rule.get("alert", rule.get("record")): rule["expr"] for g in groups for rule in g["rules"]}


def panel_expressions():
    panels = json.loads(overview.FILE.read_text())["panels"]
    return {f"{p['title']} {t['refId']}": t["expr"] for p in panels for t in p.get("targets", ())}


def series_of_rule_tests():
    files = sorted((ROOT / "prometheus/tests").glob("*.yml"))
    tests = [(file.stem, t) for file in files for t in yaml.safe_load(file.read_text())["tests"]]
    return {f"{stem}: {s['series']}": s["series"] for stem, t in tests for s in t["input_series"]}


EXPRESSIONS = rule_expressions() | panel_expressions() | series_of_rule_tests()


@pytest.mark.parametrize("place", EXPRESSIONS)
def test_names_only_what_is_exposed(place):
    names = set(NAME.findall(EXPRESSIONS[place]))
    assert names
    assert names <= exposed() | recorded() | FOREIGN


def test_every_alert_is_made_to_fire_and_not_to_fire():
    files = sorted((ROOT / "prometheus/tests").glob("*.yml"))
    tests = [a for f in files for t in yaml.safe_load(f.read_text())["tests"] for a in t.get("alert_rule_test", ())]
    alerts = {name for name in rule_expressions() if ":" not in name}
    assert alerts == {a["alertname"] for a in tests if a["exp_alerts"]}
    assert alerts == {a["alertname"] for a in tests if not a["exp_alerts"]}


def test_the_committed_dashboard_is_what_the_builder_makes():
    assert overview.FILE.read_text() == overview.text(), "run `make generated`"


def test_panels_do_not_overlap_and_explain_themselves():
    panels = overview.overview()["panels"]
    cells = [
        (x, y)
        for g in (p["gridPos"] for p in panels)
        for x in range(g["x"], g["x"] + g["w"])
        for y in range(g["y"], g["y"] + g["h"])
    ]
    assert len(cells) == len(set(cells))
    assert all(p["description"] for p in panels if p["type"] != "row")
    assert len({p["id"] for p in panels}) == len(panels)
