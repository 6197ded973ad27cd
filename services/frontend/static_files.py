"""Streamlit's own scripts, styles and fonts, answered from memory and compressed once.

A first view asks for some eighty of them, 3 MB. Streamlit reads each from disk in pieces and sends it uncompressed: a
fifth of a second of processor time a visitor, and three times the bytes over a network.
"""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import NamedTuple

from anyio import to_thread
from starlette.types import ASGIApp, Receive, Scope, Send

_CONTENT_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".woff2": "font/woff2",
    ".woff": "font/woff",
}
_COMPRESSIBLE = frozenset({".js", ".css"})
_HASHED = re.compile(r"\.[\w-]{8}\.\w+$")
_FOREVER = ((b"cache-control", b"public, immutable, max-age=31536000"), (b"x-content-type-options", b"nosniff"))


class StaticFile(NamedTuple):
    """A file's bytes; `compressed` by gzip, None where that gains nothing."""

    body: bytes
    compressed: bytes | None
    content_type: str


class StaticFiles:
    """The files of a folder whose names hold a hash of their content, so that they never change; by their address.

    Names are looked up and never joined to a path, so that a caller can reach nothing else.
    """

    def __init__(self, root: Path) -> None:
        found = (p for p in (root / "static").rglob("*") if _HASHED.search(p.name) and p.suffix in _CONTENT_TYPES)
        self._paths = {f"/{path.relative_to(root).as_posix()}": path for path in found}
        self._index = root / "index.html"
        self.ready: dict[str, StaticFile] = {}

    def __contains__(self, address: str) -> bool:
        return address in self._paths

    def get(self, address: str) -> StaticFile:
        """Read and compressed on first demand, which may take some hundredths of a second; `ready` from then on."""
        if address not in self.ready:
            self.ready[address] = _read(self._paths[address])
        return self.ready[address]

    def warm(self) -> None:
        """Read what every visit begins with: the files that index.html names."""
        named = re.findall(r'(?:src|href)="\./(static/[^"]+)"', self._index.read_text())
        for address in (f"/{name}" for name in named):
            if address in self:
                self.get(address)


class ServeStaticFiles:
    """ASGI middleware that answers for `files` and passes on all else."""

    def __init__(self, app: ASGIApp, files: StaticFiles) -> None:
        self._app, self._files = app, files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or path not in self._files:
            await self._app(scope, receive, send)
            return
        file = self._files.ready.get(path)
        if file is None:
            file = await to_thread.run_sync(self._files.get, path)
        compressed = file.compressed if b"gzip" in dict(scope["headers"]).get(b"accept-encoding", b"") else None
        body = compressed or file.body
        headers = [*_FOREVER, (b"content-type", file.content_type.encode())]
        headers += [(b"content-length", str(len(body)).encode())]
        headers += [(b"vary", b"Accept-Encoding")] if file.compressed else []
        headers += [(b"content-encoding", b"gzip")] if compressed else []
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _read(path: Path) -> StaticFile:
    body = path.read_bytes()
    compressed = gzip.compress(body, 6, mtime=0) if path.suffix in _COMPRESSIBLE else None
    smaller = compressed if compressed and len(compressed) < len(body) else None
    return StaticFile(body, smaller, _CONTENT_TYPES[path.suffix])
