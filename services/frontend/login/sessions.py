"""Who is logged in. It stands, signed, in a cookie of the visitor's browser, and nowhere here.

The secret comes from the keys: every replica knows the same visitors, and a changed key ends all sessions.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from itsdangerous import BadSignature, TimestampSigner

from pilothouse.serving.auth import Keys

_VALUE = "visitor"


class Sessions:
    """Sessions of visitors. `cookie` is the name of theirs: a browser keeps one jar for all ports of a machine, where
    another stack may have another."""

    def __init__(self, keys: Keys, hours: float, clock: Callable[[], float] = time.time) -> None:
        secret = keys.secret(b"page sessions")
        self.seconds = hours * 3600
        self.cookie = f"pilothouse-{hashlib.sha256(secret).hexdigest()[:8]}"
        self._clock = clock
        self._signer = TimestampSigner(secret, digest_method=hashlib.sha256, key_derivation="hmac")
        self._signer.get_timestamp = lambda: int(clock())  # type: ignore[method-assign]  # its own is time.time()

    def begin(self) -> str:
        """What the cookie of a new session holds."""
        return self._signer.sign(_VALUE).decode()

    def seconds_left(self, cookie: str | None) -> float:
        """Of the session whose cookie that is; 0 when it is over, or was never ours."""
        try:
            _, begun = self._signer.unsign(cookie or "", max_age=int(self.seconds), return_timestamp=True)
        except BadSignature:
            return 0.0
        return max(0.0, begun.timestamp() + self.seconds - self._clock())
