"""`python -m stack`: run the stack in the foreground until Ctrl-C."""

from __future__ import annotations

import asyncio
import fcntl
import io
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import IO

from dotenv import load_dotenv
from pydantic import ValidationError
from rich.console import Console as RichConsole
from rich.table import Table

from stack.console import Console
from stack.program import Program, port_faults
from stack.programs import stack_programs
from stack.prometheus import prometheus_program
from stack.settings import StackSettings
from stack.supervisor import Patience, Supervisor


def main() -> None:
    load_dotenv(".env")  # the file that compose reads too; what is in the environment already wins
    try:
        settings = StackSettings()
    except ValidationError as error:
        for fault in error.errors():
            print(f"{fault['loc'][0]}={fault['input']!r}: {fault['msg']}", file=sys.stderr)
        raise SystemExit(2) from None
    programs = stack_programs(settings)
    faults = port_faults(programs)
    if faults:
        print("\n".join(faults), file=sys.stderr)
        raise SystemExit(2)
    with _own(settings.state):
        prometheus, why_none = prometheus_program(settings, programs)
        if prometheus:
            programs = [*_told_of(prometheus, programs), prometheus]
        raise SystemExit(asyncio.run(run(programs, note=why_none)))


async def run(programs: list[Program], patience: Patience | None = None, note: str = "") -> int:
    """Supervise `programs` on standard output, with a `note` below the addresses; returns the exit status."""
    supervisor = Supervisor(programs, patience or Patience())
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    console = Console(sys.stdout, [p.name for p in programs], colour, on_closed=supervisor.stop)

    def announce() -> None:
        running = [p for p in programs if p.name not in supervisor.given_up]
        console.write(address_table(running, colour, note))

    return await supervisor.run(console, announce)


def _told_of(prometheus: Program, services: list[Program]) -> list[Program]:
    """The services, each told where Prometheus is."""
    address = {"PILOTHOUSE_PROMETHEUS_URL": prometheus.address}
    return [replace(s, environment={**s.environment, **address}) for s in services]


def address_table(programs: list[Program], colour: bool, note: str = "") -> str:
    """What is where, as a table."""
    table = Table(title="Pilothouse is ready", title_justify="left")
    for heading in ("service", "address", "for"):
        table.add_column(heading, no_wrap=True)
    for program in reversed(programs):
        table.add_row(program.name, program.address + program.page, program.purpose)
    text = io.StringIO()
    rich = RichConsole(file=text, force_terminal=colour, width=100)
    rich.print(table)
    if note:
        rich.print(note, highlight=False)
    rich.print("Ctrl-C stops everything. `make demo` in another terminal sends real data.", highlight=False)
    return text.getvalue()


def _own(state: Path) -> IO[str]:
    """Hold the state folder: two stacks on one database file and one spool would fight. Ends the program if taken."""
    state.mkdir(parents=True, exist_ok=True)
    lock = (state / "stack.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"another stack runs with the state folder {state}: stop it, or set PILOTHOUSE_STATE", file=sys.stderr)
        raise SystemExit(2) from None
    return lock


if __name__ == "__main__":
    main()
