"""One run of a program: its process group, its output, its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Self

from stack import warden
from stack.program import Program

_LONGEST_LINE = 1 << 16


class Leash:
    """The warden's process, told which groups to end if this process dies."""

    def __init__(self, grace_seconds: float) -> None:
        command = [sys.executable, "-I", warden.__file__, str(grace_seconds)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def hold(self, group: int) -> None:
        self._tell(f"+{group}\n")

    def release(self, group: int) -> None:
        self._tell(f"-{group}\n")

    def _tell(self, line: str) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        with contextlib.suppress(BrokenPipeError):  # it was killed: the stack goes on without its safety net
            pipe.write(line.encode())
            pipe.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()


class Child:
    """A started program, in a session of its own, so that a Ctrl-C in the terminal reaches the stack alone."""

    def __init__(self, program: Program, process: Process, leash: Leash, reading: asyncio.Task[None]) -> None:
        self.program = program
        self._process = process
        self._leash = leash
        self._reading = reading
        self._ended = asyncio.create_task(self._follow())

    @classmethod
    async def start(cls, program: Program, leash: Leash, output: Callable[[str, str], None]) -> Child:
        """Start it; every line that it writes goes to `output(name, line)`. Raises OSError when it cannot start.

        The pipe is our own: asyncio would hold back the news of an exit until the last worker that has it is gone.
        """
        end, entry = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *program.command,
                env={**os.environ, **program.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=entry,
                stderr=entry,
                start_new_session=True,
            )
        finally:
            os.close(entry)
        leash.hold(process.pid)
        reading = asyncio.create_task(_read(end, lambda line: output(program.name, line)))
        return cls(program, process, leash, reading)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def wait(self) -> int:
        """Its exit status, negative for a signal; nothing of its group is left then."""
        return await asyncio.shield(self._ended)

    async def stop(self, at_once: asyncio.Event) -> None:
        """SIGTERM, then SIGKILL for its whole group after the grace time, or as soon as `at_once` is set."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            hurry = asyncio.create_task(at_once.wait())
            await asyncio.wait(
                {hurry, self._ended}, timeout=self.program.grace_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            hurry.cancel()
            if not self._ended.done():
                warden.send(self.pid, signal.SIGKILL)
        await self.wait()

    async def _follow(self) -> int:
        status = await self._process.wait()
        warden.send(self.pid, signal.SIGKILL)  # workers that it left behind
        self._leash.release(self.pid)
        with contextlib.suppress(TimeoutError):  # somebody who left the group may still hold the pipe
            await asyncio.wait_for(self._reading, timeout=2)
        return status


async def _read(end: int, output: Callable[[str], None]) -> None:
    """Pass on the lines that come out of a pipe."""
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    pipe = os.fdopen(end, "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, pipe)
    try:
        async for line in _lines(reader):
            output(line)
    finally:
        transport.close()


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """Lines of any length, those above 64 KiB in pieces; StreamReader.readline would raise on them."""
    rest = b""
    while chunk := await stream.read(_LONGEST_LINE):
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            whole, rest = [*whole, rest], b""
        for line in whole:
            yield line.decode(errors="replace").rstrip("\r")
    if rest:
        yield rest.decode(errors="replace")


def describe(status: int) -> str:
    """An exit status in words."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"
