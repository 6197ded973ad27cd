"""The prediction log of this worker: its spool, the shipper behind it, and what is counted of both."""

from __future__ import annotations

import structlog

from pilothouse.ids import uuid7
from pilothouse.manifest import Manifest
from pilothouse.serving.spans import Spans
from services.inference.collector import Collector
from services.inference.errors import SpoolError, SpoolFullError
from services.inference.metrics import SpoolMetrics
from services.inference.settings import InferenceSettings
from services.inference.shipper import Shipper
from services.inference.spool.schemas import SchemaStore
from services.inference.spool.segments import SpoolWriter


class Journal:
    """Opens a spool directory of its own below `state/spool/workers`. Raises SpoolUnusableError when it cannot."""

    def __init__(
        self, settings: InferenceSettings, collector: Collector, metrics: SpoolMetrics, spans: Spans | None = None
    ) -> None:
        root = settings.state / "spool" / "workers"
        self._metrics = metrics
        self._log = structlog.get_logger("journal")
        self._full = False
        self._schemas = SchemaStore(settings.state / "spool" / "schemas")
        self._writer = SpoolWriter(
            root / str(uuid7()), settings.spool_mode, settings.spool_max_bytes, settings.spool_segment_bytes
        )
        metrics.watch(lambda: self._writer.size_bytes, settings.spool_max_bytes)
        self._shipper = Shipper(root, self._writer, self._schemas, collector, metrics, spans=spans)

    def start(self) -> None:
        self._shipper.start()

    def register(self, manifest: Manifest) -> bytes:
        """Keep the manifest beside the spool and announce it; returns the schema bytes its records carry."""
        schema = self._schemas.put(manifest)
        self._shipper.announce(manifest)
        return schema

    def append(self, frames: bytes, records: int) -> None:
        """Raises SpoolError, counted and logged once, when the records could not be written."""
        try:
            self._writer.append(frames)
        except SpoolError as error:
            self._metrics.dropped("full" if isinstance(error, SpoolFullError) else "unusable", records)
            if not self._full:
                self._log.error("predictions are answered but not logged", why=str(error))
            self._full = True
            raise
        if self._full:
            self._full = False
            self._log.warning("predictions are logged again")
        self._metrics.appended(records)

    def close(self, drain_seconds: float) -> None:
        """Ship what is spooled for at most `drain_seconds`; the rest stays on disk for the next start."""
        self._shipper.stop(drain_seconds)
        self._writer.close()
