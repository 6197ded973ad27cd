"""A real Alertmanager (Debian's package `prometheus-alertmanager`) sends its alerts to the collector's inbox."""

import os
import shutil
import subprocess
import time
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from services.collector.app import create_app
from services.collector.settings import CollectorSettings
from testkit.ports import free_port
from testkit.serving import serving
from testkit.waiting import wait_for

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
REQUIRED = os.environ.get("PILOTHOUSE_REQUIRE_ALERTMANAGER") == "1"
KEY, READER = "key-of-the-alertmanager", "key-of-a-reader-0123"
RUNBOOK = "https://docs.example/runbooks.md#driftdetected"

pytestmark = pytest.mark.skipif(PROGRAM is None and not REQUIRED, reason="there is no Alertmanager on this machine")


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
    """Its address; alerts go to the collector within a second."""
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "alertmanager.yml").write_text(f"""
route: {{receiver: inbox, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers:
  - name: inbox
    webhook_configs:
      - url: {collector}/v1/alerts
        http_config: {{authorization: {{credentials_file: {tmp_path}/key}}}}
""")
    port = free_port()
    command = [PROGRAM, f"--config.file={tmp_path}/alertmanager.yml", f"--storage.path={tmp_path}/data",
               f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]  # fmt: skip
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: is_ready(url), 60)
        yield url
        process.kill()


def is_ready(url):
    try:
        return httpx2.get(f"{url}/-/ready").is_success
    except httpx2.TransportError:
        return False


def send(url, ends_at=None, **labels):
    """As Prometheus tells its Alertmanager."""
    alert = {
        "labels": {"alertname": "DriftDetected", "severity": "warning", "model": "houses", "version": "1"} | labels,
        "annotations": {"summary": "houses drifts", "runbook_url": RUNBOOK},
        "generatorURL": "http://prometheus:9090/graph?g0.expr=x",
        "startsAt": (datetime.now(UTC) - timedelta(minutes=1)).isoformat(),
    } | ({"endsAt": ends_at.isoformat()} if ends_at else {})
    httpx2.post(f"{url}/api/v2/alerts", json=[alert]).raise_for_status()


def inbox(url, **query):
    return httpx2.get(f"{url}/v1/alerts", params=query, headers={"Authorization": f"Bearer {READER}"}).json()["alerts"]


def test_an_alert_fires_is_repeated_as_one_and_is_resolved(collector, alertmanager):
    send(alertmanager)
    wait_for(lambda: inbox(collector, status="firing"), 60)
    (alert,) = inbox(collector)
    assert (alert["name"], alert["severity"], alert["model"], alert["version"]) == (
        "DriftDetected", "warning", "houses", "1",
    )  # fmt: skip
    assert (alert["runbook_url"], alert["summary"], alert["ends_at"]) == (RUNBOOK, "houses drifts", None)
    assert 60 <= time.time() - datetime.fromisoformat(alert["starts_at"]).timestamp() < 300

    send(alertmanager, instance="b")  # the group is sent anew, the first alert with it
    wait_for(lambda: len(inbox(collector, status="firing")) == 2, 60)

    send(alertmanager, ends_at=datetime.now(UTC))
    wait_for(lambda: inbox(collector, status="resolved"), 60)
    (resolved,) = inbox(collector, status="resolved")
    assert (resolved["id"], resolved["fingerprint"]) == (alert["id"], alert["fingerprint"])
    assert resolved["ends_at"] is not None
    assert len(inbox(collector, status="firing")) == 1
