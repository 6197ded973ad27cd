"""Events in, records out: halves are kept, joined, and stored as records by the same ingest as all others."""

from __future__ import annotations

import asyncio

import structlog

from pilothouse.manifest import Manifest
from pilothouse.package import order
from pilothouse.wire.records import Batch, EventResult, IngestResult
from services.collector.errors import NotAnnouncedError, UnavailableError
from services.collector.events.envelope import Event
from services.collector.events.inbox import EventInbox, Pair, event_letter
from services.collector.events.outcomes import EventMetrics, RefusedEventError
from services.collector.events.pairs import PairReader
from services.collector.records.ingest import Ingest
from services.collector.store.registry import ModelRegistry
from services.collector.times import Clock, now_ms

_ROUND_PAIRS = 200
_BATCH_ROWS = 5_000
_MANIFEST_MS = 10_000  # a manifest is read again after so long
_INLINE_BYTES = 64 << 10  # larger bodies are read in a thread


class Events:
    """`wait_ms`: how long a half waits for the other, and both for their model to be announced."""

    def __init__(
        self,
        inbox: EventInbox,
        models: ModelRegistry,
        ingest: Ingest,
        metrics: EventMetrics,
        *,
        wait_ms: int,
        max_rows: int,
        clock: Clock = now_ms,
    ) -> None:
        self._inbox, self._models, self._ingest, self._metrics = inbox, models, ingest, metrics
        self._wait_ms, self._batch_rows, self._clock = wait_ms, min(max_rows, _BATCH_ROWS), clock
        self._readers: dict[tuple[str, str | None], tuple[int, PairReader]] = {}
        self._log = structlog.get_logger("events")

    async def take(self, event: Event, model: str | None = None, version: str | None = None) -> EventResult:
        """Keep an event, and store the records when it completes a pair. Raises UnavailableError, with nothing kept.

        `model` and `version` are those of the address it was sent to; without, the service's name and the newest
        announced version. What cannot be used is set aside as a dead letter with the reason.
        """
        now, address = self._clock(), (model or event.service, version)
        try:
            half = event.half
            if half is None:
                raise RefusedEventError("unknown_type", f"{event.attributes['type']!r} is not of an inference")
            pair = await self._inbox.put(event, half, event.key(model, version), address, now)
        except RefusedEventError as error:
            letter = event_letter(address, event.attributes["id"], error, {"event": event.data}, now)
            await self._inbox.set_aside(letter)
            taken = self._refused(error)
        else:
            taken = EventResult("repeated") if pair is None else await self._join_now(pair)
        self._metrics.events.labels(taken.outcome).inc()
        return taken

    async def _join_now(self, pair: Pair) -> EventResult:
        """Both halves are safe where they are: whatever fails now is tried again by `round`."""
        if pair.request is None or pair.response is None:
            return EventResult("waiting")
        try:
            return await self._join(pair)
        except (UnavailableError, NotAnnouncedError) as error:
            return EventResult("waiting", message=str(error))

    async def _join(self, pair: Pair) -> EventResult:
        """Raises UnavailableError or NotAnnouncedError, with the pair left as it is."""
        now = self._clock()
        try:
            reader = await self._reader(pair.model, pair.version, now)
            batch = await self._read(reader, pair)
        except RefusedEventError as error:
            return await self._give_up(pair, error, now)
        result = await self._store(batch)
        await self._inbox.finish(pair, now)
        return EventResult("joined", result.accepted, result.duplicates, result.rejected)

    async def _store(self, batch: Batch) -> IngestResult:
        accepted, duplicates, rejected = 0, 0, []
        for start in range(0, len(batch.rows), self._batch_rows):
            part = Batch(batch.model, batch.version, batch.columns, batch.rows[start : start + self._batch_rows])
            result = await self._ingest.store([part])
            accepted, duplicates = accepted + result.accepted, duplicates + result.duplicates
            rejected += result.rejected
        return IngestResult(accepted, duplicates, rejected[:100])

    async def _read(self, reader: PairReader, pair: Pair) -> Batch:
        if len(pair.request) + len(pair.response) < _INLINE_BYTES:
            return reader.batch(pair)
        return await asyncio.to_thread(reader.batch, pair)

    async def _reader(self, model: str, version: str | None, now: int) -> PairReader:
        known = self._readers.get((model, version))
        if known and known[0] > now - _MANIFEST_MS:
            return known[1]
        reader = PairReader(await self._manifest(model, version))
        self._readers[model, version] = (now, reader)
        return reader

    async def _manifest(self, model: str, version: str | None) -> Manifest:
        if version is None:
            versions = [table.version for table in await self._models.tables(model)]
            if not versions:
                raise NotAnnouncedError(model, None)
            version = max(versions, key=order)
        return await self._models.manifest(model, version)

    async def _give_up(self, pair: Pair, error: RefusedEventError, now: int) -> EventResult:
        bodies = {"request": pair.request, "response": pair.response}
        letter = event_letter((pair.model, pair.version), pair.event_id, error, bodies, now)
        if await self._inbox.finish(pair, now, letter):
            return self._refused(error)
        return EventResult("repeated")

    def _refused(self, error: RefusedEventError) -> EventResult:
        self._metrics.set_aside.labels(error.code).inc()
        return EventResult("set_aside", code=error.code, message=str(error))

    async def round(self) -> None:
        """Join what could not be joined when it came, give up what waited in vain, forget what is long done."""
        now = self._clock()
        for pair in await self._inbox.due(now, _ROUND_PAIRS):
            if pair.done:
                await self._inbox.forget(pair)
            elif pair.request is None or pair.response is None:
                await self._unmatched(pair, now)
            else:
                await self._try_again(pair, now)
        self._metrics.waiting.set(await self._inbox.waiting())

    async def _unmatched(self, pair: Pair, now: int) -> None:
        half, other = ("request", "response") if pair.response is None else ("response", "request")
        error = RefusedEventError("unmatched", f"its {other} did not come in {self._wait_ms // 1000} s")
        if (await self._give_up(pair, error, now)).outcome == "set_aside":
            self._metrics.unmatched.labels(half).inc()

    async def _try_again(self, pair: Pair, now: int) -> None:
        try:
            await self._join(pair)
            return
        except UnavailableError:
            raise
        except NotAnnouncedError as error:
            reason = RefusedEventError("unknown_model", str(error))
        except Exception as error:  # of one pair: say why, and go on with the others
            self._log.exception("a pair of events could not be joined", model=pair.model, event=pair.event_id)
            reason = RefusedEventError("failed", type(error).__name__)
        if now >= pair.received_at + self._wait_ms:
            await self._give_up(pair, reason, now)
        else:
            await self._inbox.put_off(pair, now)
