"""Reads the settings, checks ports and the state folder, and supervises the programs until Ctrl-C."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import IO

from dotenv import load_dotenv
from pydantic import ValidationError

from pilothouse.commands.connection import page_address
from stack.console import Console, address_table
from stack.local_alertmanager import alertmanager_program, page_settings
from stack.programs import Program, port_faults, service_programs
from stack.prometheus import prometheus_program
from stack.settings import StackSettings
from stack.supervisor import RetryPolicy, Supervisor

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    os.chdir(ROOT)  # relative paths in settings mean the clone, whichever folder it is started from
    load_dotenv(".env")  # the file that compose reads too; what is in the environment already wins
    try:
        settings = StackSettings()
    except ValidationError as error:
        _refuse([f"{fault['loc'][0]}={fault['input']!r}: {fault['msg']}" for fault in error.errors()])
    programs = service_programs(settings)
    _refuse(port_faults(programs))
    with _lock(settings.state):
        programs, notes = with_watchers(settings, programs)
        page = page_address()
        notes = [f"The page is at {page} for people, and Evidently's report at {page}/drift-report.", *notes]
        raise SystemExit(asyncio.run(run(programs, note="\n".join(notes))))


def with_watchers(settings: StackSettings, services: list[Program]) -> tuple[list[Program], list[str]]:
    """The services, told of Prometheus and Alertmanager, and those two where they can run here; and what to say."""
    if settings.prometheus == "off" or settings.prometheus_url:
        return services, []
    collector = next(p.address for p in services if p.name == "collector")
    alertmanager, notes = alertmanager_program(settings, collector)
    prometheus, why_none = prometheus_program(settings, services, alertmanager)
    if not prometheus:
        return services, [why_none]
    told = {"PILOTHOUSE_PROMETHEUS_URL": prometheus.address}
    if alertmanager:
        told |= page_settings(settings, alertmanager)
    services = [replace(p, environment={**p.environment, **told}) for p in services]
    return [*services, prometheus, *([alertmanager] if alertmanager else [])], notes


async def run(programs: list[Program], retry: RetryPolicy | None = None, note: str = "") -> int:
    """Supervise `programs` on standard output, with a `note` below the addresses; returns the exit status."""
    supervisor = Supervisor(programs, retry or RetryPolicy())
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    console = Console(sys.stdout, [p.name for p in programs], colour, on_closed=supervisor.stop)

    def announce() -> None:
        running = [p for p in programs if p.name not in supervisor.given_up]
        console.write(address_table(running, colour, note))

    return await supervisor.run(console, announce)


def _lock(state: Path) -> IO[str]:
    """Hold the state folder: two stacks must not share one database file and one spool. Exits when it is taken."""
    state.mkdir(parents=True, exist_ok=True)
    lock = (state / "stack.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _refuse([f"another stack runs with the state folder {state}: stop it, or set PILOTHOUSE_STATE"])
    return lock


def _refuse(faults: list[str]) -> None:
    """Print the faults, if there are any, and exit with status 2."""
    if faults:
        print("\n".join(faults), file=sys.stderr)
        raise SystemExit(2)
