"""From an answer to the database: the spool, shipping, ingest, the tables, and who reads them."""

from __future__ import annotations

from typing import Any

from grafana.dashboard import dashboard
from grafana.panels import Panel, Query
from monitoring.definitions import Definitions


def pipeline(definitions: Definitions) -> dict[str, Any]:
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
    return dashboard(
        "pipeline",
        title="Pilothouse: pipeline",
        description=text,
        variables=[],
        rows=rows,
        runbooks=definitions.alerts.runbooks,
    )


def _now() -> tuple[Panel, ...]:
    return (
        Panel(
            "stat",
            "Database",
            "Whether the collector reached it at its last try.",
            [Query("min(pilothouse_collector_database_up)", "database")],
            words={"0": ("away", "red"), "1": ("reached", "green")},
            width=5,
            height=4,
            runbook="DatabaseAway",
        ),
        Panel(
            "stat",
            "Spool",
            "How full the fullest is.",
            [Query("max(pilothouse_spool_bytes / pilothouse_spool_limit_bytes)", "full")],
            unit="percentunit",
            decimals=1,
            limits=[(0.5, "orange"), (0.9, "red")],
            width=5,
            height=4,
            runbook="SpoolFilling",
        ),
        Panel(
            "stat",
            "Oldest record that waits",
            "Age of the oldest record that is not stored yet.",
            [Query("max(pilothouse_spool_oldest_seconds)", "waits")],
            unit="s",
            limits=[(60, "orange"), (300, "red")],
            width=5,
            height=4,
            runbook="SpoolOld",
        ),
        Panel(
            "stat",
            "Dropped, last day",
            "Records that will not reach the collector by themselves.",
            [Query("sum(increase(pilothouse_spool_dropped_total[1d]))", "records")],
            decimals=0,
            limits=[(1, "red")],
            width=5,
            height=4,
            runbook="RecordsDropped",
        ),
        Panel(
            "stat",
            "Refused, since the start",
            "Records in the dead letters of this run of the collector.",
            [Query("sum(pilothouse_collector_records_dead_lettered_total) or vector(0)", "records")],
            decimals=0,
            limits=[(1, "orange")],
            width=4,
            height=4,
            runbook="DeadLetters",
        ),
    )


def _spool() -> tuple[Panel, ...]:
    return (
        Panel(
            "timeseries",
            "Spool",
            "Bytes on disk: records that wait, and those that were shipped from a segment that is still written.",
            [Query("pilothouse_spool_bytes", "{{instance}}")],
            unit="bytes",
            width=6,
            runbook="SpoolFilling",
        ),
        Panel(
            "timeseries",
            "Oldest record that waits",
            "The alert is at five minutes.",
            [Query("pilothouse_spool_oldest_seconds", "{{instance}}")],
            unit="s",
            limits=[(300, "red")],
            width=6,
            runbook="SpoolOld",
        ),
        Panel(
            "timeseries",
            "Records",
            "A second: logged, shipped (the collector has them), refused there, dropped here.",
            [
                Query("sum by (outcome) (rate(pilothouse_spool_records_total[5m]))", "{{outcome}}"),
                Query("sum by (reason) (rate(pilothouse_spool_dropped_total[5m])) > 0", "dropped: {{reason}}"),
            ],
            unit="ops",
            width=6,
            runbook="RecordsDropped",
        ),
        Panel(
            "timeseries",
            "Shipper",
            "Seconds since it last turned its loop, and tries that failed in the last five minutes.",
            [
                Query("pilothouse_spool_heartbeat_seconds", "{{instance}} heartbeat"),
                Query("increase(pilothouse_spool_shipping_failures_total[5m])", "{{instance}} failures"),
            ],
            width=6,
            runbook="CollectorAway",
        ),
    )


def _ingest() -> tuple[Panel, ...]:
    def rate(metric: str) -> str:
        return f"sum(rate(pilothouse_collector_records_{metric}_total[5m]))"

    def quantiles(metric: str, by: str = "") -> list[Query]:
        buckets = f"sum by ({by}le) (rate(pilothouse_collector_{metric}_bucket[5m]))"
        name = "{{model}} " if by else ""
        return [Query(f"histogram_quantile({q}, {buckets})", f"{name}{q:.0%}") for q in (0.5, 0.95)]

    return (
        Panel(
            "timeseries",
            "Records in",
            "A second: stored for the first time, there already, refused.",
            [
                Query(rate("ingested"), "stored"),
                Query(rate("duplicate"), "there already"),
                Query(f"{rate('dead_lettered')} or vector(0)", "refused"),
            ],
            unit="ops",
            width=6,
            runbook="DeadLetters",
        ),
        Panel(
            "timeseries",
            "Time of a batch",
            "To check and commit one request of records: median and 95th percentile.",
            quantiles("batch_seconds"),
            unit="s",
            width=6,
        ),
        Panel(
            "timeseries",
            "Lag",
            "Age of the oldest record of a request when it was committed: median and 95th percentile.",
            quantiles("lag_seconds", by="model, "),
            unit="s",
            width=6,
            runbook="SpoolOld",
        ),
        Panel(
            "timeseries",
            "Labels and events",
            "A second: true values by what became of them, and CloudEvents of models served elsewhere.",
            [
                Query("sum by (outcome) (rate(pilothouse_collector_labels_total[5m]))", "label {{outcome}}"),
                Query("sum by (outcome) (rate(pilothouse_collector_events_total[5m])) > 0", "event {{outcome}}"),
            ],
            unit="ops",
            width=6,
        ),
    )


def _database() -> tuple[Panel, ...]:
    return (
        Panel(
            "timeseries",
            "Rows",
            "Records of each model version.",
            [Query("pilothouse_collector_table_rows", "{{model}} {{version}}")],
            width=6,
        ),
        Panel(
            "timeseries",
            "Size",
            "What each table takes on disk with its indexes, and the whole database.",
            [
                Query("pilothouse_collector_table_bytes", "{{model}} {{version}}"),
                Query("pilothouse_collector_database_bytes", "whole database"),
            ],
            unit="bytes",
            width=6,
            runbook="DiskNearlyFull",
        ),
        Panel(
            "timeseries",
            "Connections",
            "In use, of those there may be.",
            [
                Query("pilothouse_collector_pool_in_use", "in use"),
                Query("pilothouse_collector_pool_limit", "at most"),
            ],
            width=6,
            runbook="DatabaseAway",
        ),
        Panel(
            "timeseries",
            "Trouble",
            "In the last five minutes: tries to reach the database and rounds of maintenance that failed.",
            [
                Query("increase(pilothouse_collector_database_failures_total[5m])", "database"),
                Query("increase(pilothouse_collector_maintenance_failures_total[5m])", "maintenance"),
            ],
            width=6,
            runbook="DatabaseAway",
        ),
    )


def _readers() -> tuple[Panel, ...]:
    return (
        Panel(
            "timeseries",
            "Scoring runs",
            "Runs of the drift service in the last five minutes, by what they said.",
            [
                Query(
                    "sum by (model, verdict) (increase(pilothouse_drift_runs_total[5m])) > 0", "{{model}}: {{verdict}}"
                )
            ],
            width=6,
            runbook="DriftStale",
        ),
        Panel(
            "timeseries",
            "Time of a scoring run",
            "Reading the records included: median and 95th percentile.",
            [
                Query(
                    f"histogram_quantile({q}, sum by (le) (rate(pilothouse_drift_run_seconds_bucket[5m])))", f"{q:.0%}"
                )
                for q in (0.5, 0.95)
            ],
            unit="s",
            width=6,
        ),
        Panel(
            "timeseries",
            "Reports",
            "Evidently's reports in the last quarter of an hour, and the memory of their worker.",
            [Query("sum by (outcome) (increase(pilothouse_drift_reports_total[15m]))", "{{outcome}}")],
            width=6,
            nothing="no report asked for",
        ),
        Panel(
            "timeseries",
            "The page's calls",
            "Of the page to other services, a second, by outcome.",
            [Query("sum by (service, outcome) (rate(pilothouse_page_calls_total[5m]))", "{{service}} {{outcome}}")],
            unit="ops",
            width=6,
            nothing="nobody looks at the page",
        ),
    )
