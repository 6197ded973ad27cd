"""A transport that sends the head and the body of an answer in one system call instead of two.

uvicorn writes the head when it is told of it and the body when that comes, each a system call and a packet of its own.
Here what is written is held back until more is written, or until the turn of the event loop ends.
"""

from __future__ import annotations

import asyncio


class JoiningTransport:
    """A transport whose first write waits for the second. What is not about writing goes to the transport itself."""

    __slots__ = ("_held", "_transport", "_turn", "get_extra_info", "is_closing", "pause_reading", "resume_reading",
                 "set_protocol")  # fmt: skip

    def __init__(self, transport: asyncio.Transport, turn: Turn) -> None:
        self._transport, self._turn = transport, turn
        self._held: bytes | None = None
        self.get_extra_info, self.is_closing = transport.get_extra_info, transport.is_closing
        self.pause_reading, self.resume_reading = transport.pause_reading, transport.resume_reading
        self.set_protocol = transport.set_protocol

    def write(self, data: bytes) -> None:
        if self._held is None:
            self._held = data
            self._turn.ends_with(self)
        else:
            held, self._held = self._held, None
            self._transport.write(held + data)

    def write_whole(self, data: bytes) -> None:
        """Write at once; nothing more belongs to it."""
        self.flush()
        self._transport.write(data)

    def flush(self) -> None:
        """Write what is held back, if anything is."""
        if self._held is not None:
            held, self._held = self._held, None
            self._transport.write(held)

    def close(self) -> None:
        self.flush()
        self._transport.close()


class Turn:
    """The transports that began to write in this turn of the event loop; those that still hold something at its end
    write it then."""

    def __init__(self) -> None:
        self._waiting: list[JoiningTransport] = []

    def ends_with(self, transport: JoiningTransport) -> None:
        self._waiting.append(transport)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._end)

    def _end(self) -> None:
        waiting, self._waiting = self._waiting, []
        for transport in waiting:
            transport.flush()
