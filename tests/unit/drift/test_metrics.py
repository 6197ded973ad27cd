"""What the gauges say of a run: why there is no verdict, and how old it is."""

from prometheus_client import CollectorRegistry

from pilothouse.wire.drift import ColumnDrift
from services.drift.metrics import DriftMetrics
from services.drift.run import run_of
from services.drift.verdict import WindowResult, unknown
from services.drift.window import Window
from testkit.drift.frames import manifest

KEY = {"model": "houses", "version": "1"}


class Gauges:
    """The metrics, a clock that is set, and a reader of series."""

    def __init__(self):
        self.registry, self.now = CollectorRegistry(), 0
        self.metrics = DriftMetrics(self.registry, lambda: self.now)

    def publish(self, result):
        run = run_of(manifest(), Window(rows=100), result, self.now)
        self.metrics.publish(run)
        return run

    def __call__(self, name, **labels):
        return self.registry.get_sample_value(f"pilothouse_drift_{name}", KEY | labels)


def no_drift(**shares):
    column = ColumnDrift(
        name="size",
        kind="number",
        stattest="wasserstein",
        status="compared",
        score=0.1,
        threshold=0.2,
        drifted=False,
        **shares,
    )
    return WindowResult("no drift", "compared", "0 of 1 columns drifted", 100, (column,))


def test_says_why_there_is_no_verdict_and_nothing_when_there_is_one():
    gauges = Gauges()
    gauges.publish(unknown("reference-damaged", "not the file that was packed"))
    assert gauges("unknown", reason="reference-damaged") == 1
    gauges.publish(unknown("too-few-rows", "3 rows"))
    assert gauges("unknown", reason="reference-damaged") is None
    assert gauges("unknown", reason="too-few-rows") == 1
    gauges.publish(no_drift())
    assert gauges("unknown", reason="too-few-rows") is None


def test_a_verdict_that_is_found_to_be_still_right_is_a_new_one():
    gauges = Gauges()
    run = gauges.publish(no_drift())
    gauges.now = 3_600_000
    assert gauges("age_seconds") == 3600
    gauges.metrics.confirmed(run)
    gauges.now += 5_000
    assert gauges("age_seconds") == 5


def test_what_the_reference_misses_stands_beside_what_the_window_misses():
    gauges = Gauges()
    gauges.publish(no_drift(missing_share=0.5, missing_share_reference=0.4))
    assert gauges("missing_share", column="size") == 0.5
    assert gauges("reference_missing_share", column="size") == 0.4


def test_a_version_that_is_not_watched_any_more_has_no_series():
    gauges = Gauges()
    gauges.publish(unknown("no-records", "nothing"))
    gauges.metrics.forget(("houses", "1"))
    assert [s for f in gauges.registry.collect() for s in f.samples if s.labels.get("reason") == "no-records"] == []
