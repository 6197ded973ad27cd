"""Google's metadata server as far as ID tokens go, over HTTP: what it was asked, and what it answers."""

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PATH = "/computeMetadata/v1/instance/service-accounts/default/identity"


class MetadataServer:
    """Tokens expire at `expires`, seconds since the epoch. `broken`: it answers 503."""

    def __init__(self, expires: float) -> None:
        self.expires, self.broken = expires, False
        self.audiences: list[str] = []

    def answer(self, path: str, headers: Mapping[str, str] | Message) -> tuple[int, str]:
        parts = urlsplit(path)
        if parts.path != PATH or headers.get("Metadata-Flavor") != "Google":
            return 403, "no"
        if self.broken:
            return 503, "not now"
        self.audiences.append(parse_qs(parts.query)["audience"][0])
        return 200, token(self.audiences[-1], self.expires, len(self.audiences))


def token(audience: str, expires: float, number: int = 1) -> str:
    """What has the shape of a token; Cloud Run, not we, looks at the signature."""
    claims = {"aud": audience, "exp": expires, "n": number}
    return ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in ({}, claims, "sig"))


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


@contextmanager
def serving_metadata(expires: float, host: str = "127.0.0.1") -> Iterator[tuple[MetadataServer, str]]:
    """The server and its address (host:port), until the block ends."""
    metadata = MetadataServer(expires)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, text = metadata.answer(self.path, self.headers)
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/text")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tests read standard error."""

    server = ThreadingHTTPServer((host, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield metadata, f"{host}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
