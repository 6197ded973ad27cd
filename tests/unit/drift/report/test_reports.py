"""Reports are made once for the same question, and not without bound."""

import asyncio
import gzip
import os

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from services.drift.errors import ReportsBusyError
from services.drift.metrics import ReportMetrics
from services.drift.monitor import Scored
from services.drift.reference.baseline import read_stamp
from services.drift.report.reports import PENDING, Reports
from services.drift.run import Basis, run_of
from services.drift.verdict import unknown
from services.drift.window import Window
from testkit.drift.frames import houses, manifest
from testkit.drift.stack import write_package


class Monitor:
    """Scores when it is let."""

    def __init__(self, records):
        self.let, self._records = asyncio.Event(), records

    async def basis(self, package):
        return Basis("0199", self._records.known, read_stamp(package))

    async def score(self, package, window, every_column=False):
        await self.let.wait()
        nothing = unknown("no-records", "none")
        return Scored(run_of(package.manifest, window, nothing, 0), nothing)


class Records:
    def __init__(self):
        self.known, self.labelled = 100, 0

    async def labels(self, model, version):
        return self.labelled


@pytest.fixture
def package(tmp_path):
    return write_package(tmp_path, manifest(), houses(50))


@pytest.fixture
def monitor(records):
    return Monitor(records)


@pytest.fixture
def records():
    return Records()


@pytest.fixture
async def reports(monitor, records):
    reports = Reports(monitor, records, None, ReportMetrics(CollectorRegistry()))
    yield reports
    await reports.close()


async def test_a_report_that_is_being_made_is_handed_out_though_records_have_come(reports, records, package):
    first = await reports.ask(package, Window(rows=100))
    records.known, records.labelled = 120, 3
    assert await reports.ask(package, Window(rows=100)) is first


async def test_a_span_is_the_same_question_a_minute_later(reports, package):
    first = await reports.ask(package, Window(start_ms=60_000), "1h")
    assert await reports.ask(package, Window(start_ms=120_000), "1h") is first
    assert await reports.ask(package, Window(start_ms=120_000)) is not first


async def test_what_came_late_or_was_replaced_makes_another_report(reports, monitor, records, package):
    monitor.let.set()
    first = await reports.ask(package, Window(rows=100))
    assert await reports.wait(first, 10)
    assert await reports.ask(package, Window(rows=100)) is first
    records.known += 1
    late = await reports.ask(package, Window(rows=100))
    assert await reports.wait(late, 10)
    os.utime(package.reference, (0, 0))
    replaced = await reports.ask(package, Window(rows=100))
    assert len({first.id, late.id, replaced.id}) == 3


async def test_more_reports_than_anybody_waits_for_are_refused(reports, monitor, package):
    begun = [await reports.ask(package, Window(rows=rows)) for rows in range(1, PENDING + 1)]
    with pytest.raises(ReportsBusyError):
        await reports.ask(package, Window(rows=PENDING + 1))
    assert await reports.ask(package, Window(rows=1)) is begun[0]
    monitor.let.set()
    assert all([await reports.wait(report, 10) for report in begun])
    last = await reports.ask(package, Window(rows=PENDING + 1))
    assert await reports.wait(last, 10)
    assert msgspec.json.decode(gzip.decompress(last.bodies["json"]))["evidently"] is None
