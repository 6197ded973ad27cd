"""Lines of several programs on one terminal: each begins with its program's name, in a colour of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TextIO

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
