"""The shipper: a supervised thread that brings the spool to the collector and never gives up.

It reads batches in the order they were written, sends each until the collector has committed it, and only then lets
go of the segment. It says which version of each model answers when that changes, and again every minute. What cannot
ever be stored (a schema that the collector refuses) is set aside on disk, counted.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import groupby
from pathlib import Path

import msgspec
import structlog

from pilothouse.errors import RemoteError
from pilothouse.manifest import Manifest
from pilothouse.serving.spans import Spans
from pilothouse.wire.models import VersionState
from services.inference.call_spans import delivering
from services.inference.collector import UNKNOWN_MODEL, Collector
from services.inference.metrics import SpoolMetrics
from services.inference.spool.durable import write_durably
from services.inference.spool.reader import Orphan, SpoolReader, adopt
from services.inference.spool.schemas import SchemaStore
from services.inference.spool.segments import Frame, SpoolWriter, encode_frame

_IDLE_SECONDS = 0.05
_GATHER_SECONDS = 0.2  # between two deliveries, unless there is a whole one: a request for every ten records is dear
_SEAL_AFTER_SECONDS = 2.0
_STATES_SECONDS = 60.0  # a collector with another database knows again after so long
_LAST_SECONDS = 0.5  # at the end, for the delivery that is under way
_ID_HEADER = b"\xc4\x10"  # MessagePack: 16 bytes of binary
States = Mapping[str, Mapping[str, VersionState]]
_encoder = msgspec.msgpack.Encoder()


class Shipper:
    """Ships the worker's own directory and those of dead workers. `start` once, `stop` once."""

    def __init__(
        self,
        root: Path,
        writer: SpoolWriter,
        schemas: SchemaStore,
        collector: Collector,
        metrics: SpoolMetrics,
        *,
        spans: Spans | None = None,
        batch_records: int = 5_000,
        backoff_seconds: float = 15,
        adopt_seconds: float = 30,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._root, self._writer, self._schemas = root, writer, schemas
        self._collector, self._metrics, self._spans = collector, metrics, spans
        self._batch_records, self._backoff, self._adopt_seconds = batch_records, backoff_seconds, adopt_seconds
        self._clock, self._jitter = clock, jitter
        self._reader = SpoolReader(writer.folder, writer)
        self._stopping = threading.Event()
        self._deadline: float | None = None
        self._announce: list[Manifest] = []
        self._states: States = {}
        self._told: States = {}
        self._tell_at = clock()
        self._last_record = clock()
        self._last_count = 0
        self._thread = threading.Thread(target=self._supervise, name="shipper", daemon=True)
        self._log = structlog.get_logger("shipper")
        self.trouble: str | None = None

    def start(self) -> None:
        self._thread.start()

    def announce(self, manifest: Manifest) -> None:
        """Have a manifest announced soon, whether or not records come."""
        self._announce.append(manifest)

    def tell(self, states: States) -> None:
        """Have the collector know the state of each loaded version, by model."""
        self._states = states

    def stop(self, drain_seconds: float) -> None:
        """Ship what is left, and be done after `drain_seconds`. What remains stays on disk for the next start."""
        self._deadline = self._clock() + max(0.0, drain_seconds - _LAST_SECONDS)
        self._stopping.set()
        self._thread.join(max(drain_seconds, _LAST_SECONDS))
        self._collector.close()

    def _supervise(self) -> None:
        """Run until stopped; whatever is raised is logged, counted and followed by another try."""
        failures = 0
        adopted_at = -self._adopt_seconds
        while not self._over():
            self._metrics.heartbeat()
            try:
                self._announce_waiting()
                self._tell_states()
                if self._clock() - adopted_at >= self._adopt_seconds:
                    adopted_at = self._clock()
                    self._ship_orphans()
                moved = self._ship_next(self._reader)
                if moved and self._last_count < self._batch_records:
                    self._stopping.wait(_GATHER_SECONDS)
                failures, self.trouble = 0, None
            except Exception as error:
                failures += 1
                self._failed(error, failures)
                continue
            if not moved:
                if self._stopping.is_set() and not self._writer.current:
                    return
                self._rest()

    def _over(self) -> bool:
        return self._deadline is not None and self._clock() >= self._deadline

    def _failed(self, error: Exception, failures: int) -> None:
        self._metrics.failures.inc()
        self.trouble = str(error)
        wait = min(self._backoff, 0.1 * 2 ** min(failures, 10)) * (0.5 + self._jitter() / 2)
        if failures in (1, 5) or failures % 50 == 0:
            self._log.warning(
                "cannot ship; trying on", error=str(error), failures=failures, wait_seconds=round(wait, 1)
            )
        if self._deadline is not None:
            time.sleep(max(0.0, min(wait, 0.5, self._deadline - self._clock())))
        else:
            self._stopping.wait(wait)

    def _rest(self) -> None:
        self._metrics.drained()
        if self._stopping.is_set() or self._clock() - self._last_record > _SEAL_AFTER_SECONDS:
            self._writer.seal()
        self._stopping.wait(_IDLE_SECONDS)

    def _announce_waiting(self) -> None:
        while self._announce:
            manifest = self._announce[0]
            self._say("this model's schema", manifest.key, partial(self._collector.announce, manifest))
            self._announce.pop(0)

    def _tell_states(self) -> None:
        states, again = self._states, self._clock() >= self._tell_at
        for model, of_model in states.items():
            if again or self._told.get(model) != of_model:
                self._say("which version answers", model, partial(self._collector.tell_states, model, of_model))
        self._told = states
        if again:
            self._tell_at = self._clock() + _STATES_SECONDS

    def _say(self, what: str, model: str, call: Callable[[], None]) -> None:
        """Raises RemoteError while the collector cannot answer; what it refuses is logged."""
        try:
            call()
        except RemoteError as error:
            if error.status is None or error.status in (408, 429) or error.status >= 500:
                raise
            self._log.error(f"the collector refuses {what}", model=model, detail=error.detail)

    def _ship_orphans(self) -> None:
        for orphan in adopt(self._root, self._writer.folder):
            self._log.info("adopted the spool of a dead worker", folder=orphan.folder.name)
            self._ship_orphan(orphan)

    def _ship_orphan(self, orphan: Orphan) -> None:
        reader = SpoolReader(orphan.folder, None)
        try:
            while self._ship_next(reader):
                self._metrics.heartbeat()
                if self._over():
                    orphan.release()
                    return
        except Exception:
            orphan.release()
            raise
        orphan.remove()

    def _ship_next(self, reader: SpoolReader) -> bool:
        """Ship one chunk; whether there was one."""
        chunk = reader.read()
        if chunk is None:
            return False
        if chunk.frames:
            self._metrics.waiting_since(record_time_seconds(chunk.frames[0].payload))
        for damaged in chunk.damaged:
            self._quarantine(damaged)
        self._deliver(chunk.frames)
        reader.commit(chunk)
        self._last_count = len(chunk.frames)
        if chunk.frames:
            self._last_record = self._clock()
        return bool(chunk.frames or chunk.damaged or chunk.last)

    def _deliver(self, frames: list[Frame]) -> None:
        for start in range(0, len(frames), self._batch_records):
            self._deliver_batch(frames[start : start + self._batch_records])

    def _deliver_batch(self, frames: list[Frame]) -> None:
        """Deliver or set aside every frame; raises RemoteError while the collector cannot answer for them."""
        with delivering(self._spans, frames):
            self._deliver_or_halve(frames)

    def _deliver_or_halve(self, frames: list[Frame]) -> None:
        try:
            result = self._collector.deliver(self._body(frames))
        except RemoteError as error:
            self._refused(frames, error)
            return
        self._metrics.shipped(len(frames), len(result.rejected))
        if result.rejected:
            first = result.rejected[0]
            self._log.warning("records set aside by the collector", count=len(result.rejected), first=first.message)

    def _refused(self, frames: list[Frame], error: RemoteError) -> None:
        if error.status == 404 and UNKNOWN_MODEL in error.detail:
            self._introduce(frames)
        elif error.status in (400, 409, 413, 415, 422) and len(frames) > 1:
            half = len(frames) // 2
            self._deliver_batch(frames[:half])
            self._deliver_batch(frames[half:])
        elif error.status in (400, 409, 413, 415, 422):
            self._set_aside(frames, f"the collector answered {error.status}")
        else:
            raise error

    def _introduce(self, frames: list[Frame]) -> None:
        """Announce the models of these records, then deliver them; those whose schema is refused are set aside."""
        for schema, group in _by_schema(frames):
            try:
                self._collector.announce(self._schemas.get(schema)[0])
            except RemoteError as error:
                if error.status not in (409, 422):
                    raise
                self._set_aside(group, f"its schema is refused: {error.detail[:200]}")
                continue
            result = self._collector.deliver(self._body(group))
            self._metrics.shipped(len(group), len(result.rejected))

    def _body(self, frames: list[Frame]) -> bytes:
        """The MessagePack body: the rows are on disk in the form they have on the wire."""
        batches = []
        for schema, group in _by_schema(frames):
            manifest, columns = self._schemas.get(schema)
            rows = [msgspec.Raw(f.payload) for f in group]
            batches.append({"model": manifest.name, "version": manifest.version, "columns": columns, "rows": rows})
        return _encoder.encode({"batches": batches})

    def _quarantine(self, damaged: bytes) -> None:
        name = self._keep("quarantine", "damaged", damaged)
        if name:
            self._metrics.quarantined.inc(len(damaged))
            self._log.error("a damaged range in the spool was set aside", bytes=len(damaged), file=name)

    def _set_aside(self, frames: list[Frame], why: str) -> None:
        name = self._keep("refused", "seg", b"".join(encode_frame(f.schema, f.payload) for f in frames))
        if name:
            self._metrics.dropped("refused", len(frames))
            self._log.error("records set aside on this machine", count=len(frames), why=why, file=name)

    def _keep(self, kind: str, suffix: str, body: bytes) -> str | None:
        """Store bytes durably beside the spool, before their segment is let go; the file's name, or None when they
        are there already: a chunk is read again after an outage, and named by its content it is kept once."""
        folder = self._root.parent / kind
        path = folder / f"{hashlib.sha256(body).hexdigest()[:24]}.{suffix}"
        return path.name if write_durably(path, body) else None


def record_time_seconds(payload: bytes) -> float:
    """When a record was made: the first 48 bits of its id, which follows the array's header in MessagePack."""
    start = payload.index(_ID_HEADER) + len(_ID_HEADER)
    return int.from_bytes(payload[start : start + 6]) / 1000


def _by_schema(frames: list[Frame]) -> Iterator[tuple[bytes, list[Frame]]]:
    """Runs of records with one schema, in order."""
    for schema, group in groupby(frames, key=lambda f: f.schema):
        yield schema, list(group)
