"""Supervises stand-ins: `python standin_stack.py NAME:PORT[:FLAG...] ...`, with short waits."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from stack.programs import Program, port_faults
from stack.run import run
from stack.supervisor import RetryPolicy

STANDIN = str(Path(__file__).with_name("standin.py"))


def program(description: str) -> Program:
    name, port, *flags = description.split(":")
    command = (sys.executable, STANDIN, port, *(f"--{f}" for f in flags))
    optional = "optional" in flags
    return Program(
        name, command, int(port), f"{name.upper()}_PORT", purpose="nothing", grace_seconds=2, optional=optional
    )


programs = [program(d) for d in sys.argv[1:]]
if faults := port_faults(programs):
    sys.exit("\n".join(faults))
sys.exit(asyncio.run(run(programs, RetryPolicy(ready_seconds=5, say_seconds=1, attempts=2, pause_seconds=0.1))))
