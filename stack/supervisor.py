"""Starts the programs of the stack, keeps them running, and stops them in order.

At any time one of three things is true: all programs run; one is being started again, and the terminal says so; or the
whole stack has ended with status 1. Only without an optional program (Prometheus) does the rest go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stack.console import Console
from stack.process import ProgramProcess, describe
from stack.programs import Program
from stack.reaper import Reaper


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long to wait, and how often to try again.

    A program that was never ready is started `first_attempts` times more: a wrong setting does not heal. One that was
    ready is started `attempts` times more, with a pause that doubles. After `healthy_seconds` failures are forgotten.
    """

    ready_seconds: float = 120
    say_seconds: float = 10
    first_attempts: int = 1
    attempts: int = 5
    pause_seconds: float = 0.5
    longest_pause_seconds: float = 30
    healthy_seconds: float = 60

    def pause(self, failures: int) -> float:
        return float(min(self.longest_pause_seconds, self.pause_seconds * 2 ** (failures - 1)))


class Supervisor:
    """Runs `programs`, started together, stopped one after the other from the last to the first."""

    def __init__(self, programs: Sequence[Program], retry: RetryPolicy) -> None:
        self._programs = programs
        self._retry = retry
        self._ready: set[str] = set()
        self._running: dict[str, ProgramProcess] = {}
        self._stopping = asyncio.Event()
        self._at_once = asyncio.Event()
        self._changed = asyncio.Event()
        self._failed = False
        self.given_up: set[str] = set()

    def stop(self) -> None:
        """Begin to stop; when called again, do not wait for anybody."""
        if self._stopping.is_set():
            self._at_once.set()
        self._stopping.set()
        self._changed.set()

    async def run(self, console: Console, announce: Callable[[], None]) -> int:
        """Run until stopped; `announce` is called once, when all are ready. Returns the exit status."""
        self._listen_to_signals()
        with Reaper(max(p.grace_seconds for p in self._programs)) as reaper:
            async with asyncio.TaskGroup() as tasks:
                for program in self._programs:
                    tasks.create_task(self._keep(program, reaper, console))
                if await self._all_ready(console):
                    announce()
                await self._stopping.wait()
                console.say("stopping (once more to stop at once)")
                await self._stop_all()
        console.say("stopped")
        return 1 if self._failed else 0

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self.stop)
        loop.add_signal_handler(signal.SIGTERM, self.stop)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # else it runs under nohup, to outlive its terminal
            loop.add_signal_handler(signal.SIGHUP, self.stop)

    async def _stop_all(self) -> None:
        for program in reversed(self._programs):
            if process := self._running.get(program.name):
                await process.stop(self._at_once)

    async def _keep(self, program: Program, reaper: Reaper, console: Console) -> None:
        """Start the program again and again, until the stack stops or the program has failed too often."""
        failures = 0
        while not self._stopping.is_set():
            begun = time.monotonic()
            process = self._running[program.name] = await ProgramProcess.start(program, reaper, console.line)
            watch = asyncio.create_task(self._watch(program, console))
            if self._stopping.is_set():  # since it was being started
                await process.stop(self._at_once)
            status = await process.wait()
            watch.cancel()
            if self._stopping.is_set():
                return
            failures = 1 if time.monotonic() - begun > self._retry.healthy_seconds else failures + 1
            if not await self._again(program, failures, status, console):
                self._give_up(program)
                return

    async def _again(self, program: Program, failures: int, status: int, console: Console) -> bool:
        """Say what happened and wait; False when it is not to be tried again."""
        allowed = self._retry.attempts if program.name in self._ready else self._retry.first_attempts
        if failures > allowed:
            ending = "going on without it" if program.optional else "giving up"
            console.say(f"{program.name} ended ({describe(status)}), {failures} times in a row: {ending}")
            return False
        pause = self._retry.pause(failures)
        console.say(
            f"{program.name} ended ({describe(status)}); starting it again in {pause:g} s ({failures} of {allowed})"
        )
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), pause)
        return True

    async def _watch(self, program: Program, console: Console) -> None:
        """Wait until the program is ready, and say so; saying what it waits for every few seconds."""
        begun = said = time.monotonic()
        while reason := await asyncio.to_thread(program.why_not_ready):
            now = time.monotonic()
            if now - begun > self._retry.ready_seconds:
                console.say(f"{program.name} is not ready after {self._retry.ready_seconds:g} s: {reason}")
                self._give_up(program)
                return
            if now - said > self._retry.say_seconds:
                console.say(f"waiting for {program.name}: {reason}")
                said = now
            await asyncio.sleep(0.1)
        again = " again" if program.name in self._ready else ""
        console.say(f"{program.name} is ready{again} after {time.monotonic() - begun:.1f} s: {program.address}")
        self._ready.add(program.name)
        self._changed.set()

    async def _all_ready(self, console: Console) -> bool:
        """Wait until every program has been ready once; False when the stack is stopped before."""
        console.say("starting " + ", ".join(p.name for p in self._programs))
        while len(self._ready | self.given_up) < len(self._programs) and not self._stopping.is_set():
            await self._changed.wait()
            self._changed.clear()
        return not self._stopping.is_set()

    def _give_up(self, program: Program) -> None:
        """The whole stack ends, unless it can do without."""
        if program.optional:
            self.given_up.add(program.name)
            self._changed.set()
            return
        self._failed = True
        if not self._stopping.is_set():
            self.stop()
