"""The last hour from Prometheus, as the same readings that the page makes itself where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from services.frontend.clients.prometheus import Line, Prometheus
from services.frontend.readings import Reading

SPAN = timedelta(hours=1)
STEP_SECONDS = 30
_LATENCY = 'histogram_quantile({q}, sum by (le) (rate(pilothouse_prediction_seconds_bucket{{stage="total"}}[1m])))'
_REQUESTS = "pilothouse_http_requests_total"
_LOST = (
    "pilothouse_collector_records_dead_lettered_total",
    "pilothouse_spool_dropped_total",
    "pilothouse_predictions_unlogged_total",
)
QUERIES: Mapping[str, str] = {
    "predictions": 'sum by (model) (rate(pilothouse_predictions_total{outcome="answered"}[1m]))',
    "p50": _LATENCY.format(q=0.5),
    "p95": _LATENCY.format(q=0.95),
    "errors": f'sum(rate({_REQUESTS}{{status=~"5.."}}[1m])) / sum(rate({_REQUESTS}[1m]))',
    "stored": "sum(rate(pilothouse_collector_records_ingested_total[1m]))",
    "lost": " + ".join(f"(sum(rate({name}[1m])) or vector(0))" for name in _LOST),
    "waiting_bytes": "sum(pilothouse_spool_bytes)",
    "oldest_seconds": "max(pilothouse_spool_oldest_seconds)",
}


def read(prometheus: Prometheus, now: datetime) -> list[Reading]:
    """A reading every half minute, oldest first. Raises ServiceError. An error share without 5xx is 0, not unknown."""
    end = datetime.fromtimestamp(now.timestamp() // STEP_SECONDS * STEP_SECONDS, UTC)

    def ask(query: str) -> list[Line]:
        return prometheus.over_time(query, end - SPAN, end, STEP_SECONDS)

    with ThreadPoolExecutor(len(QUERIES)) as pool:
        found = dict(zip(QUERIES, pool.map(ask, QUERIES.values()), strict=True))
    moments = sorted({at for lines in found.values() for line in lines for at in line.values})
    return [_reading(at, found) for at in moments]


def _reading(at: float, found: Mapping[str, list[Line]]) -> Reading:
    single = {
        name: next((line.values.get(at) for line in lines), None)
        for name, lines in found.items()
        if name != "predictions"
    }
    models = {line.labels.get("model", ""): line.values.get(at) for line in found["predictions"]}
    if single["errors"] is None and any(models.values()):
        single["errors"] = 0.0
    return Reading(
        at=datetime.fromtimestamp(at, UTC), predictions={m: v for m, v in models.items() if v is not None}, **single
    )
