"""The model that all in the comparison serve, made from a seed: 12 numbers, two hidden layers, two classes."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from pilothouse.manifest import Feature, Manifest, Output, TabularInput
from pilothouse.package import write_files

NAME, VERSION = "bench-tabular", "1"
FEATURES, HIDDEN, SEED = 12, (64, 32), 20261121
_NAMES = [f"feature_{i}" for i in range(FEATURES)]


def write_package(models: Path) -> Path:
    """Write `models/bench-tabular/1`, replacing it; the package's folder."""
    folder = models / NAME / VERSION
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    onnx.save(_graph(), str(folder / "model.onnx"))
    manifest = Manifest(
        name=NAME,
        version=VERSION,
        task="binary",
        description="A small network of random weights, for benchmarks",
        input=TabularInput(features=tuple(Feature(name=n, type="number") for n in _NAMES)),
        output=Output(classes=("no", "yes")),
    )
    write_files(manifest, folder)
    return folder


def instances(rows: int) -> list[dict[str, float]]:
    """Feature objects, of two decimals as people's data are."""
    values = np.random.default_rng(SEED).normal(size=(rows, FEATURES)).round(2)
    return [dict(zip(_NAMES, map(float, row), strict=True)) for row in values]


def one_body() -> bytes:
    return json.dumps(instances(1)[0]).encode()


def many_body(rows: int) -> bytes:
    return json.dumps({"instances": instances(rows)}).encode()


def _graph() -> onnx.ModelProto:
    random = np.random.default_rng(SEED)
    sizes = (FEATURES, *HIDDEN, 2)
    nodes, weights, last = [], [], "numbers"
    for i, (before, after) in enumerate(pairwise(sizes)):
        weight = random.normal(0, before**-0.5, (before, after)).astype(np.float32)
        weights += [
            numpy_helper.from_array(weight, f"w{i}"),
            numpy_helper.from_array(np.zeros(after, np.float32), f"b{i}"),
        ]
        nodes.append(helper.make_node("Gemm", [last, f"w{i}", f"b{i}"], [f"z{i}"]))
        last = f"z{i}"
        if after != sizes[-1]:
            nodes.append(helper.make_node("Relu", [last], [f"h{i}"]))
            last = f"h{i}"
    nodes.append(helper.make_node("Softmax", [last], ["output"], axis=1))
    given = helper.make_tensor_value_info("numbers", TensorProto.FLOAT, ["rows", FEATURES])
    asked = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["rows", 2])
    graph = helper.make_graph(nodes, "bench", [given], [asked], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model
