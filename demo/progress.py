"""What goes on, as a bar on a terminal; elsewhere (`docker logs`, CI) as plain lines."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


class Step:
    """Something that takes a while: `total` parts of it, or None where nobody knows how long."""

    def __init__(self, console: Console, title: str, total: int | None = None) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%")
        endless = columns[0], columns[1], TimeElapsedColumn()
        self._console = console
        self._bar = Progress(
            *(endless if total is None else columns),
            console=console,
            disable=not console.is_terminal,
            transient=total is None,
            refresh_per_second=5,
        )
        self._said = title
        self._task = self._bar.add_task(escape(title), total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        self._plainly(self._said)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def advance(self, parts: int) -> None:
        """So many more are done."""
        self._bar.advance(self._task, parts)

    def say(self, title: str) -> None:
        """What it is at now."""
        if title != self._said:
            self._said = title
            self._bar.update(self._task, description=escape(title))
            self._plainly(title)

    def _plainly(self, title: str) -> None:
        if not self._console.is_terminal:
            self._console.print(title, markup=False)
