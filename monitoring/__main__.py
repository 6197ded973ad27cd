"""`python -m monitoring`: write every file that is generated from alerts.yaml and objectives.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from monitoring import alertmanager_config, docs_tables, grafana_alerting, prometheus_rules
from monitoring.definitions import Definitions, read

ROOT = Path(__file__).resolve().parent.parent


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, and no anchors, which not every reader knows."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _Dumper.represent_text)


def files(definitions: Definitions) -> dict[str, str]:
    """Paths below the repository's root, with their text."""
    alerts, objectives = definitions.alerts, definitions.objectives
    document = (ROOT / "docs/monitoring.md").read_text(encoding="utf-8")
    return {
        "prometheus/rules/alerts.yml": _yaml("alerts", prometheus_rules.alert_rules(alerts)),
        "prometheus/rules/slo.yml": _yaml("objectives", prometheus_rules.slo_rules(objectives)),
        "alertmanager/alertmanager.yml": _yaml("alerts", alertmanager_config.alertmanager_config(alerts)),
        "grafana/provisioning/alerting/rules.yaml": _yaml("alerts", grafana_alerting.alert_rules(alerts)),
        "docs/monitoring.md": docs_tables.fill(document, alerts, objectives),
    }


def _yaml(source: str, content: dict[str, Any]) -> str:
    head = f"# Generated from monitoring/{source}.yaml by `make generated`; do not edit.\n"
    return head + yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True)


def main() -> None:
    for path, text in files(read()).items():
        (ROOT / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
