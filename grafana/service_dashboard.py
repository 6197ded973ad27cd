"""The dashboard that opens first: the four golden signals by service, and what is left of the error budgets."""

from __future__ import annotations

from typing import Any

from grafana.dashboard import choice, dashboard
from grafana.panels import PAGE, Bars, Graph, Panel, Stat
from monitoring.definitions import Definitions, Objectives

_JOB = 'job=~"$job"'
_OURS = "inference|collector|drift|frontend"


def service(definitions: Definitions) -> dict[str, Any]:
    """How each service does."""
    objectives = definitions.objectives
    rows = {
        "Now": _now(),
        "Four golden signals": _signals(objectives.latency.seconds),
        "Objectives": _objectives(definitions.objectives),
        "Saturation": _saturation(),
        "Requests in detail": _requests(),
    }
    variables = [choice("job", "Service", f'label_values(up{{job=~"{_OURS}"}}, job)')]
    text = "Whether every service answers, how busy, fast and reliable it is, and what is left of the error budgets."
    return dashboard("service", text, rows, variables)


def _now() -> list[Panel]:
    budget = "What is left of a month's error budget. Below 0 the objective is missed."
    steps = [(0, "orange"), (0.25, "green")]
    return [
        Stat(
            "Services",
            "Whether Prometheus reaches each service.",
            {"{{job}}": f'min by (job) (up{{job=~"{_OURS}"}})'},
            mappings={"0": ("down", "red"), "1": ("up", "green")},
            width=10,
            runbook="ServiceDown",
        ),
        Stat(
            "Alerts",
            "How many alerts fire now.",
            {"firing": 'count(ALERTS{alertstate="firing"}) or vector(0)'},
            thresholds=[(1, "red")],
            width=4,
            links={"Alerts on the page": f"{PAGE}/alerts"},
        ),
        Stat(
            "Availability budget left",
            budget,
            {"of the month": 'slo:error_budget:remaining{slo="availability"}'},
            unit="percentunit",
            base_colour="red",
            thresholds=steps,
            minimum=None,
            decimals=1,
            width=5,
            runbook="ErrorBudgetBurnFast",
            no_value="no requests yet",
        ),
        Stat(
            "Latency budget left",
            budget,
            {"of the month": 'slo:error_budget:remaining{slo="latency"}'},
            unit="percentunit",
            base_colour="red",
            thresholds=steps,
            minimum=None,
            decimals=1,
            width=5,
            runbook="ErrorBudgetBurnFast",
            no_value="no requests yet",
        ),
    ]


def _signals(seconds: float) -> list[Panel]:
    return [
        Graph(
            "Traffic",
            "Requests answered a second, without health checks and scrapes.",
            {"{{job}}": f"job:pilothouse_http_requests:rate5m{{{_JOB}}}"},
            unit="reqps",
            width=12,
        ),
        Graph(
            "Errors",
            "Share of requests answered with a 5xx. The alert is at 5%.",
            {"{{job}}": f"job:pilothouse_http_errors:ratio5m{{{_JOB}}}"},
            unit="percentunit",
            thresholds=[(0.05, "red")],
            runbook="ErrorRatioHigh",
            width=12,
        ),
        Graph(
            "Latency, 95th percentile",
            f"Time in which 95 of 100 requests were answered. For predictions, {seconds * 1000:g} ms are promised.",
            {"{{job}}": f"job:pilothouse_http_request_seconds:p95_5m{{{_JOB}}}"},
            unit="s",
            runbook="LatencyHigh",
            width=12,
        ),
        Graph(
            "Saturation: processor",
            "Processor cores that each service keeps busy.",
            {"{{job}}": f"sum by (job) (rate(process_cpu_seconds_total{{{_JOB}}}[1m]))"},
            width=12,
        ),
    ]


def _objectives(objectives: Objectives) -> list[Panel]:
    availability, latency = objectives.availability, objectives.latency
    speed = "At 1 a month's budget lasts exactly a month. Above 14.4 for an hour, somebody is woken."
    steps = [(1, "orange"), (14.4, "red")]
    return [
        Graph(
            "Good predictions",
            f"Promised: {100 * availability.objective:g}% get no error of ours, {100 * latency.objective:g}% are "
            f"answered in less than {latency.seconds * 1000:g} ms.",
            {"{{slo}}": "1 - slo:errors:ratio5m"},
            unit="percentunit",
            minimum=None,
            maximum=1,
        ),
        Graph(
            "Burn rate, 5 minutes",
            f"How fast the error budget is used up now. {speed}",
            {"{{slo}}": "slo:burn_rate:5m"},
            thresholds=steps,
            runbook="ErrorBudgetBurnFast",
        ),
        Graph(
            "Burn rate, 1 hour and 6 hours",
            f"The same over longer windows. {speed}",
            {"{{slo}} 1 h": "slo:burn_rate:1h", "{{slo}} 6 h": "slo:burn_rate:6h"},
            thresholds=steps,
            runbook="ErrorBudgetBurnSlow",
        ),
    ]


def _saturation() -> list[Panel]:
    disk = "pilothouse_state_disk"
    return [
        Graph(
            "Memory",
            "Resident memory of each service, and memory in use in its container, if that has a limit.",
            {
                "{{job}}": f"sum by (job) (process_resident_memory_bytes{{{_JOB}}})",
                "{{job}} container": f"sum by (job) (pilothouse_memory_used_bytes{{{_JOB}}})",
            },
            unit="bytes",
            runbook="MemoryNearLimit",
            width=8,
        ),
        Graph(
            "The machine",
            "Share of its processors and memory in use.",
            {"processor": "host:cpu_used:ratio", "memory": "host:memory_used:ratio"},
            unit="percentunit",
            maximum=1,
            thresholds=[(0.95, "red")],
            runbook="MemoryNearLimit",
            width=8,
        ),
        Graph(
            "Disk of the state folder",
            "Share that is free. The alert is at 10%, if that is less than 10 GB.",
            {"{{job}}": f"min by (job) ({disk}_available_bytes{{{_JOB}}} / {disk}_bytes{{{_JOB}}})"},
            unit="percentunit",
            maximum=1,
            base_colour="red",
            thresholds=[(0.1, "green")],
            runbook="DiskNearlyFull",
            width=8,
        ),
        Graph(
            "Network of the machine",
            "Bytes a second, in and out, without the loopback.",
            {"network": "host:network:bytes_rate1m"},
            unit="Bps",
            width=6,
        ),
        Graph(
            "Open files",
            "Open files and connections of each process, as a share of its limit.",
            {"{{job}}": f"max by (job) (process_open_fds{{{_JOB}}} / process_max_fds{{{_JOB}}})"},
            unit="percentunit",
            width=6,
        ),
        Graph(
            "Running since",
            "Age of each process. Where a line falls to 0 it was restarted.",
            {"{{job}}": f"time() - max by (job) (process_start_time_seconds{{{_JOB}}})"},
            unit="s",
            runbook="Restarts",
            width=6,
        ),
        Graph(
            "Processes",
            "Worker processes of each service.",
            {"{{job}}": f"sum by (job) (pilothouse_workers{{{_JOB}}} or on (job, instance) up{{{_JOB}}})"},
            runbook="Restarts",
            width=6,
        ),
    ]


def _requests() -> list[Panel]:
    real = f'{_JOB}, route!~".*/health/.*|/metrics"'
    requests = f"rate(pilothouse_http_requests_total{{{real}}}[5m])"
    buckets = f"rate(pilothouse_http_request_seconds_bucket{{{real}}}[5m])"
    return [
        Graph(
            "By route",
            "Requests a second of the ten busiest routes.",
            {"{{job}} {{route}}": f"topk(10, sum by (job, route) ({requests}) > 0)"},
            unit="reqps",
        ),
        Graph(
            "By answer",
            "Requests a second by status: 5xx are our errors, 4xx the caller's, 499 a caller who left.",
            {"{{status}}": f"sum by (status) ({requests})"},
            unit="reqps",
            stacked=True,
        ),
        Bars(
            "Slowest routes",
            "95th percentile of the last five minutes.",
            {"{{job}} {{route}}": f"topk(8, histogram_quantile(0.95, sum by (job, route, le) ({buckets})) > 0)"},
            unit="s",
            thresholds=[(0.5, "orange"), (2.5, "red")],
        ),
    ]
