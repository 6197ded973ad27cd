"""Every metric and every label that a rule, a dashboard, a test of a rule or a document names is one that there is."""

import re
from pathlib import Path

import pytest
import yaml
from prometheus_client import Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from monitoring.exposed_metrics import SERVICES, RecordingRegistry, metrics_of, read, shared_metrics
from testkit.expressions import RULE_TESTS, known, rules, targets, without_variables
from testkit.promql import Checker

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "services").glob("*/README.md")),
]
# a metric in a document: by itself, or with labels; `pilothouse_http_*` stands for several
WRITTEN = re.compile(r"\bpilothouse_[a-z0-9_]+\b(?:\{[^}`]*\})?")
RULE_EXPRESSIONS = {rule.get("alert", rule.get("record")) + str(i): rule for i, rule in enumerate(rules())}
TARGETS = dict(targets())


def faults(expression):
    checker = Checker(known())
    labels = checker.labels(expression)
    return checker.faults, labels


@pytest.mark.parametrize("place", RULE_EXPRESSIONS)
def test_a_rule_names_only_what_there_is(place):
    rule = RULE_EXPRESSIONS[place]
    wrong, labels = faults(rule["expr"])
    assert wrong == []
    texts = " ".join(rule.get("annotations", {}).values())
    assert set(re.findall(r"\$labels\.(\w+)", texts)) <= labels | set(rule.get("labels", ()))


@pytest.mark.parametrize("place", TARGETS)
def test_a_panel_and_its_legend_name_only_what_there_is(place):
    target = TARGETS[place]
    wrong, labels = faults(without_variables(target["expr"]))
    assert wrong == []
    assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels


@pytest.mark.parametrize("file", RULE_TESTS, ids=lambda f: f.stem)
def test_the_series_of_a_test_of_a_rule_are_ones_that_there_could_be(file):
    tests = yaml.safe_load(file.read_text())["tests"]
    for series in {s["series"] for t in tests for s in t["input_series"]}:
        assert faults(series)[0] == [], series


def test_the_check_finds_wrong_names_and_labels():
    series = {"a_total": {"x", "le"}, "b": {"x", "y"}}
    wrong = {
        "c": "nothing exposes c",
        'a_total{z="1"}': "a_total has no label z",
        "sum by (y) (rate(a_total[5m]))": "has no label y",
        "b / on (z) a_total": "has no label z",
        "histogram_quantile(0.9, sum by (x) (a_total))": "histogram_quantile has no label le",
        "sum by (y) (sum by (x) (b))": "has no label y",
    }
    for expression, fault in wrong.items():
        checker = Checker(series)
        checker.labels(expression)
        assert any(fault in found for found in checker.faults), expression
    checker = Checker(series)
    assert checker.labels("sum by (x) (a_total) > on (x) group_left () max by (x) (b)") == {"x"}
    assert checker.faults == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_document_names_only_what_there_is(document):
    bases = {re.sub(r"_(bucket|sum|count)$", "", name): labels for name, labels in known().items()}
    every = known() | bases
    for written in WRITTEN.findall(document.read_text(encoding="utf-8")):
        name, _, labels = written.partition("{")
        assert name in every or any(known_name.startswith(name) for known_name in every if name.endswith("_")), written
        named = {part.partition("=")[0].strip() for part in labels.rstrip("}").split(",") if part.strip()}
        assert named <= every.get(name, set()) | set(), written


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_leads_in_its_readme_to_the_table_of_its_metrics(service):
    text = (ROOT / f"services/{service}/README.md").read_text(encoding="utf-8")
    assert f"docs/monitoring.md#{service})" in text
    assert f"### {service.capitalize()}\n" in (ROOT / "docs/monitoring.md").read_text(encoding="utf-8")


def test_names_follow_the_rules_of_the_field():
    metrics = [m for service in SERVICES for m in metrics_of(service)] + shared_metrics()
    ours = [m for m in metrics if m.name.startswith("pilothouse_")]
    assert len(ours) > 60
    assert [m.name for m in metrics if not m.name.startswith(("pilothouse_", "process_", "python_"))] == []
    assert [m.name for m in ours if re.search(r"(_ms|_milliseconds|_minutes|_kb|_mb|_percent|_total)$", m.name)] == []
    assert [m.name for m in ours if not m.text.endswith(".")] == []
    caller = {"path", "id", "request", "trace_id", "source", "user", "message", "url"}
    assert [m.name for m in ours if caller & set(m.labels)] == []


def test_help_says_of_each_metric_something_of_its_own_in_few_words():
    ours = [m for s in SERVICES for m in metrics_of(s)] + [
        m for m in shared_metrics() if m.name.startswith("pilothouse")
    ]
    assert len({m.text for m in ours}) == len(ours)
    assert [m.name for m in ours if not 3 <= len(m.text.split()) <= 20] == []


def test_the_labels_of_a_metric_are_read_whether_or_not_it_has_any():
    registry = RecordingRegistry()
    Counter("a", "Without labels.", registry=registry)
    Histogram("b", "With labels.", ("x", "y"), registry=registry)
    assert {m.name: m.labels for m in read(registry)} == {"a": (), "b": ("x", "y")}
    assert next(m for m in read(registry) if m.name == "b").series["b_bucket"] == {"x", "y", "le"}


def test_the_labels_of_a_family_that_is_made_at_each_scrape_are_those_that_it_declares():
    class Families:
        def describe(self):
            yield CounterMetricFamily("a", "A counter.", labels=("x",))
            yield HistogramMetricFamily("b", "A histogram.", labels=("y",))
            yield GaugeMetricFamily("c", "A gauge without labels.")

        collect = describe

    registry = RecordingRegistry()
    registry.register(Families())
    assert {m.name: m.labels for m in read(registry)} == {"a": ("x",), "b": ("y",), "c": ()}
