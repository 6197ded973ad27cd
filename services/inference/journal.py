"""The prediction log of this worker: its spool, the shipper behind it, and what is counted of both."""

from __future__ import annotations

from pilothouse.ids import uuid7
from pilothouse.manifest import Manifest
from pilothouse.serving.spans import Spans
from services.inference.collector import Collector
from services.inference.metrics import SpoolMetrics
from services.inference.settings import InferenceSettings
from services.inference.shipper import Shipper, States
from services.inference.spool.schemas import SchemaStore
from services.inference.spool.segments import RecordLog


class Journal:
    """Opens a spool directory of its own below `state/spool/workers`. Raises SpoolUnusableError when it cannot.

    Records are appended to `log`.
    """

    def __init__(
        self, settings: InferenceSettings, collector: Collector, metrics: SpoolMetrics, spans: Spans | None = None
    ) -> None:
        root = settings.state / "spool" / "workers"
        self._schemas = SchemaStore(settings.state / "spool" / "schemas")
        self.log = RecordLog(
            root / str(uuid7()), settings.spool_mode, settings.spool_max_bytes, settings.spool_segment_bytes, metrics
        )
        metrics.watch(lambda: self.log.size_bytes, settings.spool_max_bytes)
        self._shipper = Shipper(root, self.log, self._schemas, collector, metrics, spans=spans)

    def start(self) -> None:
        self._shipper.start()

    def register(self, manifest: Manifest) -> bytes:
        """Keep the manifest beside the spool and announce it; returns the schema bytes its records carry."""
        schema = self._schemas.put(manifest)
        self._shipper.announce(manifest)
        return schema

    def tell(self, states: States) -> None:
        """Have the collector know which version of each model answers, and which shadow it."""
        self._shipper.tell(states)

    def close(self, drain_seconds: float) -> None:
        """Ship what is spooled for at most `drain_seconds`; the rest stays on disk for the next start."""
        self._shipper.stop(drain_seconds)
        self.log.close()
