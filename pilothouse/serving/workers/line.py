"""Questions and answers between processes of one machine: a word in, bytes out, over a unix socket."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

Answers = Mapping[str, Callable[[], bytes]]


class Line:
    """Answers on the socket at `path`, each question in a thread of its own, until it is closed."""

    def __init__(self, path: Path, answers: Answers) -> None:
        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                answer = answers.get(self.rfile.readline(100).decode("ascii", "replace").strip())
                if answer:
                    self.wfile.write(answer())

        path.unlink(missing_ok=True)  # of one that was killed
        self._server = _Server(str(path), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


def ask(path: Path, question: str, seconds: float) -> bytes:
    """The whole answer. Raises OSError when nobody answers in time, or there is none."""
    parts = []
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        connection.connect(str(path))
        connection.sendall(question.encode() + b"\n")
        while part := connection.recv(65_536):
            parts.append(part)
    if not parts:
        raise OSError(f"no answer to {question!r}")
    return b"".join(parts)
