"""Fit the Fashion-MNIST network, calibrate it, measure what is served, pack it."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from pilothouse.model import Model
from pilothouse.packing import Packed, pack
from pilothouse.packing.parity import Parity
from training.errors import BelowFloor
from training.fashion_mnist.data import CLASSES, Images, ImageSplits, splits
from training.fashion_mnist.evaluation import card, score
from training.fashion_mnist.network import FashionNetwork, shift_and_mirror
from training.loop import FitSchedule, be_deterministic, fit

NAME, VERSION = "fashion-mnist", "1"
FLOOR = 0.90
SCHEDULE = FitSchedule(epochs=8, batch_rows=128, peak_learning_rate=4e-3, weight_decay=1e-2, seed=1)
DESCRIPTION = "Kind of clothing on a grey image of 28 by 28 pixels, light on black (Fashion-MNIST)"
STATISTICS = ("brightness", "contrast", "sharpness", "noise", "ink_share", "edge_balance", "asymmetry")
MONITORING = {
    # Not the ten probabilities: they move together, and would outvote the statistics in the share of drifted columns.
    "columns": [{"name": name} for name in (*STATISTICS, "prediction")],
    "drift_share": 0.25,
    "window_rows": 1000,
    "minimum_rows": 100,
    "performance_metric": "accuracy",
    "performance_floor": 0.85,
}


def run(into: Path) -> Packed:
    """Train and write `into/fashion-mnist/1`. Raises BelowFloor, and writes nothing, when accuracy is below 0.90."""
    parts = splits()
    network = train(parts.train)
    calibrate(network, parts.calibration)
    return write(network, parts, into)


def train(images: Images) -> FashionNetwork:
    """Fit on these images alone; every step is seeded."""
    be_deterministic(SCHEDULE.seed)
    network = FashionNetwork(len(CLASSES))

    def loss(answer: tuple[Tensor, Tensor], labels: Tensor) -> Tensor:
        return nn.functional.cross_entropy(answer[0], labels)

    labels = torch.from_numpy(images.labels)
    fit(network, [as_tensor(images)], labels, loss, SCHEDULE, augment=shift_and_mirror, title=NAME)
    return network


def calibrate(network: FashionNetwork, images: Images) -> None:
    """Set the temperature that makes these images' labels most likely."""
    with torch.no_grad():
        logits = network(as_tensor(images))[0] * network.temperature
    labels = torch.from_numpy(images.labels)
    logarithm = torch.zeros((), requires_grad=True)
    optimiser = torch.optim.LBFGS([logarithm], max_iter=50)

    def closure() -> Tensor:
        optimiser.zero_grad()
        value = nn.functional.cross_entropy(logits / logarithm.exp(), labels)
        value.backward()
        return value

    optimiser.step(closure)
    network.temperature.copy_(logarithm.detach().exp())


def write(network: FashionNetwork, parts: ImageSplits, into: Path) -> Packed:
    """Pack, measuring the served model on the way. Raises BelowFloor."""

    def judge(model: Model, parity: Parity) -> str:
        scores = {"published test set": score(model, parts.held_out), "reference": score(model, parts.reference)}
        accuracy = scores["published test set"].accuracy
        if accuracy < FLOOR:
            raise BelowFloor(NAME, "accuracy on the test images", accuracy, FLOOR)
        rows = {name: len(getattr(parts, name).labels) for name in ("train", "calibration", "reference")}
        parameters = sum(p.numel() for p in network.parameters())
        return card(scores, parity, parameters=parameters, rows=rows, statistics=STATISTICS)

    return pack(
        network,
        name=NAME,
        version=VERSION,
        task="multiclass",
        reference=(parts.reference.pixels, parts.reference.names),
        target="article",
        classes=CLASSES,
        outputs="logits",
        embedding=True,
        statistics=STATISTICS,
        resize=True,
        description=DESCRIPTION,
        monitoring=MONITORING,
        card=judge,
        into=into,
        overwrite=True,
    )


def as_tensor(images: Images) -> Tensor:
    """float32 (rows, 1, 28, 28) in 0..1."""
    return torch.from_numpy(images.pixels.copy()).permute(0, 3, 1, 2).float() / 255
