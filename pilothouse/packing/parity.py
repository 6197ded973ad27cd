"""Parity: the exported graph must answer what the torch model answers, on the reference.

The largest absolute difference is allowed to be `tolerance` for probabilities, and `tolerance` times the largest
value that torch answered for anything larger than 1 (a price, an embedding): float32 has seven digits, not seven
decimals. Samples of torch's answers stay in the package, so that `check` can compare without torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilothouse.errors import PackageError, ParityError
from pilothouse.package import Package

PARITY = "parity.json"
PROBABILITY_SLACK = 1e-3


@dataclass(frozen=True, slots=True)
class Parity:
    """How far the graph and torch were apart on `rows` rows of the reference, and how far they may be."""

    rows: int
    tolerance: float
    difference: float
    limit: float


def compare(
    torch_outputs: Mapping[str, NDArray[Any]], graph_outputs: Mapping[str, NDArray[Any]], tolerance: float
) -> Parity:
    """Compare every output. Raises ParityError when one is beyond its limit, or has another shape."""
    for name, wanted in torch_outputs.items():
        found = graph_outputs[name]
        if found.shape != wanted.shape:
            raise ParityError(f"{name}: the graph answers shape {found.shape}, torch answers {wanted.shape}")
        difference, limit = _difference(found, wanted), limit_of(wanted, tolerance)
        if not difference <= limit:
            raise ParityError(
                f"{name}: the exported graph and the torch model differ by {difference:.3g} on the reference, "
                f"which is beyond {limit:.3g} (tolerance {tolerance:g}); "
                "a module that draws random numbers cannot be packed"
            )
    output = torch_outputs["output"]
    return Parity(len(output), tolerance, _difference(graph_outputs["output"], output), limit_of(output, tolerance))


def limit_of(values: NDArray[Any], tolerance: float) -> float:
    """The largest difference that is allowed, when these are torch's answers."""
    return tolerance * max(1.0, float(np.abs(values).max(initial=0)))


def _difference(found: NDArray[Any], wanted: NDArray[Any]) -> float:
    return float(np.abs(found.astype(np.float64) - wanted.astype(np.float64)).max(initial=0))


def require_probabilities(outputs: NDArray[Any]) -> None:
    """Raises PackageError when rows (rows, classes) are not probabilities that add up to 1."""
    low, high, off = float(outputs.min()), float(outputs.max()), float(np.abs(outputs.sum(axis=1) - 1).max())
    if not (low >= -PROBABILITY_SLACK and high <= 1 + PROBABILITY_SLACK and off <= PROBABILITY_SLACK):
        raise PackageError(
            f"the module's outputs are not probabilities (they span {low:.3g} to {high:.3g} and add up to "
            f"1 ± {off:.3g}); say outputs='logits' if they are logits"
        )


def require_finite(outputs: Mapping[str, NDArray[Any]]) -> None:
    """Raises PackageError when torch itself answers NaN or infinity on the reference."""
    for name, values in outputs.items():
        rows = int((~np.isfinite(values.reshape(len(values), -1)).all(axis=1)).sum())
        if rows:
            raise PackageError(f"{name}: the module answers NaN or infinity for {rows} rows of the reference")


def write_samples(folder: Path, parity: Parity, samples: list[dict[str, Any]]) -> None:
    """Keep torch's answers: each sample has an `output` and either a `file` of the package or a `row` of the
    reference."""
    body = {
        "rows": parity.rows,
        "tolerance": parity.tolerance,
        "max_abs_difference": parity.difference,
        "samples": samples,
    }
    (folder / PARITY).write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")


def read_samples(package: Package) -> dict[str, Any]:
    """`parity.json`: tolerance, and samples with torch's answers. Raises PackageError."""
    path = package.folder / PARITY
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        tolerance, samples = float(kept["tolerance"]), list(kept["samples"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PackageError(f"{PARITY} cannot be read: {error!r}") from error
    if not samples:
        raise PackageError(f"{PARITY} holds no samples of torch's answers")
    return {"tolerance": tolerance, "samples": samples}
