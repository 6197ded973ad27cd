"""Alert policies of Cloud Monitoring from the rules of Prometheus: `python -m scripts.alert_policies FOLDER URL`.

URL is the page's address, which links in messages begin with. FOLDER gets one JSON file for each rule, for `gcloud
alpha monitoring policies create --policy-from-file`. A rule that reads recorded series is left out, because nothing
records them on Cloud Run. So is one that names `job`, which is the service's name there (pilothouse-predict), and one
that watches processes, machines or Prometheus itself.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "prometheus" / "rules" / "alerts.yml"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_TEMPLATE = re.compile(r"\{\{ *\$(?:labels\.)?(\w+)[^}]*\}\}")  # Prometheus's own; the incident lists the labels
_NOT_THERE = (
    (re.compile(r"\b\w+:\w+"), "it reads recorded series"),
    (re.compile(r"\bjob\s*(=|!)"), "it names jobs of Prometheus's own configuration"),
    (re.compile(r"\b(alertmanager|prometheus)_\w+"), "it watches Prometheus and Alertmanager, which do not run there"),
    (re.compile(r"\b(up|node_\w+|process_\w+)\b"), "it watches processes and machines, as Cloud Run does itself"),
)


def why_left_out(rule: dict[str, Any]) -> str | None:
    """Why a rule cannot be asked of Managed Prometheus; None when it can."""
    return next((why for pattern, why in _NOT_THERE if pattern.search(rule["expr"])), None)


def policy(rule: dict[str, Any], group: str, seconds: float, public_url: str) -> dict[str, Any]:
    """The AlertPolicy for a rule, evaluated every so many seconds."""
    annotations = rule.get("annotations") or {}
    text = "\n\n".join(str(annotations[k]) for k in ("summary", "description", "runbook_url") if k in annotations)
    text = text.replace("{{ $externalLabels.public_url }}", public_url.rstrip("/"))
    text = _TEMPLATE.sub(lambda found: f"[{found[1]}]", text)
    condition = {
        "query": " ".join(str(rule["expr"]).split()),
        "duration": f"{_seconds(rule.get('for', '0s'))}s",
        "evaluationInterval": f"{max(30, int(seconds))}s",
        "labels": {k: str(v) for k, v in (rule.get("labels") or {}).items()},
        "ruleGroup": group,
        "alertRule": rule["alert"],
    }
    return {
        "displayName": f"Pilothouse {rule['alert']}",
        "combiner": "OR",
        "conditions": [{"displayName": rule["alert"], "conditionPrometheusQueryLanguage": condition}],
        "documentation": {"content": text, "mimeType": "text/markdown"},
    }


def policies(public_url: str, path: Path = RULES) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Policies by the names of their rules, and why the others are left out."""
    made, left_out = {}, {}
    for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            why = why_left_out(rule)
            if why:
                left_out[rule["alert"]] = why
            else:
                made[rule["alert"]] = policy(rule, group["name"], _seconds(group.get("interval", "30s")), public_url)
    return made, left_out


def _seconds(text: str) -> int:
    return sum(int(n) * _SECONDS[unit] for n, unit in re.findall(r"(\d+)([smhd])", text))


def main() -> None:
    folder, public_url = Path(sys.argv[1]), sys.argv[2]
    folder.mkdir(parents=True, exist_ok=True)
    made, left_out = policies(public_url)
    for name, found in made.items():
        (folder / f"{name}.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        print(f"{folder / name}.json")
    for name, why in left_out.items():
        print(f"left out {name}: {why}", file=sys.stderr)


if __name__ == "__main__":
    main()
