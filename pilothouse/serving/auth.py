"""API keys with scopes: `Authorization: Bearer KEY`, or `Basic` with the key as password.

Without a keys file everything is open, as on a laptop.

In the file, `anonymous` in place of a key says what callers without one may do.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal, get_args

from starlette.requests import Request

from pilothouse.errors import PilothouseError
from pilothouse.serving.problem import Entry, ErrorTable

Scope = Literal["predict", "ingest", "read", "admin"]
ANONYMOUS = "anonymous"


class UnauthorisedError(PilothouseError):
    """No key, or one that is not known."""


class AskUserError(UnauthorisedError):
    """The same to a browser, which asks its user for a key and calls again."""


class ForbiddenError(PilothouseError):
    """A known key that lacks the scope."""


ERRORS: ErrorTable = {
    UnauthorisedError: Entry(401, "unauthorised", "API key needed", {"WWW-Authenticate": "Bearer"}),
    AskUserError: Entry(401, "unauthorised", "API key needed", {"WWW-Authenticate": 'Basic realm="Pilothouse"'}),
    ForbiddenError: Entry(403, "forbidden", "This key may not do that"),
}


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

    def secret(self, purpose: bytes) -> bytes:
        """32 bytes that only who knows the file can have: the same in every process, others when a line changes."""
        lines = sorted(key + b" " + ",".join(sorted(s)).encode() for key, s in (self._scopes or {}).items())
        return hmac.digest(hashlib.sha256(b"\n".join(lines)).digest(), purpose, "sha256")

    def allow(self, authorization: bytes | None, scope: Scope) -> bool:
        """Whether `check` raises nothing."""
        try:
            self.check(authorization, scope)
        except (UnauthorisedError, ForbiddenError):
            return False
        return True

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
        try:
            keys.check(header.encode("latin-1") if header else None, scope)
        except (UnauthorisedError, ForbiddenError) as error:
            raise as_asked(error, request.headers.get) from None

    return check


def as_asked(error: Exception, header: Callable[[str], str | None]) -> Exception:
    """The same error; an AskUserError where the key of a browser was refused, whether it opened an address or one of
    our own pages (/docs) asked."""
    if not isinstance(error, UnauthorisedError | ForbiddenError):
        return error
    asked = "text/html" in (header("accept") or "") or header("sec-fetch-site") == "same-origin"
    return AskUserError(str(error)) if asked else error


def _hash(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
