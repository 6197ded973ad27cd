"""How good the served house-price model is, computed through the code that serves it; needs no torch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from pilothouse.model import Model
from pilothouse.packing.features import instances
from training.house_prices.data import FEATURES, TARGET


class Scores(NamedTuple):
    """R², root mean square error and mean error, the errors in USD per m²."""

    r2: float
    rmse: float
    bias: float
    rows: int


def score(model: Model, sales: pd.DataFrame) -> Scores:
    """Predict every sale as the service would, and compare with what was paid."""
    assert model.tabular is not None
    predicted = np.array(model.run(model.parse(instances(sales[[*FEATURES]], model.tabular.features))).prediction)
    paid = sales[TARGET].to_numpy(dtype=np.float64)
    error = predicted - paid
    r2 = 1 - float(np.square(error).sum() / np.square(paid - paid.mean()).sum())
    return Scores(r2, float(np.sqrt(np.square(error).mean())), float(error.mean()), len(sales))
