"""What the collector answers has the keys that its callers rely on, and readers ignore what they do not know."""

from typing import Any

import msgspec
import pytest

from pilothouse.wire.alerts import Alert, AlertPage
from pilothouse.wire.archive import ArchivedDay, ArchivedDays
from pilothouse.wire.labels import GivenLabel, LabelHistory, LabelResult, RefusedLabel
from pilothouse.wire.models import AnnouncedModels, Announcement, ModelStats, Stats
from pilothouse.wire.records import DeadLetter, DeadLetterPage, EventResult, IngestResult, RecordPage, Rejected
from pilothouse.wire.runs import DriftRunPage, Lease, LeaseRequest, PerformanceRunPage

AT = "2026-11-20T08:00:00.000Z"
DAY = ArchivedDay("m", "1", "2026-11-20", "model=m", 3, 100, dropped=True, written_at=AT, start=AT, end=AT)
ANSWERS = [
    AlertPage([Alert("Drift", "firing", "it drifts", model="m", starts_at=AT, annotations={"runbook_url": "/r"})], 7),
    ArchivedDays("gs://b", None, [DAY]),
    LabelHistory("id", [GivenLabel("cat", AT, AT)]),
    LabelResult(1, 0, [RefusedLabel(0, None, "type", "must be text")]),
    Announcement("m", "1", "records_m", "abc", created=True, updated=False),
    Stats([ModelStats("m", "1", 5, AT, AT, 2)]),
    DeadLetterPage([DeadLetter(1, AT, "m", "1", None, "type", "must be text", "{}")], None),
    EventResult("joined", 1),
    IngestResult(1, 0, [Rejected("id", 0, 1, "type", "must be text")]),
    RecordPage(["id"], [{"id": "x"}], "next", "m", "1", 9),
    Lease("drift", "drift-0", AT),
    LeaseRequest("drift-0", 30),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda a: type(a).__name__)
def test_an_answer_is_read_as_it_was_written_and_may_grow(answer):
    written = msgspec.json.decode(msgspec.json.encode(answer))
    assert msgspec.convert(written | {"something new": 1}, type(answer)) == answer


def test_the_bounds_of_an_archived_day_are_called_from_and_to():
    assert {"from", "to"} <= msgspec.to_builtins(DAY).keys()


def test_an_event_that_waits_says_no_more_than_that():
    assert msgspec.json.encode(EventResult("waiting")) == b'{"outcome":"waiting"}'


@pytest.mark.parametrize(("page", "key"), [(DriftRunPage, "drift_runs"), (PerformanceRunPage, "performance_runs")])
def test_runs_are_decoded_as_the_reader_wants(page, key):
    body = msgspec.json.encode({key: [{"model": "m", "verdict": "drift", "more": 1}], "next": 3})
    assert msgspec.json.decode(body, type=page[dict[str, Any]]).next == 3
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=page[int])


def test_models_are_listed_by_name_and_version_at_least():
    assert msgspec.json.decode(b'{"models":[{"model":"m","version":"1"}]}', type=AnnouncedModels).models[0].model == "m"
