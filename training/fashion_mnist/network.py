"""A small convolutional network: three convolutions, a 128-wide layer (the embedding), ten logits."""

from __future__ import annotations

import torch
from torch import Tensor, nn

EMBEDDING_SIZE = 128
MEAN, SPREAD = 0.2860, 0.3530  # of the 60,000 training images, in 0..1


def _block(before: int, after: int, *rest: nn.Module) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(), *rest]


class FashionNetwork(nn.Module):  # type: ignore[misc]  # torch is not type-checked here
    """Takes pixels float32 (rows, 1, 28, 28) in 0..1; gives logits (rows, 10) and the embedding (rows, 128).

    `temperature` divides the logits, so that a confidence of 0.9 is right nine times in ten (Guo et al. 2017,
    https://arxiv.org/abs/1706.04599). It is fitted after the weights, on images that those have not seen.
    """

    temperature: Tensor

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_block(1, 24, nn.MaxPool2d(2)),
            *_block(24, 48),
            *_block(48, 64, nn.MaxPool2d(2)),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(64 * 7 * 7, EMBEDDING_SIZE),
            nn.ReLU(),
        )
        self.dropout = nn.Dropout(0.3)
        self.classifier = nn.Linear(EMBEDDING_SIZE, classes)
        self.register_buffer("temperature", torch.ones(()))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        embedding: Tensor = self.features((pixels - MEAN) / SPREAD)
        return self.classifier(self.dropout(embedding)) / self.temperature, embedding


def shift_and_mirror(pixels: Tensor, chance: torch.Generator) -> Tensor:
    """Augmentation: the whole minibatch moves by up to two pixels, each image is mirrored or not."""
    down, right = torch.randint(-2, 3, (2,), generator=chance).tolist()
    pixels = nn.functional.pad(pixels, (2, 2, 2, 2))[:, :, 2 + down : 30 + down, 2 + right : 30 + right]
    mirrored = torch.rand(len(pixels), 1, 1, 1, generator=chance) < 0.5
    return torch.where(mirrored, pixels.flip(3), pixels)
