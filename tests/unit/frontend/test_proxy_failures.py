"""What a caller is told when the drift service cannot be asked, and what happens when one of the two leaves.

tests/service/test_page_proxy.py has the real drift service.
"""

import socket
import threading
import time

import httpx2
import pytest

from testkit.connection import Connection
from testkit.frontend.proxied import BROWSER, page_server
from testkit.ports import closed_address
from testkit.waiting import wait_for


def test_a_service_that_is_away_is_a_problem_for_a_program_and_a_page_for_a_browser():
    with page_server(closed_address()) as (client, metrics):
        answer, page = client.get("/drift"), client.get("/drift-report", headers=BROWSER)
        unasked = client.get("/drift", headers=BROWSER)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.json()["type"] == "urn:pilothouse:problem:drift-away"
    assert int(answer.headers["retry-after"]) > 0
    assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert "<h1>The drift service does not answer</h1>" in page.text
    assert unasked.text == "the view"
    labels = {"service": "drift", "outcome": "away"}
    assert metrics.registry.get_sample_value("pilothouse_page_calls_total", labels) == 2


def test_a_service_that_hangs_costs_no_more_than_a_quick_call():
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        begun = time.monotonic()
        with page_server(f"http://127.0.0.1:{hanging.getsockname()[1]}", timeout_seconds=0.5) as (client, _):
            assert "no answer in time" in client.get("/drift").json()["detail"]
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("status", [401, 403, 421])
def test_a_page_that_is_refused_does_not_ask_its_caller_for_a_key(served, drift, status):
    drift.status = status
    answer, page = served.get("/drift"), served.get("/drift-report")
    assert (answer.status_code, answer.json()["type"]) == (502, "urn:pilothouse:problem:drift-refuses")
    assert "www-authenticate" not in answer.headers
    assert page.status_code == 200


@pytest.mark.parametrize("path", ["/drift/history", "/drift/distributions"])
def test_when_the_caller_leaves_the_question_ends_too(served, drift, path):
    """And many who wait keep nobody else from an answer."""
    head = f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode()
    for _ in range(2):
        callers = [Connection(served.base_url.port, head) for _ in range(150)]
        wait_for(lambda: drift.open == 150)
        assert served.get("/drift").status_code == 200
        for caller in callers:
            caller.socket.close()
        wait_for(lambda: drift.open == 0)
    assert served.get("/drift").status_code == 200
    if path == "/drift/history":  # whose head never came
        labels = {"method": "GET", "route": path, "status": "499"}
        assert served.metrics.registry.get_sample_value("pilothouse_http_requests_total", labels) == 300


def test_an_answer_that_is_cut_off_is_seen_to_be():
    def broken(listener):
        for body in (b"", b"half"):  # its health, and half of what it promises
            connection, _ = listener.accept()
            connection.recv(65_536)
            length = len(body) * 2
            connection.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % length + body)
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=broken, args=(listener,), daemon=True).start()
        with (
            page_server(f"http://127.0.0.1:{listener.getsockname()[1]}") as (client, _),
            pytest.raises(httpx2.RemoteProtocolError),
        ):
            client.get("/drift")
