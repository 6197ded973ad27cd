"""The port that both estimates satisfy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.drift.performance.metric import Value


class Estimate(Protocol):
    """What is expected of a sample's rows, labels unseen."""

    def values(self, rows: NDArray[np.intp], names: Sequence[str], draws: int) -> dict[str, Value]:
        """Metrics of some of the rows, with 95% intervals of what labels would measure on as many."""
