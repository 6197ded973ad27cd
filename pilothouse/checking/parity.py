"""Parity without torch: the graph against torch's answers that `pack` kept, and against the logged reference."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilothouse.checking.report import Finding
from pilothouse.errors import InputError, PackageError
from pilothouse.model import Inputs, Model
from pilothouse.package import Package
from pilothouse.packing.features import instances
from pilothouse.packing.parity import PARITY, limit_of
from pilothouse.packing.reference import answer


def check_parity(model: Model, table: Any) -> Finding:
    """Run the graph on the kept samples (and, for a table, on the whole reference) and compare."""
    try:
        kept = read_samples(model.package)
        rows = _rows(model, table)
        differences = [_of_samples(model, kept, rows)]
        if rows is not None:
            differences.append(_of_reference(model, table, rows, kept["tolerance"]))
    except (PackageError, InputError) as error:
        return Finding("parity", "", (str(error),))
    detail = "; ".join(f"{what}: differs by at most {found:.2g}" for what, found, _ in differences)
    faults = [
        f"{what}: the graph differs by {found:.3g}, beyond {limit:.3g}"
        for what, found, limit in differences
        if not found <= limit
    ]
    return Finding("parity", detail, tuple(faults))


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


Difference = tuple[str, float, float]  # what was compared, the largest absolute difference, the largest allowed


def _rows(model: Model, table: Any) -> list[Any] | None:
    """The reference's inputs as the service would have validated them; images are not in it."""
    if model.tabular is None:
        return None
    features = model.tabular.features
    frame = table.select([f.name for f in features]).to_pandas(integer_object_nulls=True)
    return model.parse(instances(frame, features)).rows


def _of_samples(model: Model, kept: dict[str, Any], rows: list[Any] | None) -> Difference:
    samples = kept["samples"]
    try:
        if rows is not None:
            inputs = Inputs([rows[s["row"]] for s in samples])
        else:
            inputs = model.parse_images([(model.package.folder / s["file"]).read_bytes() for s in samples])
        wanted = np.array([s["output"] for s in samples], dtype=np.float64)
    except (OSError, KeyError, IndexError, TypeError, ValueError) as error:
        raise PackageError(f"{PARITY} does not fit the package: {error!r}") from error
    found = answer(model, inputs.rows).outputs["output"]
    return f"{len(samples)} of torch's answers", *_compare(found, wanted, kept["tolerance"])


def _of_reference(model: Model, table: Any, rows: list[Any], tolerance: float) -> Difference:
    names = list(model.manifest.probability_columns) or ["prediction"]
    logged = np.stack([table[n].to_numpy() for n in names], axis=1)
    found = answer(model, rows).outputs["output"].reshape(len(rows), -1)
    return f"{len(rows)} rows of the reference", *_compare(found, logged, tolerance)


def _compare(found: NDArray[Any], wanted: NDArray[Any], tolerance: float) -> tuple[float, float]:
    if found.shape != wanted.shape:
        raise PackageError(f"the graph answers shape {found.shape} where {wanted.shape} was recorded")
    return float(np.abs(found - wanted).max()), limit_of(wanted, tolerance)
