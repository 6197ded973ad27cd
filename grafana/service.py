"""The dashboard that opens first: the four golden signals by service, and what is left of the two promises."""

from __future__ import annotations

from typing import Any

from grafana.dashboard import choice, dashboard
from grafana.panels import Panel, Query
from monitoring.definitions import Definitions

_JOB = 'job=~"$job"'
_OURS = "inference|collector|drift|frontend"
_UP = {"0": ("down", "red"), "1": ("up", "green")}


def service(definitions: Definitions) -> dict[str, Any]:
    objectives = definitions.objectives
    rows = {
        "Now": _now(),
        "Four golden signals": _signals(objectives.latency.seconds),
        "Promises": _promises(definitions),
        "Saturation": _saturation(),
        "Requests in detail": _requests(),
    }
    variables = [choice("job", "Service", f'label_values(up{{job=~"{_OURS}"}}, job)')]
    text = "Whether every service answers, how much is asked, how fast and well, and what is left of the promises."
    return dashboard(
        "service",
        title="Pilothouse: service",
        description=text,
        variables=variables,
        rows=rows,
        runbooks=definitions.alerts.runbooks,
    )


def _now() -> tuple[Panel, ...]:
    budget = "What is left of a month's error budget. Below 0 the promise is broken."
    steps = [(0, "orange"), (0.25, "green")]
    return (
        Panel(
            "stat",
            "Services",
            "Whether Prometheus reaches each service.",
            [Query('min by (job) (up{job=~"inference|collector|drift|frontend"})', "{{job}}")],
            words=_UP,
            width=10,
            height=4,
            runbook="ServiceDown",
        ),
        Panel(
            "stat",
            "Alerts",
            "How many fire at this moment.",
            [Query('count(ALERTS{alertstate="firing"}) or vector(0)', "firing")],
            limits=[(1, "red")],
            width=4,
            height=4,
            links=[("Alerts on the page", "${page}/alerts")],
        ),
        Panel(
            "stat",
            "Availability budget left",
            budget,
            [Query('slo:error_budget:remaining{slo="availability"}', "of the month")],
            unit="percentunit",
            base="red",
            limits=steps,
            least=None,
            decimals=1,
            width=5,
            height=4,
            runbook="ErrorBudgetBurnFast",
            nothing="nothing asked yet",
        ),
        Panel(
            "stat",
            "Latency budget left",
            budget,
            [Query('slo:error_budget:remaining{slo="latency"}', "of the month")],
            unit="percentunit",
            base="red",
            limits=steps,
            least=None,
            decimals=1,
            width=5,
            height=4,
            runbook="ErrorBudgetBurnFast",
            nothing="nothing asked yet",
        ),
    )


def _signals(seconds: float) -> tuple[Panel, ...]:
    return (
        Panel(
            "timeseries",
            "Traffic",
            "Requests answered a second, health checks and scrapes left out.",
            [Query(f"job:pilothouse_http_requests:rate5m{{{_JOB}}}", "{{job}}")],
            unit="reqps",
            width=12,
        ),
        Panel(
            "timeseries",
            "Errors",
            "Share of the requests that were answered with a 5xx. The alert is at 5%.",
            [Query(f"job:pilothouse_http_errors:ratio5m{{{_JOB}}}", "{{job}}")],
            unit="percentunit",
            limits=[(0.05, "red")],
            width=12,
            runbook="ErrorRatioHigh",
        ),
        Panel(
            "timeseries",
            "Latency, 95th percentile",
            f"Time in which 95 of 100 requests were answered. The promise for predictions is {seconds * 1000:g} ms.",
            [Query(f"job:pilothouse_http_request_seconds:p95_5m{{{_JOB}}}", "{{job}}")],
            unit="s",
            width=12,
            runbook="LatencyHigh",
        ),
        Panel(
            "timeseries",
            "Saturation: processor",
            "Cores that each service's process keeps busy.",
            [Query(f"sum by (job) (rate(process_cpu_seconds_total{{{_JOB}}}[1m]))", "{{job}}")],
            width=12,
        ),
    )


def _promises(definitions: Definitions) -> tuple[Panel, ...]:
    availability, latency = definitions.objectives.availability, definitions.objectives.latency
    speed = "1 is the rate at which a month's budget lasts exactly a month; above 14.4 for an hour somebody is woken."
    limits = [(1, "orange"), (14.4, "red")]
    return (
        Panel(
            "timeseries",
            "Good predictions",
            f"Promised: {100 * availability.objective:g}% not answered with an error of ours, "
            f"{100 * latency.objective:g}% in less than {latency.seconds * 1000:g} ms.",
            [Query("1 - slo:errors:ratio5m", "{{slo}}")],
            unit="percentunit",
            least=None,
            most=1,
        ),
        Panel(
            "timeseries",
            "Burn rate, 5 minutes",
            f"How fast the error budget is used up at this moment. {speed}",
            [Query("slo:burn_rate:5m", "{{slo}}")],
            limits=limits,
            runbook="ErrorBudgetBurnFast",
        ),
        Panel(
            "timeseries",
            "Burn rate, 1 hour and 6 hours",
            f"The same over longer windows. {speed}",
            [Query("slo:burn_rate:1h", "{{slo}} 1 h"), Query("slo:burn_rate:6h", "{{slo}} 6 h")],
            limits=limits,
            runbook="ErrorBudgetBurnSlow",
        ),
    )


def _saturation() -> tuple[Panel, ...]:
    return (
        Panel(
            "timeseries",
            "Memory",
            "Resident memory of each service's process; where its container has a limit, what of it is used.",
            [
                Query(f"sum by (job) (process_resident_memory_bytes{{{_JOB}}})", "{{job}}"),
                Query(f"sum by (job) (pilothouse_memory_used_bytes{{{_JOB}}})", "{{job}} container"),
            ],
            unit="bytes",
            runbook="MemoryNearLimit",
        ),
        Panel(
            "timeseries",
            "The machine",
            "Share of its processors and memory in use, by node-exporter or by the service that has host metrics.",
            [Query("host:cpu_used:ratio", "processor"), Query("host:memory_used:ratio", "memory")],
            unit="percentunit",
            most=1,
            limits=[(0.95, "red")],
            runbook="MemoryNearLimit",
        ),
        Panel(
            "timeseries",
            "Disk of the state folder",
            "Share that can still be written. The alert is at 10%, where that is less than 10 GB.",
            [
                Query(
                    f"min by (job) (pilothouse_state_disk_available_bytes{{{_JOB}}}"
                    f" / pilothouse_state_disk_bytes{{{_JOB}}})",
                    "{{job}}",
                )
            ],
            unit="percentunit",
            most=1,
            base="red",
            limits=[(0.1, "green")],
            runbook="DiskNearlyFull",
        ),
        Panel(
            "timeseries",
            "Network of the machine",
            "Bytes a second, in and out, without the loopback.",
            [Query("host:network:bytes_rate1m", "network")],
            unit="Bps",
            width=6,
        ),
        Panel(
            "timeseries",
            "Open files",
            "Files and connections of each process, as a share of what it may have.",
            [Query(f"max by (job) (process_open_fds{{{_JOB}}} / process_max_fds{{{_JOB}}})", "{{job}}")],
            unit="percentunit",
            width=6,
        ),
        Panel(
            "timeseries",
            "Running since",
            "Age of each process. A line that falls to 0 is a restart.",
            [Query(f"time() - max by (job) (process_start_time_seconds{{{_JOB}}})", "{{job}}")],
            unit="s",
            runbook="Restarts",
            width=6,
        ),
        Panel(
            "timeseries",
            "Processes",
            "How many serve, the workers behind one port each.",
            [
                Query(
                    f"sum by (job) (pilothouse_workers{{{_JOB}}} or on (job, instance) up{{{_JOB}}})",
                    "{{job}}",
                )
            ],
            runbook="Restarts",
            width=6,
        ),
    )


def _requests() -> tuple[Panel, ...]:
    real = f'{_JOB}, route!~".*/health/.*|/metrics"'
    return (
        Panel(
            "timeseries",
            "By route",
            "The ten routes that are asked most, a second.",
            [
                Query(
                    f"topk(10, sum by (job, route) (rate(pilothouse_http_requests_total{{{real}}}[5m])) > 0)",
                    "{{job}} {{route}}",
                )
            ],
            unit="reqps",
        ),
        Panel(
            "timeseries",
            "By answer",
            "Requests a second by status. 4xx are the caller's, 5xx are ours, 499 did not wait.",
            [Query(f"sum by (status) (rate(pilothouse_http_requests_total{{{real}}}[5m]))", "{{status}}")],
            unit="reqps",
            stacked=True,
        ),
        Panel(
            "bargauge",
            "Slowest routes",
            "95th percentile of the last five minutes.",
            [
                Query(
                    "topk(8, histogram_quantile(0.95, sum by (job, route, le)"
                    f" (rate(pilothouse_http_request_seconds_bucket{{{real}}}[5m]))) > 0)",
                    "{{job}} {{route}}",
                )
            ],
            unit="s",
            limits=[(0.5, "orange"), (2.5, "red")],
        ),
    )
