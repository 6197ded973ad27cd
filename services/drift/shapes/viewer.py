"""Reads a window and says what it looks like."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from pilothouse.manifest import Manifest
from pilothouse.package import Package
from services.drift.baseline import Baselines
from services.drift.errors import NoEmbeddingError
from services.drift.records import Records, Rows
from services.drift.reference import EMBEDDING, embedding_size
from services.drift.shapes.distributions import chosen_columns, distributions
from services.drift.shapes.embedding import POINTS, plane
from services.drift.window import Window, show_moment


class Viewer:
    """Every call raises ReferenceFault or CollectorAwayError when one side of the picture cannot be had."""

    def __init__(self, records: Records, baselines: Baselines) -> None:
        self._records, self._baselines = records, baselines

    async def distributions(self, package: Package, window: Window, names: Sequence[str] | None) -> dict[str, Any]:
        """Shares by column of the reference and the window. Raises UnknownColumnError too."""
        manifest = package.manifest
        reference = (await self._baselines.get(package)).reference
        wanted = chosen_columns(manifest, reference, names)
        rows = await self._records.read(manifest.name, manifest.version, window, wanted)
        columns = await asyncio.to_thread(lambda: list(distributions(manifest, reference, rows.table, wanted)))
        return _about(manifest, rows) | {"rows": rows.table.num_rows, "columns": columns}

    async def embedding(self, package: Package, window: Window) -> dict[str, Any]:
        """Points on a plane of the reference and the window. Raises NoEmbeddingError too."""
        manifest = package.manifest
        if embedding_size(manifest) is None:
            raise NoEmbeddingError(manifest.key, "its manifest names none")
        known = (await self._baselines.get(package)).reference.embedding
        if known is None:
            raise NoEmbeddingError(manifest.key, "its reference holds none, or too few")
        rows = await self._records.read(manifest.name, manifest.version, window, [EMBEDDING], most=POINTS)
        return _about(manifest, rows) | await asyncio.to_thread(plane, known, rows.table)


def _about(manifest: Manifest, rows: Rows) -> dict[str, Any]:
    first, last = rows.span_ms()
    span = {"from": show_moment(first), "to": show_moment(last), "rows": rows.window_rows}
    return {"model": manifest.name, "version": manifest.version, "window": span}
