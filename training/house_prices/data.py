"""The sales, and how they are divided: by time first, then by a fixed seed within 1993-95."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from training.errors import MissingData

SALES = Path(__file__).parents[1] / "data" / "houses_lucas_oh_1993_1998.parquet"
FEATURES = (
    "sale_date", "x_m", "y_m", "year_built", "stories", "wall", "living_m2", "lot_m2", "frontage_m", "rooms", "beds",
    "baths", "halfbaths", "garage", "garage_m2",
)  # fmt: skip
TARGET = "price_per_m2"

LAST_YEAR = 1995
HELD_OUT_ROWS, REFERENCE_ROWS = 1_500, 2_000
SPLIT_SEED = 1995


class SaleSplits(NamedTuple):
    """Parts that share no sale; every frame has FEATURES and TARGET.

    `train` fits the weights. `reference` is what drift compares with and `held_out` measures the model: neither was
    fitted on; both are in random order, so that any thousand rows of them are a sample of the three years. `later` is
    what happened afterwards, by year and in order of date: the natural drift.
    """

    train: pd.DataFrame
    reference: pd.DataFrame
    held_out: pd.DataFrame
    later: Mapping[int, pd.DataFrame]


def read(path: Path = SALES) -> pd.DataFrame:
    """Every sale, in order of date. Raises MissingData."""
    if not path.is_file():
        raise MissingData(f"{path} does not exist; it is part of the repository")
    return pd.read_parquet(path)[[*FEATURES, TARGET]].sort_values("sale_date", kind="stable", ignore_index=True)


def splits(frame: pd.DataFrame) -> SaleSplits:
    """Divide the sales with a fixed seed."""
    year = frame["sale_date"].dt.year
    early = np.flatnonzero(year <= LAST_YEAR)
    order = np.random.default_rng(SPLIT_SEED).permutation(early)
    held_out, reference, train = np.split(order, [HELD_OUT_ROWS, HELD_OUT_ROWS + REFERENCE_ROWS])
    return SaleSplits(
        train=frame.iloc[train],
        reference=frame.iloc[reference],
        held_out=frame.iloc[held_out],
        later={int(y): frame[year == y] for y in sorted(set(year[year > LAST_YEAR]))},
    )
