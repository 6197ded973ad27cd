"""A page of another site may not open a connection to this one in its visitor's name.

Streamlit refuses that too, but before it does it asks a server on the internet for this machine's public address, and
holds its event loop up to two seconds for that. Nothing of ours calls outside: what is not of one origin ends here.
A proxy in front has to pass on the `Host` that the visitor asked for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

_POLICY_VIOLATION = 1008
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class SameOrigin:
    """ASGI middleware that refuses WebSockets from elsewhere (the answer is 403)."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and not is_same_origin(dict(scope["headers"])):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        await self._app(scope, receive, send)


def is_same_origin(headers: Mapping[bytes, bytes]) -> bool:
    """Whether the browser's `Origin` is the host that was asked. Programs send none and may pass."""
    origin = headers.get(b"origin")
    return origin is None or urlsplit(origin).netloc == headers.get(b"host")
