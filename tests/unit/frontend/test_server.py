"""The page as a process: it answers as every service does, and it goes when it is told to."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack

import httpx2
import psutil
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from testkit.connection import Connection
from testkit.frontend.process import ROOT, page_process, rerun
from testkit.frontend.proxied import DriftStandIn
from testkit.serving import serving
from testkit.waiting import wait_for


@pytest.fixture
def start():
    with ExitStack() as stack:
        yield lambda **environment: stack.enter_context(page_process(**environment))


def test_it_answers_health_and_metrics_and_ends_cleanly(start):
    process, port = start()
    address = f"http://127.0.0.1:{port}"
    assert httpx2.get(f"{address}/health/live").json() == {"status": "live"}
    assert httpx2.get(f"{address}/health/ready").json() == {"status": "ready"}
    assert "pilothouse_page_calls_total" in httpx2.get(f"{address}/metrics").text
    assert "<title>" in httpx2.get(address).text
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 0
    assert not [child for child in children if child.is_running()]


def test_every_line_of_its_log_is_json(start):
    process, _ = start(PILOTHOUSE_LOG_FORMAT="json")
    process.send_signal(signal.SIGTERM)
    lines = process.communicate(timeout=10)[0].splitlines()
    assert lines
    assert all(line.startswith('{"') and '"service":"frontend"' in line for line in lines), lines


def test_a_visitor_who_waits_for_a_service_does_not_hold_it_back(start):
    asked, enough = threading.Event(), threading.Event()

    def hang(_):
        asked.set()
        enough.wait(30)
        return PlainTextResponse("late")

    with serving(Starlette(routes=[Route("/models", hang)])) as url:
        process, port = start(PILOTHOUSE_INFERENCE_URL=url, PILOTHOUSE_TIMEOUT_SECONDS="60")
        with connect(f"ws://127.0.0.1:{port}/_stcore/stream", subprotocols=["streamlit"]) as visitor:
            visitor.send(rerun())
            assert asked.wait(10)
            process.send_signal(signal.SIGTERM)
            assert process.wait(8) == 0
            enough.set()


def test_who_waits_for_the_drift_service_is_told_that_the_page_ends(start):
    drift = DriftStandIn()
    with serving(drift.app) as url:
        process, port = start(PILOTHOUSE_DRIFT_URL=url)
        head = b"GET /drift/history HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
        with Connection(port, head) as caller:
            wait_for(lambda: drift.open == 1)
            process.send_signal(signal.SIGTERM)
            assert caller.to_the_end().startswith(b"HTTP/1.1 503 ")
        assert process.wait(8) == 0
    assert "Traceback" not in process.stdout.read()


def test_a_page_of_another_site_is_refused_and_our_own_is_not(start):
    _, port = start()
    address = f"ws://127.0.0.1:{port}/_stcore/stream"
    with connect(address, origin=f"http://127.0.0.1:{port}", subprotocols=["streamlit"]):
        pass
    for origin in ("http://elsewhere.example", f"http://localhost:{port}", "null"):
        with pytest.raises(InvalidStatus) as refused:
            connect(address, origin=origin, subprotocols=["streamlit"])
        assert refused.value.response.status_code == 403


def test_a_wrong_line_of_the_keys_file_is_named(tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("# keys\nshort read\n")
    outcome = subprocess.run(
        [sys.executable, "-m", "services.frontend"],
        env=os.environ | {"PILOTHOUSE_API_KEYS_FILE": str(keys)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 2
    assert f"{keys}:2" in outcome.stderr


def test_a_wrong_setting_is_named():
    outcome = subprocess.run(
        [sys.executable, "-m", "services.frontend"],
        env=os.environ | {"FRONTEND_PORT": "many"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 2
    assert "FRONTEND_PORT='many'" in outcome.stderr
