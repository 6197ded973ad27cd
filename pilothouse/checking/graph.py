"""The graph's tensors against the manifest: names, element types, shapes."""

from __future__ import annotations

from typing import Any

from pilothouse.checking.report import Finding
from pilothouse.manifest import ImageInput, Manifest

Tensor = tuple[str, list[Any]]  # element type, shape; a dimension that varies is None
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
