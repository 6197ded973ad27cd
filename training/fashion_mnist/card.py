"""The model card of the Fashion-MNIST model, with the figures of the run that made it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pilothouse.packing.parity import Parity
from training.fashion_mnist.scores import Scores

TEMPLATE = Path(__file__).with_name("card.md")


def card(
    scores: Mapping[str, Scores],
    parity: Parity,
    *,
    parameters: int,
    rows: Mapping[str, int],
    statistics: tuple[str, ...],
) -> str:
    """`scores` by name of the images; the first one is the published test set."""
    lines = [
        f"| {name} | {s.rows:,} | {s.accuracy:.4f} | {s.confidence:.4f} | {s.calibration_error:.4f} |"
        for name, s in scores.items()
    ]
    recall = next(iter(scores.values())).recall
    return TEMPLATE.read_text(encoding="utf-8").format(
        scores="\n".join(lines),
        recall=", ".join(f"{name} {value:.2f}" for name, value in recall.items()),
        parameters=parameters,
        difference=parity.difference,
        compared=parity.rows,
        limit=parity.limit,
        statistics=", ".join(f"`{s}`" for s in statistics),
        **rows,
    )
