"""A real Prometheus with the repository's own configuration and rules, only more impatient, so that a test can wait."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from monitoring.definitions import AlertDefinition, Alerts, read
from monitoring.prometheus_rules import alert_rules

ROOT = Path(__file__).resolve().parents[2]
EVERY_SECONDS, HOLD_SECONDS, KEEP_SECONDS = 2, 5, 4


def impatient_config(folder: Path) -> Path:
    """prometheus.yml and its rules in `folder`: every two seconds, and alerts that were held for minutes for five
    seconds, and kept for four. Expressions, jobs and labels are those of the repository."""
    config = _changed(folder, {"hold": f"{HOLD_SECONDS}s", "keep": f"{KEEP_SECONDS}s"})
    often = {"scrape_interval": f"{EVERY_SECONDS}s", "scrape_timeout": f"{EVERY_SECONDS}s"}
    config["global"] |= often | {"evaluation_interval": f"{EVERY_SECONDS}s"}
    config["scrape_configs"] = [job | often for job in config["scrape_configs"]]
    for path in (folder / "rules").glob("*.yml"):
        groups = yaml.safe_load(path.read_text())["groups"]
        path.write_text(yaml.safe_dump({"groups": [g | {"interval": f"{EVERY_SECONDS}s"} for g in groups]}))
    return _written(folder, config)


def soon_over_config(folder: Path, keep_seconds: int) -> Path:
    """prometheus.yml and its rules in `folder`; only the end of an alert comes sooner after that of its cause."""
    return _written(folder, _changed(folder, {"keep": f"{keep_seconds}s"}))


def _changed(folder: Path, times: dict[str, str]) -> Any:
    """The rules are written; the configuration is not yet."""
    rules = folder / "rules"
    rules.mkdir(parents=True)
    for name in ("recording.yml", "slo.yml"):
        shutil.copy(ROOT / "prometheus/rules" / name, rules)
    (rules / "alerts.yml").write_text(yaml.safe_dump(alert_rules(_with(read().alerts, times))))
    return yaml.safe_load((ROOT / "prometheus/prometheus.yml").read_text())


def _written(folder: Path, config: Any) -> Path:
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    return folder / "prometheus.yml"


def _with(alerts: Alerts, times: dict[str, str]) -> Alerts:
    def changed(alert: AlertDefinition) -> AlertDefinition:
        return alert.model_copy(update=times | ({"hold": "0s"} if alert.hold == "0s" else {}))

    groups = (g.model_copy(update={"alerts": tuple(changed(a) for a in g.alerts)}) for g in alerts.groups)
    return alerts.model_copy(update={"groups": tuple(groups)})


class Prometheus:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/api/v1"

    def ask(self, path: str, **query: str) -> Any:
        """The answer's data; fails with Prometheus' own words."""
        try:
            with urllib.request.urlopen(f"{self.url}/{path}?{urllib.parse.urlencode(query)}", timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{query}: {error.read().decode()}") from None

    def values(self, expression: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("query", query=expression)["result"]
        return found

    def targets(self) -> dict[str, str]:
        return {t["labels"]["job"]: t["health"] for t in self.ask("targets")["activeTargets"]}

    def alerts(self) -> dict[tuple[str, str | None], dict[str, Any]]:
        """Each alert that is pending or firing, by its name and the model or the job that it is about."""
        found = self.ask("alerts")["alerts"]
        return {(a["labels"]["alertname"], a["labels"].get("model") or a["labels"].get("job")): a for a in found}
