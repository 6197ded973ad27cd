"""Price per m² as level times growth: a small ensemble of MLPs says the level of a house, one learned rate the growth.

Numeric preprocessing is in the graph. Coordinates are centred, because they are hundreds of thousands of metres, too
many for the digits of float32. Logarithms and standardising follow, and entity embeddings of the categories (Guo and
Berkhahn 2016, https://arxiv.org/abs/1604.06737). Radial basis functions lie around centres of the sales, because
location matters most and an MLP on raw coordinates is too smooth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

# Positions in `numbers`: the features that are no categories, in the order of `data.FEATURES`.
SALE_DATE, YEAR_BUILT, LIVING, LOT, FRONTAGE, GARAGE = 0, 3, 4, 5, 6, 11
PLACE, ROOMS = slice(1, 3), slice(7, 11)
DAYS_A_YEAR, EPOCH_YEAR, MIDDLE_YEAR = 365.25, 1970, 1994.5
YEARS_BACK, YEARS_AHEAD = 2.0, 6.0  # growth is carried no further than this from the middle of 1994
MEMBERS, HIDDEN, EMBEDDING, DROPOUT = 8, 64, 4, 0.2
BASIS_SCALE = 4.0  # brings the basis functions, which add up to 1, to the size of the standardised numbers
STANDARD_LIMIT = 5.0


class Members(nn.Module):  # type: ignore[misc]  # torch is not type-checked here
    """One linear layer for each member of the ensemble, in one product: (members, rows, before) to (.., after)."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        bound = before**-0.5
        self.weight = nn.Parameter(torch.empty(MEMBERS, before, after).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(MEMBERS, 1, after))

    def forward(self, rows: Tensor) -> Tensor:
        return torch.matmul(rows, self.weight) + self.bias


class HouseNetwork(nn.Module):  # type: ignore[misc]  # as above
    """Takes numbers float32 (rows, 12) and categories int64 (rows, 3); gives USD per m² (rows,), and (rows, members)
    while it is trained, so that each member learns by itself."""

    origin: Tensor
    centres: Tensor
    widths: Tensor
    middle: Tensor
    spread: Tensor
    typical: Tensor

    def __init__(self, numbers: Tensor, prices: Tensor, centres: Tensor, categories: Sequence[int]) -> None:
        """`numbers` and `prices` are the fitted rows, for centring; `centres` (centres, 2) in km from their mean."""
        super().__init__()
        self.register_buffer("origin", numbers[:, PLACE].mean(0))
        self.register_buffer("centres", centres)
        self.register_buffer("widths", neighbour_distance(centres))
        prepared = self._prepared(numbers)
        self.register_buffer("middle", prepared.mean(0))
        self.register_buffer("spread", prepared.std(0))
        self.register_buffer("typical", prices.mean())
        self.embeddings = nn.ModuleList(nn.Embedding(count + 1, EMBEDDING) for count in categories)
        width = prepared.shape[1] + len(centres) + EMBEDDING * len(categories)
        self.first, self.second, self.last = Members(width, HIDDEN), Members(HIDDEN, HIDDEN), Members(HIDDEN, 1)
        self.dropout = nn.Dropout(DROPOUT)
        self.growth = nn.Parameter(torch.tensor(0.04))

    def forward(self, numbers: Tensor, categories: Tensor) -> Tensor:
        level = self.typical * torch.exp(self._members(numbers, categories))
        years = numbers[:, SALE_DATE] / DAYS_A_YEAR + EPOCH_YEAR - MIDDLE_YEAR
        price = level * torch.exp(self.growth * years.clamp(-YEARS_BACK, YEARS_AHEAD))
        return price.T if self.training else price.mean(0)

    def _members(self, numbers: Tensor, categories: Tensor) -> Tensor:
        standard = ((self._prepared(numbers) - self.middle) / self.spread).clamp(-STANDARD_LIMIT, STANDARD_LIMIT)
        codes = [embed(categories[:, i] + 1) for i, embed in enumerate(self.embeddings)]  # 0 is a missing category
        rows = torch.cat([standard, self._neighbourhood(numbers), *codes], dim=1).unsqueeze(0)
        hidden = self.dropout(nn.functional.silu(self.first(rows)))
        hidden = hidden + self.dropout(nn.functional.silu(self.second(hidden)))
        level: Tensor = self.last(hidden)
        return level.squeeze(2)

    def _neighbourhood(self, numbers: Tensor) -> Tensor:
        """Normalised radial basis functions: which centres are near, adding up to nearly 1."""
        apart = (self._place(numbers).unsqueeze(1) - self.centres).square().sum(2)
        near = torch.exp(-apart / (2 * self.widths.square()))
        return BASIS_SCALE * near / (near.sum(1, keepdim=True) + 1e-3)

    def _place(self, numbers: Tensor) -> Tensor:
        return (numbers[:, PLACE] - self.origin) / 1000

    def _prepared(self, numbers: Tensor) -> Tensor:
        year = numbers[:, SALE_DATE] / DAYS_A_YEAR + EPOCH_YEAR
        season = 2 * math.pi * (year - MIDDLE_YEAR)
        age = (year - numbers[:, YEAR_BUILT]).clamp(min=0)
        columns = [
            numbers[:, YEAR_BUILT] - 1950,
            torch.log1p(age),
            *(torch.log1p(numbers[:, i]) for i in (LIVING, LOT, FRONTAGE, GARAGE)),
            torch.log((numbers[:, LOT] + 1) / (numbers[:, LIVING] + 1)),
            (numbers[:, GARAGE] > 0).to(numbers.dtype),
            torch.sin(season),
            torch.cos(season),
        ]
        return torch.cat([self._place(numbers), numbers[:, ROOMS], torch.stack(columns, dim=1)], dim=1)


def neighbour_distance(centres: Tensor, neighbours: int = 3) -> Tensor:
    """Mean distance (centres,) of each centre to its nearest ones: the width of its basis function."""
    apart = torch.cdist(centres, centres).fill_diagonal_(torch.inf)
    return apart.topk(neighbours, largest=False).values.mean(1)
