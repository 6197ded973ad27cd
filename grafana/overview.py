"""The dashboard that opens first: is everything up, what is asked, does it drift, does every record arrive.

`python -m grafana.overview` writes grafana/dashboards/overview.json (`make generated`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from grafana.panels import Panel, Query, choice, dashboard

FILE = Path(__file__).parent / "dashboards" / "overview.json"
_CHOSEN = 'model=~"$model"'

SERVICES = (
    Panel(
        "stat",
        "Services",
        "Whether Prometheus reaches each service.",
        [Query('up{job=~"inference|collector|drift|frontend"}', "{{job}}")],
        words={"0": ("down", "red"), "1": ("up", "green")},
        width=12,
        height=4,
    ),
    Panel(
        "stat",
        "Drift verdict",
        "What the drift service says of the newest window of each model.",
        [Query(f"pilothouse_drift_detected{{{_CHOSEN}}}", "{{model}}")],
        words={"0": ("no drift", "green"), "1": ("drift", "red")},
        width=12,
        height=4,
    ),
)
TRAFFIC = (
    Panel(
        "timeseries",
        "Requests by service",
        "HTTP requests answered, a second.",
        [Query("job:pilothouse_http_requests:rate5m", "{{job}}")],
        unit="reqps",
    ),
    Panel(
        "timeseries",
        "Errors",
        "Share of the requests answered with a 5xx. The alert is at 5%.",
        [Query("job:pilothouse_http_errors:ratio5m", "{{job}}")],
        unit="percentunit",
        limits=[(0.05, "red")],
    ),
    Panel(
        "timeseries",
        "Latency by service, 95th percentile",
        "Time in which 95 of 100 requests were answered.",
        [Query("job:pilothouse_http_request_seconds:p95_5m", "{{job}}")],
        unit="s",
    ),
)
MODELS = (
    Panel(
        "timeseries",
        "Predictions",
        "Predictions a second, by model and outcome.",
        [Query(f"sum by (model, outcome) (model:pilothouse_predictions:rate5m{{{_CHOSEN}}})", "{{model}} {{outcome}}")],
        unit="ops",
    ),
    Panel(
        "timeseries",
        "Where a prediction's time goes, 95th percentile",
        "Decoding and validating, waiting for its batch, the model, logging, and all together.",
        [Query(f"model:pilothouse_prediction_seconds:p95_5m{{{_CHOSEN}}}", "{{model}} {{stage}}")],
        unit="s",
    ),
    Panel(
        "timeseries",
        "Answers by class",
        "How often each class was predicted, a second.",
        [
            Query(
                f"sum by (model, predicted) (rate(pilothouse_predicted_classes_total{{{_CHOSEN}}}[5m]))",
                "{{model}} {{predicted}}",
            )
        ],
        unit="ops",
    ),
)
DRIFT = (
    Panel(
        "timeseries",
        "Share of columns that drifted",
        "A model's own limit stands in its manifest (0.2 by default).",
        [Query(f"pilothouse_drift_share{{{_CHOSEN}}}", "{{model}} {{version}}")],
        unit="percentunit",
        most=1,
    ),
    Panel(
        "bargauge",
        "Columns by score over threshold",
        "Above 1 the column has drifted.",
        [
            Query(
                f"topk(12, pilothouse_drift_score{{{_CHOSEN}}} / pilothouse_drift_threshold{{{_CHOSEN}}})",
                "{{model}} {{column}}",
            )
        ],
        limits=[(1, "red")],
    ),
    Panel(
        "timeseries",
        "Rows that were compared",
        "Rows of the window behind the verdict.",
        [Query(f"pilothouse_drift_rows{{{_CHOSEN}}}", "{{model}} {{version}}")],
    ),
)
DELIVERY = (
    Panel(
        "timeseries",
        "Spool",
        "Bytes of logged predictions that wait to be stored.",
        [Query("sum by (instance) (pilothouse_spool_bytes)", "{{instance}}")],
        unit="bytes",
    ),
    Panel(
        "timeseries",
        "Oldest record that waits",
        "The alert is at 5 minutes.",
        [Query("max by (instance) (pilothouse_spool_oldest_seconds)", "{{instance}}")],
        unit="s",
        limits=[(300, "red")],
    ),
    Panel(
        "timeseries",
        "Records stored",
        "Records a second that the collector stored, had already, or refused.",
        [
            Query("sum(rate(pilothouse_collector_records_ingested_total[5m]))", "stored"),
            Query("sum(rate(pilothouse_collector_records_duplicate_total[5m]))", "had already"),
            Query("sum(rate(pilothouse_collector_records_dead_lettered_total[5m]))", "refused"),
            Query("sum(rate(pilothouse_spool_dropped_total[5m]))", "dropped"),
        ],
        unit="ops",
    ),
)
MACHINE = (
    Panel(
        "timeseries",
        "Processor by service",
        "Cores in use.",
        [Query('rate(process_cpu_seconds_total{job=~"inference|collector|drift|frontend"}[1m])', "{{job}}")],
    ),
    Panel(
        "timeseries",
        "Memory by service",
        "Resident memory.",
        [Query('process_resident_memory_bytes{job=~"inference|collector|drift|frontend"}', "{{job}}")],
        unit="bytes",
    ),
    Panel(
        "timeseries",
        "This machine",
        "Share of the processor and of the memory in use.",
        [
            Query('1 - avg(rate(node_cpu_seconds_total{mode="idle"}[1m]))', "processor"),
            Query("1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", "memory"),
        ],
        unit="percentunit",
        most=1,
    ),
)


def overview() -> dict[str, Any]:
    rows = {
        "Now": SERVICES,
        "Traffic": TRAFFIC,
        "Models": MODELS,
        "Drift": DRIFT,
        "From answer to database": DELIVERY,
        "Machine": MACHINE,
    }
    chosen = choice("model", "Model", "pilothouse_model_loaded")
    return dashboard("pilothouse-overview", "Pilothouse overview", [chosen], rows)


def text() -> str:
    """The file as it is committed."""
    return json.dumps(overview(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
