"""A real Alertmanager (Debian's package `prometheus-alertmanager`) sends its alerts to the collector's inbox."""

import time
from datetime import UTC, datetime

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from services.collector.app import create_app
from services.collector.settings import CollectorSettings
from testkit.serving import serving
from testkit.stack import alertmanager as rig
from testkit.waiting import wait_for

KEY, READER = "key-of-the-alertmanager", "key-of-a-reader-0123"

pytestmark = pytest.mark.skipif(rig.MISSING, reason="there is no Alertmanager on this machine")


@pytest.fixture
def collector(tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(f"{KEY} ingest\n{READER} read\n")
    settings = CollectorSettings(port=0, state=tmp_path / "state", api_keys_file=keys, log_level="warning")
    with serving(create_app(settings, CollectorRegistry())) as url:
        wait_for(lambda: httpx2.get(f"{url}/health/ready").is_success)
        yield url


@pytest.fixture
def alertmanager(tmp_path, collector):
    """Alerts go to the collector within a second."""
    (tmp_path / "key").write_text(KEY)
    authorization = f"http_config: {{authorization: {{credentials_file: {tmp_path}/key}}}}"
    receivers = f"receivers: [{{name: all, webhook_configs: [{{url: '{collector}/v1/alerts', {authorization}}}]}}]"
    with rig.alertmanager(tmp_path, receivers) as started:
        yield started


def inbox(url, **query):
    return httpx2.get(f"{url}/v1/alerts", params=query, headers={"Authorization": f"Bearer {READER}"}).json()["alerts"]


def test_an_alert_fires_is_repeated_as_one_and_is_resolved(collector, alertmanager):
    alertmanager.fire()
    wait_for(lambda: inbox(collector, status="firing"), 60)
    (alert,) = inbox(collector)
    assert (alert["name"], alert["severity"], alert["model"], alert["version"]) == (
        "DriftDetected", "warning", "houses", "1",
    )  # fmt: skip
    assert (alert["runbook_url"], alert["summary"], alert["ends_at"]) == (rig.RUNBOOK, "houses drifts", None)
    assert 60 <= time.time() - datetime.fromisoformat(alert["starts_at"]).timestamp() < 300

    alertmanager.fire(instance="b")  # the group is sent anew, the first alert with it
    wait_for(lambda: len(inbox(collector, status="firing")) == 2, 60)

    alertmanager.fire(ends_at=datetime.now(UTC))
    wait_for(lambda: inbox(collector, status="resolved"), 60)
    (resolved,) = inbox(collector, status="resolved")
    assert (resolved["id"], resolved["fingerprint"]) == (alert["id"], alert["fingerprint"])
    assert resolved["ends_at"] is not None
    assert len(inbox(collector, status="firing")) == 1
