"""Every PromQL expression of the repository, by the place where it stands, and the series that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from grafana.__main__ import FOLDER
from monitoring.exposed_metrics import TARGET_LABELS, exposed
from testkit.promql import Checker

ROOT = Path(__file__).resolve().parents[1]
RULES = sorted((ROOT / "prometheus/rules").glob("*.yml"))
RULE_TESTS = sorted((ROOT / "prometheus/tests").glob("*.yml"))
# made by Prometheus itself, by Alertmanager and by node-exporter
FOREIGN = {
    "up": TARGET_LABELS,
    "ALERTS": TARGET_LABELS | {"alertname", "alertstate", "severity", "model"},
    "alertmanager_notifications_total": TARGET_LABELS | {"integration"},
    "alertmanager_notifications_failed_total": TARGET_LABELS | {"integration", "reason"},
    "prometheus_notifications_errors_total": TARGET_LABELS | {"alertmanager"},
    "node_cpu_seconds_total": TARGET_LABELS | {"mode", "cpu"},
    "node_memory_MemAvailable_bytes": TARGET_LABELS,
    "node_memory_MemTotal_bytes": TARGET_LABELS,
    "node_filesystem_avail_bytes": TARGET_LABELS | {"device", "fstype", "mountpoint"},
    "node_filesystem_size_bytes": TARGET_LABELS | {"device", "fstype", "mountpoint"},
    "node_network_receive_bytes_total": TARGET_LABELS | {"device"},
    "node_network_transmit_bytes_total": TARGET_LABELS | {"device"},
}


def rules() -> list[dict[str, Any]]:
    return [rule for file in RULES for g in yaml.safe_load(file.read_text())["groups"] for rule in g["rules"]]


@cache
def known() -> dict[str, frozenset[str]]:
    """What services expose, what others do, and what rules record of it; a rule may use those before it."""
    series = exposed() | FOREIGN
    waiting = [rule for rule in rules() if "record" in rule]
    while waiting:
        ready = [r for r in waiting if not _names(r["expr"]) & {w["record"] for w in waiting}]
        assert ready, [r["record"] for r in waiting]
        for rule in ready:
            labels = Checker(series).labels(rule["expr"]) or frozenset()
            series[rule["record"]] = labels | set(rule.get("labels", ()))
        waiting = [r for r in waiting if r not in ready]
    return series


def _names(expression: str) -> set[str]:
    checker = Checker({})
    checker.labels(expression)
    return checker.named


def dashboards() -> dict[str, Any]:
    return {file.stem: json.loads(file.read_text()) for file in sorted(FOLDER.glob("*.json"))}


def targets() -> Iterator[tuple[str, dict[str, Any]]]:
    """Panel title and query, by dashboard."""
    for name, content in dashboards().items():
        for panel in content["panels"]:
            for target in panel.get("targets", ()):
                yield f"{name}: {panel['title']} {target['refId']}", target


def without_variables(expression: str) -> str:
    return re.sub(r"\$\w+", ".*", expression)
