"""What the terminal shows: lines that begin with the name of their program, and the table of addresses."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TextIO

from rich.console import Console as RichConsole
from rich.table import Table

from stack.programs import Program

STACK = "pilothouse"
_COLOURS = ("36", "33", "35", "32", "34", "31")
_BOLD = "1"


class Console:
    """Writes `name | text`. `on_closed` is called once when nobody reads any more (`make run | head`)."""

    def __init__(self, stream: TextIO, names: Sequence[str], colour: bool, on_closed: Callable[[], None]) -> None:
        self._stream = stream
        self._width = max(len(n) for n in (*names, STACK))
        self._codes = {n: _COLOURS[i % len(_COLOURS)] for i, n in enumerate(names)} | {STACK: _BOLD}
        self._colour = colour
        self._on_closed = on_closed
        self._closed = False

    def line(self, name: str, text: str) -> None:
        label = f"{name:<{self._width}} |"
        if self._colour:
            label = f"\x1b[{self._codes.get(name, _BOLD)}m{label}\x1b[0m"
        self.write(f"{label} {text}\n")

    def say(self, text: str) -> None:
        """A line of the stack itself."""
        self.line(STACK, text)

    def write(self, text: str) -> None:
        if self._closed:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (BrokenPipeError, ValueError):
            self._closed = True
            self._on_closed()


def address_table(programs: list[Program], colour: bool, note: str = "") -> str:
    """Every program's address and purpose, as a table."""
    table = Table(title="Pilothouse is ready", title_justify="left")
    for heading in ("service", "address", "for"):
        table.add_column(heading, no_wrap=True)
    for program in reversed(programs):
        table.add_row(program.name, program.address + program.page, program.purpose)
    text = io.StringIO()
    rich = RichConsole(file=text, force_terminal=colour, width=200)  # no address is cut
    rich.print(table)
    if note:
        rich.print(note, highlight=False)
    rich.print("Ctrl-C stops everything. `make demo` in another terminal sends real data.", highlight=False)
    return text.getvalue()
