"""What the stack is doing: rates, latencies and what waits, at points in time.

They come from Prometheus, or else from the counters in the services' own `/metrics`, scraped twice.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from prometheus_client.parser import text_string_to_metric_families

from services.frontend.clients.prometheus import PrometheusClient, Series

SPAN = timedelta(hours=1)
STEP_SECONDS = 30
QUANTILES = (0.5, 0.95)
_SUMS = {
    "pilothouse_collector_records_ingested_total": "stored",
    "pilothouse_collector_records_dead_lettered_total": "lost",
    "pilothouse_spool_dropped_total": "lost",
    "pilothouse_predictions_unlogged_total": "lost",
}
_GAUGES = ("pilothouse_spool_bytes", "pilothouse_spool_oldest_seconds")
_LATENCY = 'histogram_quantile({q}, sum by (le) (rate(pilothouse_prediction_seconds_bucket{{stage="total"}}[1m])))'
_REQUESTS = "pilothouse_http_requests_total"
_QUERIES: Mapping[str, str] = {
    "predictions": 'sum by (model) (rate(pilothouse_predictions_total{outcome="answered"}[1m]))',
    "p50": _LATENCY.format(q=0.5),
    "p95": _LATENCY.format(q=0.95),
    "errors": f'sum(rate({_REQUESTS}{{status=~"5.."}}[1m])) / sum(rate({_REQUESTS}[1m]))',
    "stored": "sum(rate(pilothouse_collector_records_ingested_total[1m]))",
    "lost": " + ".join(f"(sum(rate({name}[1m])) or vector(0))" for name, of in _SUMS.items() if of == "lost"),
    "waiting_bytes": "sum(pilothouse_spool_bytes)",
    "oldest_seconds": "max(pilothouse_spool_oldest_seconds)",
}


@dataclass(frozen=True, slots=True)
class Scrape:
    """The counters of all services that answered, at one time. `answered` is by model, `buckets` by upper bound in
    seconds; `away` names the services that did not answer."""

    at: datetime
    answered: Mapping[str, float] = field(default_factory=dict)
    buckets: Mapping[float, float] = field(default_factory=dict)
    requests: float = 0.0
    errors: float = 0.0
    stored: float = 0.0
    lost: float = 0.0
    waiting_bytes: float | None = None
    oldest_seconds: float | None = None
    away: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrafficPoint:
    """Figures at one time: `predictions`, `stored` and `lost` a second, latencies in seconds, `errors` a share."""

    at: datetime
    predictions: Mapping[str, float] = field(default_factory=dict)
    p50: float | None = None
    p95: float | None = None
    errors: float | None = None
    stored: float | None = None
    lost: float | None = None
    waiting_bytes: float | None = None
    oldest_seconds: float | None = None


def read_scrape(pages: Mapping[str, str | None], at: datetime) -> Scrape:
    """`pages` are the text of `/metrics` by service; None for one that did not answer."""
    answered: defaultdict[str, float] = defaultdict(float)
    buckets: defaultdict[float, float] = defaultdict(float)
    sums: defaultdict[str, float] = defaultdict(float)
    gauges: dict[str, list[float]] = {}
    for name, labels, value in _numbers(pages.values()):
        if name == "pilothouse_predictions_total" and labels.get("outcome") == "answered":
            answered[labels.get("model", "")] += value
        elif name == "pilothouse_prediction_seconds_bucket" and labels.get("stage") == "total":
            buckets[float(labels["le"])] += value
        elif name == "pilothouse_http_requests_total":
            sums["requests"] += value
            sums["errors"] += value * labels.get("status", "").startswith("5")
        elif name in _SUMS:
            sums[_SUMS[name]] += value
        elif name in _GAUGES:
            gauges.setdefault(name, []).append(value)
    waiting, oldest = (gauges.get(name) for name in _GAUGES)
    return Scrape(
        at, dict(answered), dict(buckets), sums["requests"], sums["errors"], sums["stored"], sums["lost"],
        sum(waiting) if waiting else None, max(oldest) if oldest else None,
        tuple(name for name, page in pages.items() if page is None),
    )  # fmt: skip


def between(before: Scrape, after: Scrape) -> TrafficPoint:
    """The figures of the time between two scrapes."""
    seconds = max((after.at - before.at).total_seconds(), 1e-3)
    requests = _grown(before.requests, after.requests)
    buckets = {le: _grown(before.buckets.get(le, 0.0), count) for le, count in after.buckets.items()}
    p50, p95 = (quantile(q, buckets) for q in QUANTILES)
    has_log, has_collector = "inference" not in after.away, "collector" not in after.away
    return TrafficPoint(
        at=after.at,
        predictions={m: _grown(before.answered.get(m, 0.0), n) / seconds for m, n in after.answered.items()},
        p50=p50,
        p95=p95,
        errors=_grown(before.errors, after.errors) / requests if requests else None,
        stored=_grown(before.stored, after.stored) / seconds if has_collector else None,
        lost=_grown(before.lost, after.lost) / seconds if has_log and has_collector else None,
        waiting_bytes=after.waiting_bytes,
        oldest_seconds=after.oldest_seconds,
    )


def course(scrapes: Sequence[Scrape]) -> list[TrafficPoint]:
    """A point for every scrape after the first."""
    return [between(a, b) for a, b in pairwise(scrapes)]


def last_hour(prometheus: PrometheusClient, now: datetime) -> list[TrafficPoint]:
    """A point every half minute, oldest first. Raises ServiceError."""
    end = datetime.fromtimestamp(now.timestamp() // STEP_SECONDS * STEP_SECONDS, UTC)

    def ask(query: str) -> list[Series]:
        return prometheus.over_time(query, end - SPAN, end, STEP_SECONDS)

    with ThreadPoolExecutor(len(_QUERIES)) as pool:
        found = dict(zip(_QUERIES, pool.map(ask, _QUERIES.values()), strict=True))
    by_model = {series.metric.get("model", ""): series.by_time() for series in found.pop("predictions")}
    single = {name: series[0].by_time() if series else {} for name, series in found.items()}
    times = sorted({at for values in (*by_model.values(), *single.values()) for at in values})
    return [_point(at, by_model, single) for at in times]


def quantile(share: float, buckets: Mapping[float, float]) -> float | None:
    """A quantile of a histogram with cumulative buckets, interpolated in its bucket as Prometheus does."""
    bounds = sorted(buckets)
    total = buckets[bounds[-1]] if bounds else 0.0
    if not total:
        return None
    wanted, low, seen = share * total, 0.0, 0.0
    for bound in bounds:
        count = buckets[bound]
        if count >= wanted:
            return low if math.isinf(bound) else low + (bound - low) * (wanted - seen) / max(count - seen, 1e-12)
        low, seen = bound, count
    return low


def _numbers(pages: Iterable[str | None]) -> Iterable[tuple[str, dict[str, str], float]]:
    for page in pages:
        for family in text_string_to_metric_families(page or ""):
            yield from ((s.name, s.labels, s.value) for s in family.samples)


def _grown(before: float, after: float) -> float:
    """A counter's growth; one that fell began anew, with its service."""
    return after - before if after >= before else after


def _point(
    at: float,
    by_model: Mapping[str, Mapping[float, float | None]],
    single: Mapping[str, Mapping[float, float | None]],
) -> TrafficPoint:
    """An error share without 5xx is 0, not unknown."""
    predictions = {model: value for model, values in by_model.items() if (value := values.get(at)) is not None}
    figures = {name: values.get(at) for name, values in single.items()}
    if figures["errors"] is None and any(predictions.values()):
        figures["errors"] = 0.0
    return TrafficPoint(at=datetime.fromtimestamp(at, UTC), predictions=predictions, **figures)
