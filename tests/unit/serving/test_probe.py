"""The health check that runs in the containers, against real answers."""

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pilothouse.serving.probe import listening_port, why_not_ready


@pytest.fixture
def answering():
    """A function that serves one status and body at every path, and gives the port."""
    servers = []

    def serve(status, body):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_port

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_service_that_is_ready_has_no_reason(answering):
    assert why_not_ready("127.0.0.1", answering(200, b"{}")) is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"detail": "database: not reached yet"}', "database: not reached yet"),
        (b"upstream away", "it answers 503"),
        (b"[]", "it answers 503"),
    ],
)
def test_one_that_is_not_says_why_where_it_can(answering, body, reason):
    assert why_not_ready("127.0.0.1", answering(503, body)) == reason


def test_nobody_there_is_a_reason():
    assert why_not_ready("127.0.0.1", 1) == "it does not answer yet"


@pytest.mark.parametrize(
    ("environment", "port"),
    [
        ({}, 8001),
        ({"PORT": "8080"}, 8080),
        ({"PORT": "8080", "COLLECTOR_PORT": "9"}, 9),
        ({"COLLECTOR_PORT": ""}, 8001),
    ],
)
def test_finds_the_port_as_the_service_does(environment, port):
    assert listening_port(environment, "COLLECTOR_PORT", 8001) == port


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_its_exit_status_is_the_health(answering, status, code):
    command = [sys.executable, "-m", "pilothouse.serving.probe", "NO_SUCH_PORT", str(answering(status, b"{}"))]
    assert subprocess.run(command, check=False, capture_output=True).returncode == code
