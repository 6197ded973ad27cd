"""An app that answers with what it was sent, served in both ways: by ASGI, and by RSGI with the ASGI app behind it."""

import asyncio
from types import SimpleNamespace

from pilothouse.serving.asgi import RsgiToAsgi
from testkit.serving import Serving

LARGE = b"x" * 4_000_000


async def app(scope, receive, send):
    path = scope["path"]
    if path == "/early":
        await reply(send, b"early", 413)
        return
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            app.left.append(body)
            return
        body += message.get("body", b"")
        if not message["more_body"]:
            break
    if path == "/late":
        await asyncio.sleep(0.4)
    if path == "/never":
        await asyncio.sleep(60)
    if path == "/half":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        await asyncio.sleep(60)
    if path == "/raises":
        raise RuntimeError("a bug")
    if path == "/scope":
        body = repr({k: v for k, v in scope.items() if k not in ("state", "extensions", "asgi")}).encode()
    await reply(send, LARGE if path == "/large" else path[1:].encode() + b" " + body)


async def reply(send, body, status=200):
    headers = [(b"content-length", b"%d" % len(body)), (b"x-more", b"1"), (b"x-more", b"2")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body[:2], "more_body": True})
    await send({"type": "http.response.body", "body": body[2:]})


app.left = []


class Rsgi(RsgiToAsgi):
    """As a service that answers some requests itself; this one answers none."""

    async def __rsgi__(self, scope, protocol):
        await self.answer(scope, protocol)


class WithHandler:
    def __init__(self):
        self.state = SimpleNamespace(handler=Rsgi(app))
        self.router = SimpleNamespace(lifespan_context=lambda _: self)

    async def __aenter__(self):
        pass

    async def __aexit__(self, *_):
        pass


SETTINGS = {"head_timeout_seconds": 1, "max_head_bytes": 8_192, "stop_seconds": 2}


def make(way):
    """`asgi` or `rsgi`."""
    return Serving(app if way == "asgi" else WithHandler(), **SETTINGS)
