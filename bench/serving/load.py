"""The load: `wrk` with so many connections, each with one request at a time; and a burst of new connections."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

CONNECTIONS = 64
_SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True, slots=True)
class Target:
    """What is sent: a body (in a file) of a content type, to an address, over so many connections at once; it holds so
    many rows. `equal_heads`: every request has the same head; else no two have, as behind a proxy that traces."""

    url: str
    body: Path
    content_type: str = "application/json"
    rows: int = 1
    connections: int = CONNECTIONS
    equal_heads: bool = False


@dataclass(frozen=True, slots=True)
class Load:
    """What came back. `per_second` is of requests, `errors` are answers that were none or no 2xx."""

    per_second: float
    p50_ms: float
    p99_ms: float
    errors: int
    requests: int


def load(target: Target, seconds: int) -> Load:
    """Load a server for so many seconds. Raises SystemExit when wrk is missing or breaks."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing (Debian: apt-get install wrk)")
    command = [
        "wrk",
        "-t1",
        f"-c{target.connections}",
        f"-d{seconds}s",
        "--timeout",
        "10s",
        "-s",
        str(_SCRIPT),
        target.url,
    ]
    sent = {"BODY": str(target.body), "TYPE": target.content_type, "HEADS": "equal" if target.equal_heads else "new"}
    environment = os.environ | sent
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=seconds + 60, check=False)
    line = next((text for text in done.stdout.splitlines() if text.startswith("RESULT ")), None)
    if line is None:
        raise SystemExit(f"wrk failed on {target.url}: {done.stdout}{done.stderr}")
    found = json.loads(line.removeprefix("RESULT "))
    rate = found["requests"] / found["seconds"]
    return Load(rate, found["p50_ms"], found["p99_ms"], found["errors"], found["requests"])


@dataclass(frozen=True, slots=True)
class Burst:
    """New connections, all opened at once, each with one request."""

    answered: int
    late: int  # answered after more than 1 s, or never
    slowest_ms: float


def burst(target: Target, connections: int) -> Burst:
    """Open so many connections at once and send a request over each; waits at most 10 s."""
    return asyncio.run(_burst(target, connections))


async def _burst(target: Target, connections: int) -> Burst:
    address = urlsplit(target.url)
    body = target.body.read_bytes()
    head = f"POST {address.path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {target.content_type}\r\n"
    request = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
    seconds = await asyncio.gather(
        *(_ask(address.hostname or "", address.port or 0, request) for _ in range(connections))
    )
    answered = [s for s in seconds if s is not None]
    return Burst(len(answered), connections - sum(s <= 1 for s in answered), max(answered, default=0) * 1000)


async def _ask(host: str, port: int, request: bytes) -> float | None:
    """Seconds until the first line of a 200, or None."""
    begun = time.perf_counter()
    try:
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(request)
            line = await reader.readline()
    except (OSError, TimeoutError):
        return None
    writer.close()
    return time.perf_counter() - begun if b" 200 " in line else None
