"""`python -m monitoring`: write every file that is made of the source."""

from __future__ import annotations

from pathlib import Path

from monitoring import grafana, prometheus, tables
from monitoring.source import Source, read

ROOT = Path(__file__).resolve().parent.parent


def files(source: Source) -> dict[str, str]:
    """Paths below the repository's root, with their text."""
    return {
        "prometheus/rules/alerts.yml": prometheus.alert_rules(source.alerts),
        "prometheus/rules/slo.yml": prometheus.slo_rules(source.objectives),
        "grafana/provisioning/alerting/rules.yaml": grafana.alert_rules(source.alerts),
        "grafana/provisioning/alerting/notifications.yaml": grafana.notifications(),
        "docs/monitoring.md": tables.filled(
            (ROOT / "docs/monitoring.md").read_text(encoding="utf-8"), source.alerts, source.objectives
        ),
    }


def main() -> None:
    for path, text in files(read()).items():
        file = ROOT / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
