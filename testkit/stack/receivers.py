"""Who gets messages, on the loopback: a real mail server (aiosmtpd), and a web server that keeps what is posted."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from testkit.ports import free_port


@dataclass
class Mailbox:
    """The address is `host`:`port`. With a `password` nobody is heard who does not log in as ann with it, and with
    `tls` nobody who does not speak STARTTLS before that."""

    password: str | None = None
    tls: ssl.SSLContext | None = None
    refuses: str = ""
    host: str = "127.0.0.1"
    port: int = field(default_factory=free_port)
    messages: list[EmailMessage] = field(default_factory=list)

    def texts(self) -> list[str]:
        """The subject and the plain text of each."""
        return [f"{m['Subject']}\n{_part(m, 'plain')}" for m in self.messages]

    def html(self) -> list[str]:
        return [_part(message, "html") for message in self.messages]

    async def handle_MAIL(self, _: SMTP, session: Session, envelope: Envelope, address: str, __: list[str]) -> str:
        if self.password and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        return "250 ok"

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]) -> str:
        if address == self.refuses:
            return "550 5.1.1 nobody of this name here"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        self.messages.append(message_from_bytes(content, policy=policy.default))
        return "250 ok"

    def authenticate(self, _: SMTP, __: Session, ___: Envelope, ____: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        right = (given.login, given.password) == (b"ann", str(self.password).encode())
        return AuthResult(success=right, handled=False)


def _part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    return found.get_content().replace("\r\n", "\n") if found else ""


@contextmanager
def mail_server(mailbox: Mailbox) -> Iterator[Mailbox]:
    """Its server, until the end."""
    controller = Controller(
        mailbox, hostname=mailbox.host, port=mailbox.port, authenticator=mailbox.authenticate,
        tls_context=mailbox.tls, require_starttls=mailbox.tls is not None, auth_require_tls=mailbox.tls is not None,
        auth_exclude_mechanism=["LOGIN"],  # which it speaks in words that Alertmanager does not know
    )  # fmt: skip
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


@dataclass
class WebServer:
    """`posted` has the path and the JSON of each request; every one is answered with `status`."""

    url: str
    status: int = 200
    posted: list[tuple[str, Any]] = field(default_factory=list)

    def at(self, path: str) -> list[Any]:
        """What was posted to a path."""
        return [body for found, body in self.posted if found == path]


@contextmanager
def web_server() -> Iterator[WebServer]:
    """One on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.posted.append((self.path, json.loads(body)))
            self.send_response(kept.status)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept = WebServer(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
