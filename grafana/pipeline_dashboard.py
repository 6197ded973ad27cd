"""From an answer to the database: the spool, shipping, ingest, the tables, and who reads them."""

from __future__ import annotations

from typing import Any

from grafana.dashboard import dashboard
from grafana.panels import Graph, Panel, Stat


def pipeline() -> dict[str, Any]:
    """Whether every prediction becomes a record."""
    rows = {
        "Now": _now(),
        "Spool and shipping": _spool(),
        "Ingest": _ingest(),
        "Database": _database(),
        "Drift service and page": _readers(),
    }
    text = (
        "Whether every prediction becomes a record: how full the spool is, how late records are, how large tables are."
    )
    return dashboard("pipeline", text, rows)


def _now() -> list[Panel]:
    return [
        Stat(
            "Database",
            "Whether the collector reached it in its last attempt.",
            {"database": "min(pilothouse_collector_database_up)"},
            mappings={"0": ("away", "red"), "1": ("reached", "green")},
            width=5,
            runbook="DatabaseAway",
        ),
        Stat(
            "Spool",
            "How full the fullest spool is.",
            {"full": "max(pilothouse_spool_bytes / pilothouse_spool_limit_bytes)"},
            unit="percentunit",
            decimals=1,
            thresholds=[(0.5, "orange"), (0.9, "red")],
            width=5,
            runbook="SpoolFilling",
        ),
        Stat(
            "Oldest record that waits",
            "Age of the oldest record that is not stored yet.",
            {"waits": "max(pilothouse_spool_oldest_seconds)"},
            unit="s",
            thresholds=[(60, "orange"), (300, "red")],
            width=5,
            runbook="SpoolOld",
        ),
        Stat(
            "Dropped, last day",
            "Records that will not reach the collector.",
            {"records": "sum(increase(pilothouse_spool_dropped_total[1d]))"},
            decimals=0,
            thresholds=[(1, "red")],
            width=5,
            runbook="RecordsDropped",
        ),
        Stat(
            "Refused, since the start",
            "Records that the collector has refused since it was started. They are kept as dead letters.",
            {"records": "sum(pilothouse_collector_records_dead_lettered_total) or vector(0)"},
            decimals=0,
            thresholds=[(1, "orange")],
            width=4,
            runbook="DeadLetters",
        ),
    ]


def _spool() -> list[Panel]:
    return [
        Graph(
            "Spool",
            "Disk space: records that wait, and shipped ones in the file that is still being written.",
            {"{{instance}}": "pilothouse_spool_bytes"},
            unit="bytes",
            runbook="SpoolFilling",
        ),
        Graph(
            "Oldest record that waits",
            "The alert is at five minutes.",
            {"{{instance}}": "pilothouse_spool_oldest_seconds"},
            unit="s",
            thresholds=[(300, "red")],
            runbook="SpoolOld",
        ),
        Graph(
            "Records",
            "Records a second: logged, shipped (stored by the collector), refused by it, dropped here.",
            {
                "{{outcome}}": "sum by (outcome) (rate(pilothouse_spool_records_total[5m]))",
                "dropped: {{reason}}": "sum by (reason) (rate(pilothouse_spool_dropped_total[5m])) > 0",
            },
            unit="ops",
            runbook="RecordsDropped",
        ),
        Graph(
            "Shipper",
            "Seconds since its last sign of life, and failed attempts in the last five minutes.",
            {
                "{{instance}} heartbeat": "pilothouse_spool_heartbeat_seconds",
                "{{instance}} failures": "increase(pilothouse_spool_shipping_failures_total[5m])",
            },
            runbook="CollectorAway",
        ),
    ]


def _ingest() -> list[Panel]:
    def rate(metric: str) -> str:
        return f"sum(rate(pilothouse_collector_records_{metric}_total[5m]))"

    def quantiles(metric: str, by: str = "") -> dict[str, str]:
        buckets = f"sum by ({by}le) (rate(pilothouse_collector_{metric}_bucket[5m]))"
        name = "{{model}} " if by else ""
        return {f"{name}{q:.0%}": f"histogram_quantile({q}, {buckets})" for q in (0.5, 0.95)}

    return [
        Graph(
            "Records in",
            "Records a second: newly stored, stored already, refused.",
            {
                "stored": rate("ingested"),
                "there already": rate("duplicate"),
                "refused": f"{rate('dead_lettered')} or vector(0)",
            },
            unit="ops",
            runbook="DeadLetters",
        ),
        Graph(
            "Time of a batch",
            "Time to check and commit one request of records: median and 95th percentile.",
            quantiles("batch_seconds"),
            unit="s",
        ),
        Graph(
            "Lag",
            "Time from a prediction to its record in the database: median and 95th percentile.",
            quantiles("lag_seconds", by="model, "),
            unit="s",
            runbook="SpoolOld",
        ),
        Graph(
            "Labels and events",
            "A second, by outcome: labels, and CloudEvents of models served elsewhere.",
            {
                "label {{outcome}}": "sum by (outcome) (rate(pilothouse_collector_labels_total[5m]))",
                "event {{outcome}}": "sum by (outcome) (rate(pilothouse_collector_events_total[5m])) > 0",
            },
            unit="ops",
        ),
    ]


def _database() -> list[Panel]:
    return [
        Graph(
            "Rows",
            "Records stored of each model version.",
            {"{{model}} {{version}}": "pilothouse_collector_table_rows"},
        ),
        Graph(
            "Size",
            "Disk space of each table with its indexes, and of the whole database.",
            {
                "{{model}} {{version}}": "pilothouse_collector_table_bytes",
                "whole database": "pilothouse_collector_database_bytes",
            },
            unit="bytes",
            runbook="DiskNearlyFull",
        ),
        Graph(
            "Connections",
            "Database connections in use, and how many there may be.",
            {"in use": "pilothouse_collector_pool_in_use", "at most": "pilothouse_collector_pool_limit"},
            runbook="DatabaseAway",
        ),
        Graph(
            "Trouble",
            "Failures in the last five minutes: attempts to reach the database, and rounds of maintenance.",
            {
                "database": "increase(pilothouse_collector_database_failures_total[5m])",
                "maintenance": "increase(pilothouse_collector_maintenance_failures_total[5m])",
            },
            runbook="DatabaseAway",
        ),
    ]


def _readers() -> list[Panel]:
    return [
        Graph(
            "Scoring runs",
            "Runs of the drift service in the last five minutes, by verdict.",
            {"{{model}}: {{verdict}}": "sum by (model, verdict) (increase(pilothouse_drift_runs_total[5m])) > 0"},
            runbook="DriftStale",
        ),
        Graph(
            "Time of a scoring run",
            "Time to read a window and score it: median and 95th percentile.",
            {
                f"{q:.0%}": f"histogram_quantile({q}, sum by (le) (rate(pilothouse_drift_run_seconds_bucket[5m])))"
                for q in (0.5, 0.95)
            },
            unit="s",
        ),
        Graph(
            "Reports",
            "Evidently's reports in the last quarter of an hour.",
            {"{{outcome}}": "sum by (outcome) (increase(pilothouse_drift_reports_total[15m]))"},
            no_value="no report asked for",
        ),
        Graph(
            "The page's calls",
            "Calls of the page to other services, a second, by outcome.",
            {"{{service}} {{outcome}}": "sum by (service, outcome) (rate(pilothouse_page_calls_total[5m]))"},
            unit="ops",
            no_value="nobody looks at the page",
        ),
    ]
