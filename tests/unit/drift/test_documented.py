"""What users rely on is written down, and every error has a status."""

from pathlib import Path
from typing import get_args

import pytest
from prometheus_client import CollectorRegistry

from pilothouse.serving.settings import ServiceSettings
from pilothouse.wire.drift import DriftReason
from pilothouse.wire.performance import PerformanceReason
from services.drift import errors
from services.drift.app import ERRORS
from services.drift.metrics import DriftMetrics, ReportMetrics
from services.drift.performance.gauges import PerformanceMetrics
from services.drift.routes.report import encode
from services.drift.settings import DriftSettings

ROOT = Path(errors.__file__).parents[2]
README, METRICS, SETTINGS = (
    (ROOT / page).read_text(encoding="utf-8")
    for page in ("services/drift/README.md", "docs/monitoring.md", "docs/settings.md")
)


@pytest.mark.parametrize("name", sorted(set(DriftSettings.model_fields) - set(ServiceSettings.model_fields)))
def test_every_setting_is_documented(name):
    assert f"`PILOTHOUSE_{name.upper()}`" in SETTINGS


def test_every_metric_is_documented():
    registry = CollectorRegistry()
    DriftMetrics(registry, lambda: 0)
    ReportMetrics(registry)
    PerformanceMetrics(registry)
    names = [m.name + ("_total" if m.type == "counter" else "") for m in registry.collect()]
    assert [n for n in names if f"`{n}`" not in METRICS] == []


@pytest.mark.parametrize("reason", sorted({*get_args(DriftReason), *get_args(PerformanceReason)}))
def test_every_reason_is_documented(reason):
    assert f"`{reason}`" in README


def test_every_error_has_a_status():
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and k.__module__ == errors.__name__]
    assert [k for k in kinds if k is not errors.DriftError and not set(k.__mro__) & set(ERRORS)] == []


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip, deflate", True),
        ("br;q=1, gzip;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip;q=1.", True),
        ("gzip;q=.", False),
        ("gzip;q=1.2.3", False),
        ("identity", False),
        (None, False),
    ],
)
def test_bodies_are_packed_for_those_who_take_it(accepted, packed):
    import gzip

    body, headers = encode(gzip.compress(b"page"), accepted)
    assert (body == b"page") is not packed
    assert ("Content-Encoding" in headers) is packed
