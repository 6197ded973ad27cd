"""The drift service's side of the archive: a process for each sample, which takes its memory with it when it ends.

What that process is given and what it answers go through its pipes as MessagePack.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping

import msgspec
import pyarrow as pa

from services.drift.errors import CollectorAwayError
from services.drift.records import Rows


class SampleJob(msgspec.Struct, frozen=True):
    """Records with `start <= id < end` of the days in `paths`, a sample of `most`; ids as text, None: no bound."""

    address: str
    paths: list[str]
    columns: list[str]
    most: int
    start: str | None = None
    end: str | None = None
    only_labelled: bool = False


class SampleAnswer(msgspec.Struct, frozen=True):
    """`table` is an Arrow stream; `error` says why there is none."""

    table: bytes = b""
    window_rows: int = 0
    error: str = ""


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
            return msgspec.msgpack.decode(said, type=SampleAnswer)
        except TimeoutError:
            raise CollectorAwayError(f"the archive was not read in {self._timeout:g} s") from None
        except (OSError, msgspec.MsgspecError) as error:
            raise CollectorAwayError(f"the process that reads the archive died ({type(error).__name__})") from error
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
