"""The graph: its tensors against the manifest, and its answers against those of torch that `pack` kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilothouse.checking.report import Finding
from pilothouse.errors import InputError, PackageError
from pilothouse.manifest import ImageInput, Manifest
from pilothouse.model import Inputs, Model
from pilothouse.packing.features import instances
from pilothouse.packing.parity import PARITY, limit_of, read_samples

Tensor = tuple[str, list[Any]]  # element type, shape; a dimension that varies is None
Difference = tuple[str, float, float]  # what was compared, the largest absolute difference, the largest allowed
ROWS = None


def check_graph(manifest: Manifest, session: Any) -> Finding:
    """Compare an ONNX Runtime session with what the manifest promises."""
    inputs, outputs = _described(session.get_inputs()), _described(session.get_outputs())
    faults = _differences("input", wanted_inputs(manifest), inputs)
    faults += _differences("output", wanted_outputs(manifest), outputs)
    shown = ", ".join(f"{name} {_shape(shape)}" for name, (_, shape) in (inputs | outputs).items())
    return Finding("graph", shown, tuple(faults))


def wanted_inputs(manifest: Manifest) -> dict[str, Tensor]:
    """Name, element type and shape of what the graph has to take: see `TabularInput` and `ImageInput`."""
    spec = manifest.input
    if isinstance(spec, ImageInput):
        return {"image": ("tensor(uint8)", [ROWS, spec.height, spec.width, 1 if spec.mode == "L" else 3])}
    categories = sum(f.type == "category" for f in spec.features)
    numbers = len(spec.features) - categories
    wanted: dict[str, Tensor] = {}
    if numbers:
        wanted["numbers"] = ("tensor(float)", [ROWS, numbers])
    if categories:
        wanted["categories"] = ("tensor(int64)", [ROWS, categories])
    return wanted


def wanted_outputs(manifest: Manifest) -> dict[str, Tensor]:
    """The same of what the graph has to give."""
    classes = manifest.output.classes
    wanted: dict[str, Tensor] = {"output": ("tensor(float)", [ROWS, len(classes)] if classes else [ROWS])}
    if isinstance(manifest.input, ImageInput) and manifest.input.embedding_size:
        wanted["embedding"] = ("tensor(float)", [ROWS, manifest.input.embedding_size])
    return wanted


def _described(tensors: list[Any]) -> dict[str, Tensor]:
    return {t.name: (t.type, [d if isinstance(d, int) else None for d in t.shape]) for t in tensors}


def _differences(kind: str, wanted: dict[str, Tensor], found: dict[str, Tensor]) -> list[str]:
    faults = [f"the graph has no {kind} {name!r}" for name in wanted if name not in found]
    faults += [f"the graph has an {kind} {name!r} that the manifest does not explain" for name in found.keys() - wanted]
    for name in wanted.keys() & found.keys():
        if wanted[name] != found[name]:
            (type_, shape), (found_type, found_shape) = wanted[name], found[name]
            faults.append(
                f"{kind} {name!r} is {found_type} {_shape(found_shape)}; the manifest needs {type_} {_shape(shape)}"
            )
    return faults


def _shape(shape: list[Any]) -> str:
    return "(" + ", ".join("rows" if d is None else str(d) for d in shape) + ")"


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
    found = model.answer(inputs.rows).outputs["output"]
    return f"{len(samples)} of torch's answers", *_compare(found, wanted, kept["tolerance"])


def _of_reference(model: Model, table: Any, rows: list[Any], tolerance: float) -> Difference:
    names = list(model.manifest.probability_columns) or ["prediction"]
    logged = np.stack([table[n].to_numpy() for n in names], axis=1)
    found = model.answer(rows).outputs["output"].reshape(len(rows), -1)
    return f"{len(rows)} rows of the reference", *_compare(found, logged, tolerance)


def _compare(found: NDArray[Any], wanted: NDArray[Any], tolerance: float) -> tuple[float, float]:
    if found.shape != wanted.shape:
        raise PackageError(f"the graph answers shape {found.shape} where {wanted.shape} was recorded")
    return float(np.abs(found - wanted).max()), limit_of(wanted, tolerance)
