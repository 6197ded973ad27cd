"""API keys with scopes: `Authorization: Bearer KEY`, or `Basic` with the key as password.

Without a keys file everything is open, as on a laptop.

In the file, `anonymous` in place of a key says what callers without one may do.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal, get_args

from fastapi import Request

from pilothouse.errors import PilothouseError

Scope = Literal["predict", "ingest", "read", "admin"]
ANONYMOUS = "anonymous"


class UnauthorisedError(PilothouseError):
    """No key, or one that is not known."""


class ForbiddenError(PilothouseError):
    """A known key that lacks the scope."""


class Keys:
    """Known keys, held as hashes. None means that no key is asked for."""

    def __init__(self, scopes: dict[str, frozenset[str]] | None = None) -> None:
        self._scopes = None if scopes is None else {_hash(key.encode()): s for key, s in scopes.items()}

    @property
    def open(self) -> bool:
        return self._scopes is None

    @classmethod
    def read(cls, path: Path | None) -> Keys:
        """Keys of a file with one `KEY scope,scope` a line. Raises PilothouseError naming the line that is wrong."""
        if path is None:
            return cls()
        scopes: dict[str, frozenset[str]] = {}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            key, _, names = line.strip().partition(" ")
            granted = frozenset(n.strip() for n in names.split(",") if n.strip())
            if (len(key) < 16 and key != ANONYMOUS) or not granted or granted - set(get_args(Scope)):
                known = ", ".join(get_args(Scope))
                raise PilothouseError(f"{path}:{number}: expected KEY (at least 16 characters) and scopes of {known}")
            scopes[key] = granted
        return cls(scopes)

    def check(self, authorization: bytes | None, scope: Scope) -> None:
        """Raises UnauthorisedError or ForbiddenError; `admin` holds every scope."""
        if self._scopes is None:
            return
        granted = self._granted(authorization)
        if granted is None:
            raise UnauthorisedError("send a known API key as `Authorization: Bearer KEY`")
        if scope not in granted and "admin" not in granted:
            if authorization is None:
                raise UnauthorisedError(f"this needs an API key with the scope {scope!r}: `Authorization: Bearer KEY`")
            raise ForbiddenError(f"this key lacks the scope {scope!r}")

    def _granted(self, authorization: bytes | None) -> frozenset[str] | None:
        """A wrong key is refused where none would do: its owner believes that it works."""
        known, anonymous = self._scopes or {}, ANONYMOUS.encode()
        if authorization is None:
            return known.get(_hash(anonymous))
        key = _key_of(authorization)
        return known.get(_hash(key)) if key not in (None, anonymous) else None


def _key_of(authorization: bytes) -> bytes | None:
    """Of `Bearer KEY`; and of `Basic USER:KEY`, for senders that can be given no header but an address with a key in
    it, as KServe's logger: http://kserve:KEY@collector/v1/cloudevents."""
    kind, _, value = authorization.strip().partition(b" ")
    if kind.lower() == b"bearer":
        return value.strip()
    if kind.lower() != b"basic":
        return None
    try:
        return base64.b64decode(value.strip(), validate=True).partition(b":")[2]
    except binascii.Error:
        return None


def require(scope: Scope) -> Callable[[Request], Awaitable[None]]:
    """A FastAPI dependency: `Depends(require("read"))`."""

    async def check(request: Request) -> None:
        keys: Keys = request.app.state.keys
        header = request.headers.get("authorization")
        keys.check(header.encode("latin-1") if header else None, scope)

    return check


def _hash(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
