"""What the scheduler's appraisals leave in the gauges when something goes wrong that nobody foresaw."""

import numpy as np
import pyarrow as pa
import pytest
from prometheus_client import CollectorRegistry

from pilothouse.wire.performance import EstimatedSide
from services.drift.performance.estimator import NoEstimator
from services.drift.performance.gauges import PerformanceMetrics
from services.drift.performance.learned_reference import LearnedReference
from services.drift.performance.monitor import PerformanceMonitor
from services.drift.records import Rows
from testkit.drift.frames import houses, manifest
from testkit.drift.stack import write_package

OF_HOUSES = {"model": "houses", "version": "1"}


class Records:
    """Labelled houses, all of them."""

    def __init__(self, table):
        self.table = table

    async def read(self, model, version, window, columns, **_):
        return Rows(self.table, self.table.num_rows)

    async def save_run(self, run, kind):
        pass


class References:
    """Knows nothing, or breaks."""

    broken = False

    async def get(self, package, wait_seconds):
        if self.broken:
            raise RuntimeError("a fault of ours")
        return LearnedReference(None, {}, NoEstimator(EstimatedSide(reason="reference-unlabelled")))


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def package(tmp_path):
    return write_package(tmp_path, manifest(performance_metric="mae", performance_floor=90), houses(50))


def labelled(rows=100):
    table = houses(rows)
    return table.append_column("label", pa.array(np.asarray(table.column("prediction")) + 1.0))


async def test_what_was_ok_is_unknown_when_it_cannot_be_appraised_any_more(registry, package):
    references = References()
    monitor = PerformanceMonitor(Records(labelled()), references, PerformanceMetrics(registry), lambda: 0)
    assert (await monitor.check(package)).verdict == "ok"
    references.broken = True
    with pytest.raises(RuntimeError):
        await monitor.check(package)
    computable = registry.get_sample_value("pilothouse_performance_computable", {**OF_HOUSES, "basis": "measured"})
    assert computable == 0
    assert registry.get_sample_value("pilothouse_performance_measured", {**OF_HOUSES, "metric": "mae"}) is None
    references.broken = False
    assert (await monitor.check(package)).verdict == "ok", "the same records are appraised again"


async def test_predictions_that_are_huge_and_all_the_same_are_appraised(registry, package):
    table = labelled()
    huge = table.set_column(table.column_names.index("prediction"), "prediction", pa.array(np.full(100, 1e17)))
    monitor = PerformanceMonitor(Records(huge), References(), PerformanceMetrics(registry), lambda: 0)
    assert (await monitor.check(package)).verdict == "below floor"
