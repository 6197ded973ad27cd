"""A TCP proxy that misbehaves on request: between inference and the collector, or before the database."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading


class FaultyProxy:
    """Forwards to `target` on 127.0.0.1. Faults can be changed while it runs:

    `refuse` resets new connections; `lose_answers` is the share of connections whose first answer is destroyed, the
    connection reset, after the request went through; `delay_seconds` and `bytes_per_second` slow the way.
    """

    def __init__(self, target: int, seed: int = 1) -> None:
        self.target = target
        self.refuse = False
        self.lose_answers = 0.0
        self.delay_seconds = 0.0
        self.bytes_per_second: float | None = None
        self.lost = 0
        self._random = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        started.wait(5)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def cut(self) -> None:
        """Reset every connection that is open."""
        for writer in list(self._writers):
            self._loop.call_soon_threadsafe(_reset, writer)

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.05))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuse:
            _reset(writer)
            return
        try:
            upstream = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            _reset(writer)
            return
        self._writers |= {writer, upstream[1]}
        lose = self._random.random() < self.lose_answers
        await asyncio.gather(
            self._pipe(reader, upstream[1]), self._pipe(upstream[0], writer, lose=lose), return_exceptions=True
        )
        self._writers -= {writer, upstream[1]}
        for one in (writer, upstream[1]):
            one.close()

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, lose: bool = False) -> None:
        try:
            while data := await reader.read(16_384):
                if lose:
                    self.lost += 1
                    _reset(writer)
                    return
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                if self.bytes_per_second:
                    await asyncio.sleep(len(data) / self.bytes_per_second)
                writer.write(data)
                await writer.drain()
        except (ConnectionError, OSError):
            pass
        finally:
            if not writer.is_closing():
                writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST, as a crashed or filtering host does."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
