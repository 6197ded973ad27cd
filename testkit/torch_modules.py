"""Tiny torch modules to pack. Import after `pytest.importorskip("torch")`."""

from __future__ import annotations

import torch
from torch import nn


class Line(nn.Module):  # type: ignore[misc]  # torch is not type-checked here
    """A regression on two numbers and a category: by hand, 2·a - b + the code of the category."""

    def forward(self, numbers: torch.Tensor, categories: torch.Tensor) -> torch.Tensor:
        return 2 * numbers[:, 0] - numbers[:, 1] + categories[:, 0]


class Columns(nn.Module):  # type: ignore[misc]
    """Answers its first `count` numbers as they are: whatever a test wants a module to answer."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        return numbers[:, : self.count]


class Mean(nn.Module):  # type: ignore[misc]
    """A binary image model: the logit is the brightness in 0..1 less a half, times ten."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        assert pixels.dtype == torch.float32 and pixels.shape[1] == 1
        return 10 * (pixels.mean(dim=(1, 2, 3)) - 0.5)


class MeanAndEmbedding(Mean):
    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logit = super().forward(pixels)
        return torch.stack([-logit, logit], dim=1), pixels.mean(dim=3).flatten(1)


class Noisy(nn.Module):  # type: ignore[misc]
    """Draws random numbers with every answer."""

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        return numbers[:, 0] + torch.rand_like(numbers[:, 0])


class AlwaysDropping(nn.Module):  # type: ignore[misc]
    """Dropout that ignores evaluation mode."""

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        return nn.functional.dropout(numbers, 0.5, training=True).sum(dim=1)


class Dropping(nn.Module):  # type: ignore[misc]
    """Dropout that is off in evaluation mode."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.5)

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        return self.dropout(numbers).sum(dim=1)


class DataDependent(nn.Module):  # type: ignore[misc]
    """Python control flow on values, which no graph can hold."""

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        return numbers[:, 0] if numbers[0, 0] > 0 else -numbers[:, 0]
