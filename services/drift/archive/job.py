"""What the process that reads the archive is given, and what it answers, as MessagePack."""

from __future__ import annotations

import msgspec


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
