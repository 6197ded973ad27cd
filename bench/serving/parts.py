"""`python -m bench.serving.parts PORT WORKERS`: what nobody who serves pictures can do without, and nothing beside it.

HTTP, the decoding, and the run of the model, shared by the pictures of one turn of the event loop; nothing is checked,
measured or logged, and the answer is a constant. What it reaches under the same load is what these parts allow.
"""

from __future__ import annotations

import asyncio
import io
import os
import sys
from typing import Any

import numpy as np
import onnxruntime as ort
import uvicorn
from PIL import Image

from pilothouse.serving.workers import reserve_port

_MOST = 32  # pictures of a run, as ours
_BODY = b'{"prediction":"yes"}'
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(_BODY)).encode())]


class Turns:
    """Runs the model on the pictures of a turn."""

    def __init__(self) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = ort.InferenceSession(os.environ["BENCH_IMAGES"], options)
        self._outputs = [output.name for output in self._session.get_outputs()]
        self._waiting: list[tuple[Any, asyncio.Future[None]]] = []

    async def run(self, pixels: Any) -> None:
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._turn)
        self._waiting.append((pixels, done := loop.create_future()))
        await done

    def _turn(self) -> None:
        turn, self._waiting = self._waiting, []
        for start in range(0, len(turn), _MOST):
            batch = turn[start : start + _MOST]
            self._session.run(self._outputs, {"image": np.stack([pixels for pixels, _ in batch])[..., None]})
            for _, done in batch:
                done.set_result(None)


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        scope["state"]["turns"] = Turns()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["method"] == "POST":
        body = (await receive())["body"]
        begin, end = body.find(b"\x89PNG"), body.rfind(b"IEND") + 8  # in a form as by itself
        await scope["state"]["turns"].run(np.asarray(Image.open(io.BytesIO(body[begin:end])), dtype=np.uint8))
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})


def main(port: int, workers: int) -> None:
    """Processes that take connections from one socket."""
    listening = reserve_port("127.0.0.1", port)
    for _ in range(workers - 1):
        if not os.fork():
            break
    uvicorn.Server(uvicorn.Config(app, loop="asyncio", http="httptools", access_log=False, log_level="warning")).run(
        [listening]
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
