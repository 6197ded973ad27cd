"""The Open Inference Protocol, version 2, over HTTP: for clients that already speak to KServe, Triton or MLServer.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
A tabular model takes one tensor a feature, shape (rows,) or (rows, 1); an image model takes `image`, UINT8
(rows, height, width, channels). What comes back is logged as any other prediction.
"""

from __future__ import annotations

import math
import uuid
from typing import Any

import msgspec
import numpy as np

from pilothouse.errors import Fault, InputError
from pilothouse.manifest import ImageInput, Manifest
from pilothouse.model import Inputs, Model
from services.inference.prediction import Answer

_MOST_DIMENSIONS, _LARGEST_DIMENSION = 8, 2**31 - 1
_DATATYPES = {"number": "FP64", "integer": "INT64", "boolean": "BOOL", "category": "BYTES", "datetime": "BYTES"}


class Tensor(msgspec.Struct, omit_defaults=True):
    """A tensor of a request or an answer; `data` is flat or nested, in row-major order."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any]
    parameters: dict[str, Any] = {}


class InferRequest(msgspec.Struct):
    inputs: list[Tensor]
    id: str | None = None
    parameters: dict[str, Any] = {}
    outputs: list[dict[str, Any]] = []


class InferResponse(msgspec.Struct, omit_defaults=True):
    model_name: str
    model_version: str
    outputs: list[Tensor]
    id: str | None = None


def model_metadata(manifest: Manifest, versions: list[str]) -> dict[str, Any]:
    """Names, datatypes and shapes of a model's tensors; -1 is any number of rows."""
    spec = manifest.input
    if isinstance(spec, ImageInput):
        shape = [-1, spec.height, spec.width, 1 if spec.mode == "L" else 3]
        inputs = [{"name": "image", "datatype": "UINT8", "shape": shape}]
    else:
        inputs = [{"name": f.name, "datatype": _DATATYPES[f.type], "shape": [-1]} for f in spec.features]
    classes = manifest.output.classes
    outputs = [
        {"name": "id", "datatype": "BYTES", "shape": [-1]},
        {"name": "prediction", "datatype": "BYTES" if classes else "FP64", "shape": [-1]},
    ]
    if classes:
        outputs.append({"name": "probabilities", "datatype": "FP64", "shape": [-1, len(classes)]})
    return {
        "name": manifest.name,
        "versions": versions,
        "platform": "onnxruntime_onnx",
        "inputs": inputs,
        "outputs": outputs,
    }


def read_request(body: bytes, model: Model, max_rows: int) -> tuple[Inputs, str | None]:
    """The validated inputs of a request, and its id. Raises InputError."""
    try:
        request = msgspec.json.decode(body, type=InferRequest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InputError([Fault("", "not_a_request", reason)]) from error
    _bound_shapes(request.inputs)
    tensors = {t.name: t for t in request.inputs}
    rows = {math.prod(t.shape) if model.tabular else (t.shape or [0])[0] for t in request.inputs}
    if len(rows) != 1 or not 1 <= max(rows) <= max_rows:
        raise InputError([Fault("inputs", "rows", f"every tensor needs the same number of rows, 1 to {max_rows}")])
    for tensor in request.inputs:
        tensor.data = _flat(tensor)
    if isinstance(model.manifest.input, ImageInput):
        return Inputs(_images(tensors, model.manifest.input)), request.id
    instances = [{name: t.data[row] for name, t in tensors.items()} for row in range(rows.pop())]
    return model.parse(instances), request.id


def write_response(manifest: Manifest, answer: Answer, rows: int, request_id: str | None) -> bytes:
    """The answer as tensors: `id`, `prediction` and, for a classifier, `probabilities`."""
    span = slice(answer.first, answer.first + rows)
    classes = manifest.output.classes
    ids = [str(uuid.UUID(bytes=i)) for i in answer.ids]
    outputs = [
        Tensor("id", [rows], "BYTES", ids),
        Tensor("prediction", [rows], "BYTES" if classes else "FP64", answer.outputs.prediction[span]),
    ]
    if classes and answer.outputs.probabilities is not None:
        flat = answer.outputs.probabilities[span].ravel().tolist()
        outputs.append(Tensor("probabilities", [rows, len(classes)], "FP64", flat, {"classes": list(classes)}))
    return msgspec.json.encode(InferResponse(manifest.name, manifest.version, outputs, request_id))


def write_error(text: str) -> bytes:
    return msgspec.json.encode({"error": text})


def _bound_shapes(tensors: list[Tensor]) -> None:
    """The product of a caller's thousand large integers would keep the event loop busy for an hour."""
    for tensor in tensors:
        if len(tensor.shape) > _MOST_DIMENSIONS or not all(0 <= d <= _LARGEST_DIMENSION for d in tensor.shape):
            text = f"a shape, such as [rows], has at most {_MOST_DIMENSIONS} sizes, each 0 to {_LARGEST_DIMENSION}"
            raise InputError([Fault(tensor.name, "shape", text)])


def _flat(tensor: Tensor) -> list[Any]:
    data = tensor.data
    while data and isinstance(data[0], list):
        if not all(isinstance(part, list) for part in data):
            break
        data = [value for part in data for value in part]
    if len(data) != math.prod(tensor.shape):
        text = f"{len(data)} values do not fill the shape {tensor.shape}"
        raise InputError([Fault(tensor.name, "shape", text)])
    return data


def _images(tensors: dict[str, Tensor], spec: ImageInput) -> list[Any]:
    shape = [spec.height, spec.width, 1 if spec.mode == "L" else 3]
    tensor = tensors.get("image")
    if tensor is None or tensor.datatype != "UINT8" or tensor.shape[1:] != shape or len(tensors) != 1:
        raise InputError([Fault("image", "shape", f"send one tensor `image`, UINT8, shape [rows, {shape}]")])
    if not all(isinstance(v, int) and 0 <= v <= 255 for v in tensor.data):
        raise InputError([Fault("image", "out_of_range", "every value must be an integer from 0 to 255")])
    return list(np.array(tensor.data, dtype=np.uint8).reshape(tensor.shape))
