"""`python -m bench.serving.unlogged`: the inference service with a log that forgets. It exists to measure what the
log costs, and the service itself has no such switch."""

from __future__ import annotations

from services.inference import predictor
from services.inference.__main__ import main
from services.inference.spool.segments import RecordLog


def forget(self: RecordLog, frames: list[bytes]) -> None:
    """Does nothing with them."""


if __name__ == "__main__":
    RecordLog.append_records = forget  # type: ignore[method-assign]  # on purpose, see above
    predictor.encode_frame = lambda schema, payload: b""  # type: ignore[attr-defined]
    main()
