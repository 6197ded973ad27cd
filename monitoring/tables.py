"""The tables of docs/monitoring.md: every metric, every alert."""

from __future__ import annotations

import re

from monitoring.names import SERVICES, Metric, metrics_of, shared_metrics
from monitoring.source import Alerts, Objectives

_FENCE = r"(<!-- {name}: made by `make generated` -->\n).*?(<!-- end of {name} -->)"


def filled(document: str, alerts: Alerts, objectives: Objectives) -> str:
    """The document with its tables made anew."""
    tables = {"metrics": _metrics(), "alerts": _alerts(alerts), "objectives": _objectives(objectives)}
    for name, table in tables.items():
        document = re.sub(
            _FENCE.format(name=name),
            lambda fence, table=table: f"{fence[1]}{table}{fence[2]}",  # type: ignore[misc]  # bound at once
            document,
            flags=re.DOTALL,
        )
    return document


def _metrics() -> str:
    parts = [_of("Every service", [m for m in shared_metrics() if m.name.startswith("pilothouse_")])]
    parts += [_of(service.capitalize(), metrics_of(service)) for service in SERVICES]
    return "\n".join(parts)


def _of(title: str, metrics: list[Metric]) -> str:
    rows = [f"| `{m.shown}` | {m.kind} | {_labels(m)} | {m.text} |" for m in metrics]
    return "\n".join([f"### {title}", "| metric | kind | labels | |", "|---|---|---|---|", *rows, ""])


def _labels(metric: Metric) -> str:
    return ", ".join(f"`{label}`" for label in metric.labels)


def _alerts(alerts: Alerts) -> str:
    rows = [
        f"| [{a.name}](runbooks.md#{a.name.lower()}) | {a.severity} | {a.hold} | {a.description} |"
        for a in alerts.every()
    ]
    return "\n".join(["| alert | severity | for | |", "|---|---|---|---|", *rows, ""])


def _objectives(objectives: Objectives) -> str:
    availability, latency = 100 * objectives.availability.objective, objectives.latency
    share, milliseconds = 100 * latency.objective, 1000 * latency.seconds
    return (
        f"- **availability**: {availability:g}% of the predictions asked for get no error of ours (5xx);\n"
        f"- **latency**: {share:g}% of the predictions are answered in less than {milliseconds:g} ms.\n"
    )
