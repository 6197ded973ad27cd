"""From this machine into an instance: its ingress port as Google's front end offers it, and looks at the others."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
from pathlib import Path

from scripts.cloudrun.gateway import joining, to_socket


class Front:
    """A port of this machine joined with one of an instance. It stays when the instance behind it is replaced."""

    def __init__(self, gateway: Path, port: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="front", daemon=True)
        self._thread.start()
        serving = asyncio.start_server(joining(to_socket(str(gateway), port)), "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(serving, self._loop).result(10)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await asyncio.sleep(0.1)  # for the transports to be told


class _Wire(http.client.HTTPConnection):
    """HTTP to a port on the instance's localhost."""

    def __init__(self, gateway: Path, port: int, timeout_seconds: float) -> None:
        super().__init__("127.0.0.1", port, timeout=timeout_seconds)
        self._gateway = gateway

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._gateway))
        self.sock.sendall(f"{self.port}\n".encode())


def look(gateway: Path, port: int, path: str, timeout_seconds: float = 5) -> tuple[int, bytes]:
    """Status and body of a GET inside the instance. Raises OSError or HTTPException when nobody answers."""
    wire = _Wire(gateway, port, timeout_seconds)
    try:
        wire.request("GET", path)
        answer = wire.getresponse()
        return answer.status, answer.read()
    finally:
        wire.close()
