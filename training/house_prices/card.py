"""The model card of the house-price model, with the figures of the run that made it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pilothouse.packing.parity import Parity
from training.house_prices.scores import Scores

TEMPLATE = Path(__file__).with_name("card.md")


def card(
    scores: Mapping[str, Scores], parity: Parity, *, parameters: int, rows: Mapping[str, int], monitored: str
) -> str:
    lines = [f"| {name} | {s.rows:,} | {s.r2:.3f} | {s.rmse:.0f} | {s.bias:+.0f} |" for name, s in scores.items()]
    return TEMPLATE.read_text(encoding="utf-8").format(
        rows="\n".join(lines),
        parameters=parameters,
        difference=parity.difference,
        compared=parity.rows,
        limit=parity.limit,
        monitored=monitored,
        **rows,
    )
