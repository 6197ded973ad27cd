"""Tensors of the Open Inference Protocol, version 2, as rows.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeGuard

from services.collector.errors import printable
from services.collector.events.outcomes import RefusedEventError

MOST_DIMENSIONS = 8


@dataclass(frozen=True, slots=True)
class EventTensor:
    """`rows` holds a value a row where there is one, and a list of `width` values where there are several."""

    name: str
    width: int
    rows: list[Any]


def read_tensors(given: Any, where: str) -> list[EventTensor]:
    """Raises RefusedEventError, which names the tensor."""
    if not isinstance(given, list) or not given or not all(isinstance(t, dict) for t in given):
        raise RefusedEventError("shape", f"`{where}` is no list of tensors")
    return [_read(tensor) for tensor in given]


def _read(tensor: dict[str, Any]) -> EventTensor:
    name, shape, data = tensor.get("name"), tensor.get("shape"), tensor.get("data")
    shown = printable(str(name), 60)
    parameters = tensor.get("parameters")
    if "data" not in tensor and isinstance(parameters, dict) and "binary_data_size" in parameters:
        raise RefusedEventError("binary_tensors", f"the data of {shown} came as bytes; log requests that are JSON")
    if not isinstance(name, str) or not isinstance(data, list) or not _is_shape(shape):
        raise RefusedEventError("shape", f"tensor {shown} needs a name, a shape and data")
    flat = _flat(data)
    if len(flat) != math.prod(shape):
        raise RefusedEventError("shape", f"tensor {shown} has {len(flat)} values for the shape {shape}")
    rows = shape[0] if shape else 1
    width = math.prod(shape[1:])
    if not width:  # any number of rows without a value would fit in a few bytes
        raise RefusedEventError("shape", f"tensor {shown} has rows without values: its shape is {shape}")
    if width == 1 and len(shape) < 3:
        return EventTensor(name, 1, flat)
    return EventTensor(name, width, [flat[i * width : (i + 1) * width] for i in range(rows)])


def _is_shape(shape: Any) -> TypeGuard[list[int]]:
    if not isinstance(shape, list) or len(shape) > MOST_DIMENSIONS:
        return False
    return all(type(n) is int and 0 <= n < 2**31 for n in shape)


def _flat(data: list[Any]) -> list[Any]:
    """In row-major order, whether it came flat or nested."""
    for _ in range(MOST_DIMENSIONS):
        if not any(isinstance(part, list) for part in data):
            return data
        data = [value for part in data for value in (part if isinstance(part, list) else [part])]
    raise RefusedEventError("shape", f"a tensor has more than {MOST_DIMENSIONS} dimensions")
