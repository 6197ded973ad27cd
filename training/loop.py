"""The one fit loop: AdamW under a one-cycle learning rate, minibatches in a seeded order, a progress bar.

One cycle: Smith and Topin 2017, https://arxiv.org/abs/1708.07120.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from tqdm import tqdm

Loss = Callable[[Tensor, Tensor], Tensor]
Augment = Callable[[Tensor, torch.Generator], Tensor]


@dataclass(frozen=True, slots=True)
class FitSchedule:
    """How long and how fast to fit; `seed` is that of the order of the minibatches."""

    epochs: int
    batch_rows: int
    peak_learning_rate: float
    weight_decay: float
    seed: int


def be_deterministic(seed: int) -> None:
    """Fix every source of chance of torch, so that a second run on the same machine gives the same weights."""
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)


def fit(
    network: nn.Module,
    inputs: Sequence[Tensor],
    target: Tensor,
    loss: Loss,
    schedule: FitSchedule,
    *,
    augment: Augment | None = None,
    title: str = "fit",
) -> None:
    """Fit in place and leave the network in evaluation mode. `augment` changes the first input of each minibatch."""
    chance = torch.Generator().manual_seed(schedule.seed)
    steps = schedule.epochs * -(-len(target) // schedule.batch_rows)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=schedule.peak_learning_rate, weight_decay=schedule.weight_decay
    )
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, schedule.peak_learning_rate, total_steps=steps)
    network.train()
    with tqdm(total=steps, desc=title, unit="step", mininterval=1) as bar:
        for _ in range(schedule.epochs):
            for rows in torch.randperm(len(target), generator=chance).split(schedule.batch_rows):
                first, *rest = (part[rows] for part in inputs)
                value = loss(network(augment(first, chance) if augment else first, *rest), target[rows])
                optimiser.zero_grad()
                value.backward()
                optimiser.step()
                rate.step()
                bar.update()
                bar.set_postfix(loss=f"{value.item():.3f}", refresh=False)
    network.eval()
