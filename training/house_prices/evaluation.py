"""How good the served house-price model is, and the model card that says so. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from pilothouse.model import Model
from pilothouse.packing.features import instances
from pilothouse.packing.parity import Parity
from training.house_prices.data import FEATURES, TARGET

CARD = Path(__file__).with_name("card.md")


class SaleScores(NamedTuple):
    """R², root mean square error and mean error, the errors in USD per m²."""

    r2: float
    rmse: float
    bias: float
    rows: int


def score(model: Model, sales: pd.DataFrame) -> SaleScores:
    """Predict every sale as the service would, and compare with what was paid."""
    assert model.tabular is not None
    predicted = np.array(model.run(model.parse(instances(sales[[*FEATURES]], model.tabular.features))).prediction)
    paid = sales[TARGET].to_numpy(dtype=np.float64)
    error = predicted - paid
    r2 = 1 - float(np.square(error).sum() / np.square(paid - paid.mean()).sum())
    return SaleScores(r2, float(np.sqrt(np.square(error).mean())), float(error.mean()), len(sales))


def card(
    scores: Mapping[str, SaleScores], parity: Parity, *, parameters: int, rows: Mapping[str, int], monitored: str
) -> str:
    lines = [f"| {name} | {s.rows:,} | {s.r2:.3f} | {s.rmse:.0f} | {s.bias:+.0f} |" for name, s in scores.items()]
    return CARD.read_text(encoding="utf-8").format(
        rows="\n".join(lines),
        parameters=parameters,
        difference=parity.difference,
        compared=parity.rows,
        limit=parity.limit,
        monitored=monitored,
        **rows,
    )
