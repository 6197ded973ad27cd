"""`python -m services.drift.archive`: one sample of archived days, then the end, and its memory with it."""

from __future__ import annotations

import io
import sys

import msgspec
import pyarrow as pa
import pyarrow.ipc

from services.drift.archive.reader import SampleAnswer, SampleJob
from services.drift.process import die_with_parent


def main() -> None:
    die_with_parent()
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=SampleJob)
    sys.stdout.buffer.write(msgspec.msgpack.encode(_answer(job)))


def _answer(job: SampleJob) -> SampleAnswer:
    """Whatever goes wrong is the answer."""
    try:
        from services.drift.archive.sample import draw

        table, rows = draw(job)
    except Exception as error:
        return SampleAnswer(error=f"{type(error).__name__}: {error}"[:500])
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return SampleAnswer(sink.getvalue(), rows)


if __name__ == "__main__":
    main()
