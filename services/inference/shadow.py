"""Shadow versions: they see what the active version sees, answer nobody, and are logged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from pilothouse.errors import PilothouseError
from services.inference.catalog import Catalog
from services.inference.predictor import Predictor

_MOST_WAITING = 256


class Shadows:
    """Runs shadow predictions behind the answers. When they cannot keep up they are left out, and counted."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._tasks: set[asyncio.Task[None]] = set()

    def mirror(self, name: str, predict: Callable[[Predictor], Coroutine[Any, Any, None]]) -> None:
        """Start `predict` for every shadow of the model; returns at once."""
        for predictor in self._catalog.shadows(name):
            if len(self._tasks) >= _MOST_WAITING:
                predictor.metrics.skipped.inc()
                continue
            task = asyncio.get_running_loop().create_task(self._run(predictor, predict))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, predictor: Predictor, predict: Callable[[Predictor], Coroutine[Any, Any, None]]) -> None:
        """What a shadow cannot read or answer is its own affair, seen in its metrics."""
        try:
            await predict(predictor)
        except PilothouseError:
            predictor.metrics.invalid.inc()
