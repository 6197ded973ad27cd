"""What a recipe raises on purpose.

TrainingError
├── MissingData    the raw data is neither installed nor downloadable
├── WrongData      the raw data is not the published one
└── BelowFloor     the trained model is worse than it has to be
"""

from __future__ import annotations


class TrainingError(Exception):
    """Everything that the recipes raise on purpose."""


class MissingData(TrainingError):
    """The raw data is neither installed nor downloadable."""


class WrongData(TrainingError):
    """The raw data is not the published one: its sha256 differs."""


class BelowFloor(TrainingError):
    """The trained model is worse on real, held-out data than it has to be."""

    def __init__(self, model: str, metric: str, value: float, floor: float) -> None:
        super().__init__(f"{model}: {metric} is {value:.4f}, below the floor of {floor:.2f}; nothing was written")
        self.model, self.metric, self.value, self.floor = model, metric, value, floor
