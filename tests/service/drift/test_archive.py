"""What the database has dropped is read from the archive: the same records, the same verdict."""

import random
import time

import httpx2
import pyarrow as pa
import pytest

from pilothouse.manifest import Feature, Manifest, Output, TabularInput
from services.drift.archive.reader import ArchiveReader
from services.drift.archive.records import ArchivedRecords
from services.drift.errors import CollectorAwayError
from services.drift.window import SCORED_ROWS, Window
from testkit.drift.real import MODELS, house_frames, house_inputs, packed, parts
from testkit.drift.running import running_drift
from testkit.drift.stack import running_collector
from testkit.waiting import wait_for

DAY_MS = 86_400_000
NOTES = Manifest(
    name="notes",
    version="1",
    task="regression",
    input=TabularInput(features=(Feature(name="area", type="number"), Feature(name="sold", type="datetime"))),
    output=Output(target="price"),
)
NAMES = ["area", "sold", "prediction"]


@pytest.fixture(params=["files", "s3"])
def place(request, tmp_path):
    return f"file://{tmp_path}/archive" if request.param == "files" else request.getfixturevalue("bucket")


@pytest.fixture
def stores(tmp_path, place):
    """Start a collector on one database, with these settings, until the block ends."""
    return lambda **settings: running_collector(
        tmp_path / "collector", archive_url=place, archive_delay_hours=0, **settings
    )


def archived(collector, count):
    """Write the archive now, and wait until it has so many days."""
    httpx2.post(f"{collector.url}/v1/archive/runs").raise_for_status()
    wait_for(lambda: len(httpx2.get(f"{collector.url}/v1/archive").json()["days"]) >= count, 60)


def dropped(collector, count):
    query = {"dropped": True}
    wait_for(lambda: len(httpx2.get(f"{collector.url}/v1/archive", params=query).json()["days"]) >= count, 60)


def records(collector, place):
    import os

    reader = ArchiveReader(place, timeout_seconds=60, environment=os.environ)
    return ArchivedRecords(collector.url, None, 20, reader=reader)


def log_days(collector, ages, rows):
    """Rows of so many days, each day's at one minute after noon or so; their ids."""
    collector.announce(NOTES)
    midnight = time.time_ns() // 1_000_000 // DAY_MS * DAY_MS
    now = time.time_ns() // 1_000_000
    values = [[float(i), 1_700_000_000_000 + i, None if i % 7 else float(i)] for i in range(rows * len(ages))]
    spread = [now - (midnight - age * DAY_MS) - 40_000_000 - i for age in ages for i in range(rows)]
    return collector.log(NOTES, NAMES, values, spread)


def day_start(age):
    return time.time_ns() // 1_000_000 // DAY_MS * DAY_MS - age * DAY_MS


async def both(collector_before, stores, place, window, days, **options):
    """The window as the collector answers it, and after it was archived and dropped."""
    source = records(collector_before, place)
    before = await source.read("notes", "1", window, NAMES, **options)
    await source.close()
    archived(collector_before, days)
    collector_before.stop()
    with stores(retention_days=1) as collector:
        dropped(collector, days)
        source = records(collector, place)
        after = await source.read("notes", "1", window, NAMES, **options)
        await source.close()
    return before, after


async def test_a_window_that_was_dropped_has_the_same_records_columns_and_types(stores, place):
    with stores() as collector:
        ids = log_days(collector, (5, 4, 3), 300)
        collector.label(ids[::3], [float(i) for i in range(len(ids[::3]))])
        window = Window(start_ms=day_start(5), end_ms=day_start(2))
        before, after = await both(collector, stores, place, window, 3, with_labels=True)
    assert after.window_rows == before.window_rows == 900
    assert after.table.equals(before.table)


async def test_a_large_window_has_the_same_sample(stores, place):
    with stores() as collector:
        log_days(collector, (5, 4), 6000)
        window = Window(start_ms=day_start(5) + 30_000_000, end_ms=day_start(3))
        before, after = await both(collector, stores, place, window, 2)
    assert after.table.num_rows == SCORED_ROWS
    assert after.table.equals(before.table)
    assert after.window_rows == 12_000
    assert before.window_rows == pytest.approx(12_000, rel=0.1)


async def test_bounds_within_a_day_are_kept_and_labels_can_be_asked_for(stores, place):
    with stores() as collector:
        ids = log_days(collector, (4,), 2000)
        collector.label(ids[::2], [1.0] * 1000)
        start = day_start(4) + 40_000_000
        window = Window(start_ms=start + 500, end_ms=start + 1500)
        before, after = await both(collector, stores, place, window, 1, with_labels=True, only_labelled=True)
    assert 0 < after.table.num_rows < 1000
    assert after.table.equals(before.table)


async def test_a_window_in_both_is_put_together(stores, place):
    with stores() as collector:
        log_days(collector, (4, 3, 0), 40)
        archived(collector, 2)
    with stores(retention_days=1) as collector:
        dropped(collector, 2)
        source = records(collector, place)
        whole = await source.read("notes", "1", Window(start_ms=day_start(4)), NAMES)
        old = await source.read("notes", "1", Window(start_ms=day_start(4), end_ms=day_start(1)), NAMES)
        new = await source.read("notes", "1", Window(start_ms=day_start(1)), NAMES)
        await source.close()
    assert (whole.window_rows, old.window_rows, new.window_rows) == (120, 80, 40)
    assert whole.table.equals(pa.concat_tables([old.table, new.table]))


async def test_of_a_model_without_recent_records_something_is_known(stores, place):
    with stores() as collector:
        log_days(collector, (4,), 10)
        archived(collector, 1)
    with stores(retention_days=1) as collector:
        dropped(collector, 1)
        source = records(collector, place)
        assert await source.newest("notes", "1") is not None
        assert await source.newest("notes", "2") is None
        await source.close()


async def test_an_archive_that_is_away_is_said(stores, place, tmp_path):
    with stores() as collector:
        log_days(collector, (4,), 10)
        archived(collector, 1)
    with stores(retention_days=1) as collector:
        dropped(collector, 1)
        source = records(collector, f"file://{tmp_path}/elsewhere")
        with pytest.raises(CollectorAwayError, match="the archive cannot be read: FileNotFoundError"):
            await source.read("notes", "1", Window(start_ms=day_start(5)), NAMES)
        await source.close()


def test_the_verdict_on_last_weeks_sales_is_the_same_from_the_archive(stores, place, tmp_path):
    """Real sales of 1998, which have drifted, scored from the database and, when it has dropped them, again."""
    inputs = house_inputs(house_frames()["1998"].sample(600, random_state=1))
    model = packed("house-prices")
    window = {"model": "house-prices", "from": day_start(5), "to": day_start(2)}
    with stores() as collector, running_drift(MODELS, tmp_path / "drift", collector.url) as client:
        collector.announce(model.manifest)
        rows = [list(row) for part in parts(inputs) for row in model.log_rows(part, model.run(part))]
        elapsed = time.time_ns() // 1_000_000 - day_start(0)
        ages = [elapsed + 3 * DAY_MS - random.Random(i).randrange(DAY_MS) for i in range(len(rows))]
        collector.log(model.manifest, [c.name for c in model.columns_logged], rows, ages)
        before = client.post("/drift/run", params=window).json()
        archived(collector, 1)
    with (
        stores(retention_days=1) as collector,
        running_drift(MODELS, tmp_path / "drift", collector.url, archive_url=place) as client,
    ):
        dropped(collector, 1)
        after = client.post("/drift/run", params=window).json()
    assert before["verdict"] == "drift"
    assert {k: v for k, v in after.items() if k not in ("at", "newest")} == {
        k: v for k, v in before.items() if k not in ("at", "newest")
    }
