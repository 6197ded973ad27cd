"""Fit the house-price network on sales of 1993-95, measure what is served, pack it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from sklearn.cluster import KMeans
from torch import Tensor, nn

from pilothouse.manifest import TabularInput
from pilothouse.model import Model
from pilothouse.packing import Packed, pack
from pilothouse.packing.features import infer_features, instances
from pilothouse.packing.parity import Parity
from pilothouse.tabular import TabularCodec
from training.errors import BelowFloor
from training.house_prices.data import FEATURES, TARGET, SaleSplits, read, splits
from training.house_prices.evaluation import SaleScores, card, score
from training.house_prices.network import PLACE, HouseNetwork
from training.loop import FitSchedule, be_deterministic, fit

NAME, VERSION = "house-prices", "1"
FLOOR = 0.68
CENTRES = 200
SCHEDULE = FitSchedule(epochs=60, batch_rows=256, peak_learning_rate=3e-3, weight_decay=0.05, seed=1)
HUBER_DELTA = 2.0  # standard deviations: a sale at ten times its neighbours' price must not pull ten times as hard

DESCRIPTION = "Price per m² of single-family houses in Lucas County (Toledo), Ohio, learned from the sales of 1993-95"
DETAILS: Mapping[str, Mapping[str, Any]] = {
    "sale_date": {
        "description": "day of the sale", "minimum": "1990-01-01T00:00:00Z", "maximum": "2000-12-31T00:00:00Z",
    },
    "x_m": {"unit": "m", "description": "easting, Ohio North Lambert", "minimum": 470_000, "maximum": 550_000},
    "y_m": {"unit": "m", "description": "northing, Ohio North Lambert", "minimum": 185_000, "maximum": 240_000},
    "year_built": {"minimum": 1780, "maximum": 2000},
    "stories": {"description": "number and arrangement of storeys"},
    "wall": {"description": "material of the outer walls"},
    "living_m2": {"unit": "m²", "description": "living area", "minimum": 5, "maximum": 1500},
    "lot_m2": {"unit": "m²", "description": "area of the lot", "minimum": 10, "maximum": 200_000},
    "frontage_m": {"unit": "m", "description": "width of the lot at the street", "minimum": 0, "maximum": 1000},
    "rooms": {"minimum": 1, "maximum": 40},
    "beds": {"description": "bedrooms", "minimum": 0, "maximum": 20},
    "baths": {"description": "full bathrooms", "minimum": 0, "maximum": 15},
    "halfbaths": {"description": "bathrooms without a bath", "minimum": 0, "maximum": 10},
    "garage_m2": {"unit": "m²", "description": "area of the garage, 0 without one", "minimum": 0, "maximum": 1000},
}  # fmt: skip
MONITORED = (
    "sale_date", "x_m", "y_m", "year_built", "wall", "living_m2", "lot_m2", "prediction",
)  # fmt: skip
MONITORING = {
    "columns": [{"name": name} for name in MONITORED],
    "drift_share": 0.2,
    "window_rows": 1000,
    "minimum_rows": 100,
    "performance_metric": "mae",
    "performance_floor": 90.0,  # USD per m²; 75 on held-out sales
}


def run(into: Path) -> Packed:
    """Train and write `into/house-prices/1`. Raises BelowFloor, and writes nothing, when R² is below 0.68."""
    parts = splits(read())
    network = train(parts.train)

    def judge(model: Model, parity: Parity) -> str:
        scores = {
            "held out, 1993-95": score(model, parts.held_out),
            "reference, 1993-95": score(model, parts.reference),
        }
        scores |= {str(year): score(model, sales) for year, sales in parts.later.items()}
        held_out = scores["held out, 1993-95"].r2
        if held_out < FLOOR:
            raise BelowFloor(NAME, "R² on held-out sales", held_out, FLOOR)
        return _card(scores, parity, network, parts)

    return pack(
        network,
        name=NAME,
        version=VERSION,
        task="regression",
        reference=parts.reference,
        target=TARGET,
        unit="USD per m²",
        description=DESCRIPTION,
        features=DETAILS,
        monitoring=MONITORING,
        card=judge,
        into=into,
        overwrite=True,
    )


def train(sales: pd.DataFrame) -> HouseNetwork:
    """Fit on these sales alone; every step is seeded."""
    be_deterministic(SCHEDULE.seed)
    numbers, categories, prices = tensors(sales)
    network = HouseNetwork(numbers, prices, _centres(numbers), _category_counts(sales))
    spread = prices.std()

    def loss(predicted: Tensor, paid: Tensor) -> Tensor:
        """Huber's loss of every member against the same prices, in standard deviations."""
        wanted = (paid / spread).unsqueeze(1).expand_as(predicted)
        return nn.functional.huber_loss(predicted / spread, wanted, delta=HUBER_DELTA)

    fit(network, [numbers, categories], prices, loss, SCHEDULE, title=NAME)
    return network


def tensors(sales: pd.DataFrame) -> tuple[Tensor, Tensor, Tensor]:
    """Numbers, categories and prices, encoded by the code that serves."""
    codec = TabularCodec(TabularInput(features=infer_features(sales[[*FEATURES]])))
    encoded = codec.tensors(codec.validate(instances(sales[[*FEATURES]], codec.features)))
    prices = torch.from_numpy(sales[TARGET].to_numpy(dtype="float32", copy=True))
    return torch.from_numpy(encoded["numbers"]), torch.from_numpy(encoded["categories"]), prices


def _category_counts(sales: pd.DataFrame) -> list[int]:
    return [len(sales[f].cat.categories) for f in FEATURES if isinstance(sales[f].dtype, pd.CategoricalDtype)]


def _centres(numbers: Tensor) -> Tensor:
    """k-means centres of where the sales are, in km from their mean."""
    place = numbers[:, PLACE]
    kilometres = ((place - place.mean(0)) / 1000).numpy()
    found = KMeans(CENTRES, n_init=2, random_state=SCHEDULE.seed).fit(kilometres).cluster_centers_
    return torch.from_numpy(found).float()


def _card(scores: Mapping[str, SaleScores], parity: Parity, network: nn.Module, parts: SaleSplits) -> str:
    rows = {"train": len(parts.train), "reference": len(parts.reference), "held_out": len(parts.held_out)}
    parameters = sum(p.numel() for p in network.parameters())
    return card(scores, parity, parameters=parameters, rows=rows, monitored=", ".join(f"`{m}`" for m in MONITORED))
