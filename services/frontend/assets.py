"""Streamlit's own scripts, styles and fonts, answered from memory and compressed once.

A first view asks for some eighty of them, 3 MB. Streamlit reads each from disk in pieces and sends it as it is: a fifth
of a second of processor time a visitor, and three times the bytes over a network.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, NamedTuple

from anyio import to_thread

_KINDS = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".woff2": "font/woff2",
    ".woff": "font/woff",
}
_COMPRESSIBLE = frozenset({".js", ".css"})
_HASHED = re.compile(r"\.[\w-]{8}\.\w+$")
_FOREVER = ((b"cache-control", b"public, immutable, max-age=31536000"), (b"x-content-type-options", b"nosniff"))
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Asset(NamedTuple):
    """A file's bytes; `packed` by gzip, None where that gains nothing."""

    body: bytes
    packed: bytes | None
    kind: str


class Files:
    """The files of a folder whose names hold a hash of what is in them, so that they never change; by their address.

    What is no such file is not found, whatever a caller writes: names are looked up, never joined.
    """

    def __init__(self, root: Path) -> None:
        found = (path for path in (root / "static").rglob("*") if _HASHED.search(path.name) and path.suffix in _KINDS)
        self._paths = {f"/{path.relative_to(root).as_posix()}": path for path in found}
        self._index = root / "index.html"
        self.ready: dict[str, Asset] = {}

    def __contains__(self, address: str) -> bool:
        return address in self._paths

    def get(self, address: str) -> Asset:
        """Read and packed on first demand, which may take some hundredths of a second; `ready` from then on."""
        if address not in self.ready:
            self.ready[address] = _read(self._paths[address])
        return self.ready[address]

    def warm(self) -> None:
        """Read what every visit begins with: the files that index.html names."""
        named = re.findall(r'(?:src|href)="\./(static/[^"]+)"', self._index.read_text())
        for address in (f"/{name}" for name in named):
            if address in self:
                self.get(address)


class Assets:
    """ASGI middleware that answers for `files` and passes on all else."""

    def __init__(self, app: App, files: Files) -> None:
        self._app, self._files = app, files

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or path not in self._files:
            await self._app(scope, receive, send)
            return
        asset = self._files.ready.get(path)
        if asset is None:
            asset = await to_thread.run_sync(self._files.get, path)
        packed = asset.packed if b"gzip" in dict(scope["headers"]).get(b"accept-encoding", b"") else None
        body = packed or asset.body
        headers = [*_FOREVER, (b"content-type", asset.kind.encode()), (b"content-length", str(len(body)).encode())]
        headers += [(b"vary", b"Accept-Encoding")] if asset.packed else []
        headers += [(b"content-encoding", b"gzip")] if packed else []
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    packed = gzip.compress(body, 6, mtime=0) if path.suffix in _COMPRESSIBLE else None
    return Asset(body, packed if packed and len(packed) < len(body) else None, _KINDS[path.suffix])
