"""One connection to a server, byte by byte."""

from __future__ import annotations

import socket
from typing import Self


class Connection:
    """Sends `data` at once."""

    def __init__(self, port: int, data: bytes = b"") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.received = b""
        self.send(data)

    def send(self, data: bytes) -> Self:
        self.socket.sendall(data)
        return self

    def until(self, wanted: bytes) -> bytes:
        """What was received, when `wanted` is in it."""
        while wanted not in self.received:
            more = self.socket.recv(65_536)
            assert more, self.received[-300:]
            self.received += more
        return self.received

    def to_the_end(self) -> bytes:
        """What was received when the server ended the connection."""
        while more := self.socket.recv(65_536):
            self.received += more
        return self.received

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def post(path: bytes, body: bytes = b"", more: bytes = b"") -> bytes:
    """A request; `more` are lines of its head."""
    return b"POST %b HTTP/1.1\r\nhost: localhost\r\n%bcontent-length: %d\r\n\r\n%b" % (path, more, len(body), body)
