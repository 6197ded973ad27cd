"""The worker: a process of its own that makes one report, or fits one model of errors, at a time, for as long as its
parent lives.

`python -m services.drift.report.worker_process MEMORY_BYTES`. Each message on standard input and output is eight bytes
of length, then MessagePack: a ReportJob or a FitJob in, a ReportAnswer out. Everything that libraries print goes to
standard error.
"""

from __future__ import annotations

import os
import resource
import sys
import warnings
from pathlib import Path
from typing import BinaryIO

import msgspec

from services.drift.performance.loss_model import FitJob
from services.drift.process import die_with_parent
from services.drift.report.job import ReportAnswer, ReportJob

_decoder = msgspec.msgpack.Decoder(ReportJob | FitJob)


def main() -> None:
    die_with_parent()
    memory_bytes = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    warnings.simplefilter("ignore")  # of libraries, about their own insides
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        while (message := _read(sys.stdin.buffer)) is not None:
            _write(answers, msgspec.msgpack.encode(_answer(message)))


def _answer(message: bytes) -> ReportAnswer:
    """The edge of the worker's loop: whatever a library raises is the answer."""
    try:
        html, data = _work(_decoder.decode(message))
    except Exception as error:
        exhausted = isinstance(error, MemoryError | ImportError)
        return ReportAnswer(
            error=f"{type(error).__name__}: {error}"[:500], exhausted=exhausted, memory_bytes=_peak_bytes()
        )
    return ReportAnswer(html, data, memory_bytes=_peak_bytes())


def _work(job: ReportJob | FitJob) -> tuple[bytes, bytes]:
    """Libraries are imported when they are first needed, so that a fit does not wait for Evidently."""
    if isinstance(job, FitJob):
        from services.drift.performance.fit import fit

        return b"", msgspec.msgpack.encode(fit(job))
    from services.drift.report.evidently_report import make

    return make(job)


def _peak_bytes() -> int:
    """Peak resident memory. On Linux by /proc, because getrusage counts what the parent had when it forked."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _read(stream: BinaryIO) -> bytes | None:
    """The next message; None at the end of the input."""
    head = stream.read(8)
    return stream.read(int.from_bytes(head)) if len(head) == 8 else None


def _write(stream: BinaryIO, message: bytes) -> None:
    stream.write(len(message).to_bytes(8))
    stream.write(message)
    stream.flush()


if __name__ == "__main__":
    main()
