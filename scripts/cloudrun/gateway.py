"""The door of an instance's network: the process that holds the namespace, and the only way in.

python gateway.py SOCKET [PORT=OTHER_SOCKET ...]

On SOCKET (a path, which other namespaces share) a caller names a port in its first line, and is then joined with it on
localhost. PORT=OTHER_SOCKET is a way out: what comes to that port is joined with the first port of another instance.
Standard library only, because it also runs inside our images.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import struct
import sys
from collections.abc import Awaitable, Callable

Joined = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 1  # SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP


async def relay(one: Joined, other: Joined) -> None:
    """Pass on what either says until both have ended."""
    try:
        await asyncio.gather(_pour(one[0], other[1]), _pour(other[0], one[1]))
    except asyncio.CancelledError:
        for _, writer in (one, other):
            writer.transport.abort()
        raise
    for _, writer in (one, other):
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()


def joining(
    connect: Callable[[asyncio.StreamReader], Awaitable[Joined]],
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """A server's callback: join whoever comes with what `connect` gives, or hang up."""

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            other = await connect(reader)
        except (OSError, ValueError):
            writer.close()
            return
        await relay((reader, writer), other)

    return join


async def to_named_port(reader: asyncio.StreamReader) -> Joined:
    return await asyncio.open_connection("127.0.0.1", int(await reader.readline()))


def to_socket(path: str, port: int) -> Callable[[asyncio.StreamReader], Awaitable[Joined]]:
    """Through another gateway, to a port of its instance."""

    async def connect(_: asyncio.StreamReader) -> Joined:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(f"{port}\n".encode())
        return reader, writer

    return connect


async def main() -> None:
    path, *ways_out = sys.argv[1:]
    os.umask(0)  # whoever may reach the folder may come in
    _raise_loopback()
    await asyncio.start_unix_server(joining(to_named_port), path)
    for way in ways_out:
        port, _, other = way.partition("=")
        await asyncio.start_server(joining(to_socket(other, int(port))), "127.0.0.1", int(port))
    print("open", flush=True)
    await asyncio.Event().wait()


def _raise_loopback() -> None:
    """`ip link set lo up`, without ip; a container engine has done it already."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14s", b"lo", 0, b"")
        _, flags, _ = struct.unpack("16sH14s", fcntl.ioctl(any_socket, _FLAGS, request))
        if not flags & _UP:
            fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sH14s", b"lo", flags | _UP, b""))


if __name__ == "__main__":
    asyncio.run(main())
