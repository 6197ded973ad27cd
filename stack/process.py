"""One run of a program: its process group, its output and its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable

from stack.programs import Program
from stack.reaper import Reaper, signal_group

_LONGEST_LINE = 1 << 16


class ProgramProcess:
    """A started program, in a session of its own, so that a Ctrl-C in the terminal reaches the stack alone."""

    def __init__(self, program: Program, process: Process, reaper: Reaper, reading: asyncio.Task[None]) -> None:
        self._grace_seconds = program.grace_seconds
        self._process = process
        self._reaper = reaper
        self._reading = reading
        self._ended = asyncio.create_task(self._await_end())

    @classmethod
    async def start(cls, program: Program, reaper: Reaper, output: Callable[[str, str], None]) -> ProgramProcess:
        """Start it; every line that it writes goes to `output(name, line)`. Raises OSError when it cannot start.

        The pipe is our own: asyncio would hold back the news of an exit until the last worker that has it is gone.
        """
        read_end, write_end = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *program.command, env={**os.environ, **program.environment}, stdin=asyncio.subprocess.DEVNULL,
                stdout=write_end, stderr=write_end, start_new_session=True,
            )  # fmt: skip
        finally:
            os.close(write_end)
        reaper.tell("+", process.pid)
        reading = asyncio.create_task(_read(read_end, lambda line: output(program.name, line)))
        return cls(program, process, reaper, reading)

    async def wait(self) -> int:
        """Its exit status, negative for a signal; nothing of its process group is left then."""
        return await asyncio.shield(self._ended)

    async def stop(self, at_once: asyncio.Event) -> None:
        """SIGTERM, then SIGKILL for its whole group after the grace time, or as soon as `at_once` is set."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            hurry = asyncio.create_task(at_once.wait())
            ends = {hurry, self._ended}
            await asyncio.wait(ends, timeout=self._grace_seconds, return_when=asyncio.FIRST_COMPLETED)
            hurry.cancel()
            if not self._ended.done():
                signal_group(self._process.pid, signal.SIGKILL)
        await self.wait()

    async def _await_end(self) -> int:
        status = await self._process.wait()
        signal_group(self._process.pid, signal.SIGKILL)  # workers that it left behind
        self._reaper.tell("-", self._process.pid)
        with contextlib.suppress(TimeoutError):  # a process that left the group may still hold the pipe
            await asyncio.wait_for(self._reading, timeout=2)
        return status


async def _read(pipe: int, output: Callable[[str], None]) -> None:
    """Pass on the lines that come out of a pipe."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb", buffering=0)
    )
    try:
        async for line in _lines(reader):
            output(line)
    finally:
        transport.close()


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """Lines of any length, those above 64 KiB in pieces; StreamReader.readline would raise on them."""
    rest = b""
    while chunk := await stream.read(_LONGEST_LINE):
        *complete, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            complete, rest = [*complete, rest], b""
        for line in complete:
            yield line.decode(errors="replace").rstrip("\r")
    if rest:
        yield rest.decode(errors="replace")


def describe(status: int) -> str:
    """An exit status in words."""
    signals = {s.value: s.name for s in signal.Signals}
    return f"exit status {status}" if status >= 0 else f"killed by {signals.get(-status, f'signal {-status}')}"
