"""The drift service's side of the archive: a process for each sample, which takes its memory with it when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping

import msgspec
import pyarrow as pa

from services.drift.archive.job import SampleAnswer, SampleJob
from services.drift.errors import CollectorAwayError
from services.drift.records import Rows

_decoder = msgspec.msgpack.Decoder(SampleAnswer)


class ArchiveReader:
    """One at a time. `environment` is what the process gets, and with it the store's credentials."""

    def __init__(self, address: str, *, timeout_seconds: float, environment: Mapping[str, str]) -> None:
        self.address = address
        self._timeout, self._environment = timeout_seconds, dict(environment)
        self._one = asyncio.Lock()

    async def read(self, job: SampleJob) -> Rows:
        """Raises CollectorAwayError when the archive cannot be read."""
        async with self._one:
            answer = await self._run(job)
        if answer.error:
            raise CollectorAwayError(f"the archive cannot be read: {answer.error}")
        return Rows(pa.ipc.open_stream(answer.table).read_all(), answer.window_rows)

    async def _run(self, job: SampleJob) -> SampleAnswer:
        command = [sys.executable, "-m", "services.drift.archive"]
        process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, env=self._environment)
        try:
            exchange = process.communicate(msgspec.msgpack.encode(job))
            said, _ = await asyncio.wait_for(exchange, self._timeout)
            return _decoder.decode(said)
        except TimeoutError:
            raise CollectorAwayError(f"the archive was not read in {self._timeout:g} s") from None
        except (OSError, msgspec.MsgspecError) as error:
            raise CollectorAwayError(f"the process that reads the archive died ({type(error).__name__})") from error
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
