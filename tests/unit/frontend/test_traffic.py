"""Counters of two moments become rates, shares and quantiles."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from services.frontend.views.live.traffic import between, course, quantile, read_scrape

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


class Inference:
    """The metrics that the inference service has, for real."""

    def __init__(self):
        self.registry = CollectorRegistry()
        names = ("model", "version", "outcome")
        self.predictions = Counter("pilothouse_predictions", "n", names, registry=self.registry)
        stages = ("model", "version", "stage")
        self.seconds = Histogram("pilothouse_prediction_seconds", "s", stages, registry=self.registry)
        self.http = Counter("pilothouse_http_requests", "n", ("status",), registry=self.registry)

    def predict(self, count, seconds, model="a"):
        self.predictions.labels(model, "1", "answered").inc(count)
        for _ in range(count):
            self.seconds.labels(model, "1", "total").observe(seconds)

    def page(self):
        return generate_latest(self.registry).decode()


def look(pages, seconds):
    return read_scrape(pages, NOW + timedelta(seconds=seconds))


def test_rates_are_of_the_time_between_two_looks():
    service = Inference()
    service.predict(100, 0.001)
    first = look({"inference": service.page()}, 0)
    service.predict(50, 0.02, "b")
    service.predict(10, 0.02)
    found = between(first, look({"inference": service.page()}, 5))
    assert found.predictions == {"a": 2.0, "b": 10.0}
    assert 0.01 <= found.p50 <= 0.025


def test_errors_are_a_share_of_the_requests_in_between():
    service = Inference()
    service.http.labels("500").inc(7)
    first = look({"inference": service.page()}, 0)
    service.http.labels("200").inc(3)
    service.http.labels("503").inc(1)
    assert between(first, look({"inference": service.page()}, 1)).errors == 0.25
    assert between(first, first).errors is None


def test_a_service_that_began_anew_is_no_negative_rate():
    old, new = Inference(), Inference()
    old.predict(1000, 0.001)
    new.predict(10, 0.001)
    assert between(look({"inference": old.page()}, 0), look({"inference": new.page()}, 10)).predictions == {"a": 1.0}


def test_a_service_that_is_away_has_no_figures_rather_than_none_at_all():
    found = between(look({"inference": None, "collector": None}, 0), look({"inference": None, "collector": None}, 5))
    assert (found.stored, found.lost, found.waiting_bytes, found.p95) == (None, None, None, None)


def test_gauges_are_as_they_stand():
    page = "pilothouse_spool_bytes 1200\npilothouse_spool_oldest_seconds 7.5\n"
    found = look({"inference": page}, 0)
    assert (found.waiting_bytes, found.oldest_seconds) == (1200, 7.5)


def test_there_is_a_reading_for_every_look_after_the_first():
    looks = [look({"inference": Inference().page()}, i) for i in range(4)]
    assert [r.at for r in course(looks)] == [s.at for s in looks[1:]]


def test_quantiles_lie_in_the_bucket_that_numpy_finds_them_in():
    values = np.random.default_rng(1).exponential(0.1, 5000)
    bounds = [0.01 * 1.3**i for i in range(30)] + [float("inf")]
    buckets = {b: float((values <= b).sum()) for b in bounds}
    for share in (0.1, 0.5, 0.95, 0.99):
        assert quantile(share, buckets) == pytest.approx(np.quantile(values, share), rel=0.15)
    assert quantile(0.5, {1.0: 0.0, float("inf"): 0.0}) is None
    assert quantile(0.5, {1.0: 0.0, float("inf"): 3.0}) == 1.0
