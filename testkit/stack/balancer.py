"""A plain round-robin HTTP balancer, as stands before replicas: each request to the next one that takes connections."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections import Counter

BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n"


class Balancer:
    """`served` counts the requests that each backend's port was given. A backend that dies midway gives a 502."""

    def __init__(self, ports: list[int]) -> None:
        self.served: Counter[int] = Counter()
        self._turn, self._count = itertools.cycle(ports), len(ports)
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0.05))  # for the transports to close
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(_length(head))
                writer.write(await self._answer(head + body))
                await writer.drain()
        await _close(writer)

    async def _answer(self, request: bytes) -> bytes:
        try:
            backend, answers, port = await self._connect()
        except ConnectionRefusedError:
            return BAD_GATEWAY
        self.served[port] += 1
        try:
            answers.write(request)
            await answers.drain()
            head = await backend.readuntil(b"\r\n\r\n")
            return head + await backend.readexactly(_length(head))
        except (OSError, asyncio.IncompleteReadError):
            return BAD_GATEWAY
        finally:
            await _close(answers)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, int]:
        for _ in range(self._count):
            port = next(self._turn)
            with contextlib.suppress(OSError):
                return (*await asyncio.open_connection("127.0.0.1", port), port)
        raise ConnectionRefusedError


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0
