"""Google's front end before a service: HTTPS, and an ID token for the service's address on every request.

The `Host` that was asked for is passed on.
"""

import http.client
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from testkit.metadata_server import claims
from testkit.stack.compose import run

HEADER = "X-Serverless-Authorization"
Headers = Mapping[str, str] | Message


class FrontEnd:
    """`address()` gives the ingress of the instance that is there now; `audience` is what tokens must be for."""

    def __init__(self, address: Callable[[], str], audience: str, timeout_seconds: float = 60) -> None:
        self._address, self._audience, self._timeout_seconds = address, audience, timeout_seconds
        self.answered: list[tuple[str, int]] = []  # path and status

    def refuses(self, headers: Headers) -> bool:
        """Whether a request has no valid token."""
        token = headers.get(HEADER, "").removeprefix("Bearer ")
        if token.count(".") != 2:
            return True
        found = claims(token)
        return bool(found["aud"] != self._audience or found["exp"] < time.time())

    def answer(self, method: str, path: str, headers: Headers, body: bytes) -> tuple[int, str, bytes]:
        """Status, content type and body."""
        if self.refuses(headers):
            return 401, "text/plain", b"the access token could not be verified"
        connection = http.client.HTTPConnection(self._address(), timeout=self._timeout_seconds)
        try:
            connection.request(method, path, body, dict(headers.items()))
            got = connection.getresponse()
            return got.status, got.headers["content-type"], got.read()
        finally:
            connection.close()


def make_certificate(folder: Path, host: str) -> tuple[Path, Path]:
    """Paths of a certificate for a host name, signed by itself, and of its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=front-end",
        "-addext", f"subjectAltName=DNS:{host}", "-out", str(certificate), "-keyout", str(key))  # fmt: skip
    certificate.chmod(0o444)
    return certificate, key


@contextmanager
def serving(front: FrontEnd, host: str, certificate: Path, key: Path) -> Iterator[None]:
    """Serve on port 443 of an address of this machine until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, kind, body = front.answer(self.command, self.path, self.headers, body)
            front.answered.append((self.path, status))
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Tests read standard error."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer((host, 443), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
