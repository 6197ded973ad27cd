"""`python -m bench.serving.unlogged`: the inference service with a log that forgets. It exists to measure what the
log costs, and the service itself has no such switch."""

from __future__ import annotations

from services.inference import app, predictor
from services.inference.__main__ import main
from services.inference.journal import Journal


class Forgetting(Journal):
    def append(self, frames: bytes, records: int) -> None:
        """Does nothing with them."""


if __name__ == "__main__":
    app.Journal = Forgetting  # type: ignore[attr-defined]  # on purpose, see above
    predictor.encode_frame = lambda schema, payload: b""  # type: ignore[attr-defined]
    main()
