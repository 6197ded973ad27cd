"""The torch side: the user's module with what serving needs around it, run for comparison and exported to ONNX.

Everything numeric is inside: pixels are scaled, logits become probabilities, one sigmoid becomes two columns. So the
graph takes what `TabularInput` and `ImageInput` say, and training and serving cannot disagree.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pilothouse.errors import PackageError
from pilothouse.tasks import Task

OPSET = 18
BATCH_ROWS = 64  # activations of large images are many times the images
PRODUCER = "pilothouse"
Given = Literal["probabilities", "logits"]
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Shape:
    """What the module is and what its answer means. `classes` is their number, None for a regression."""

    task: Task
    classes: int | None
    outputs: Given = "probabilities"
    embedding: bool = False
    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None


class ServedModule(nn.Module):  # type: ignore[misc]  # torch is not type-checked here
    """The user's module between the contract's input and output tensors."""

    def __init__(self, module: nn.Module, shape: Shape, image: bool) -> None:
        super().__init__()
        self.module, self.shape, self.image = module, shape, image
        self.register_buffer("mean", _channels(shape.mean), persistent=False)
        self.register_buffer("std", _channels(shape.std), persistent=False)

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """The graph's outputs for its inputs: `output`, and perhaps `embedding`."""
        answer = self.module(*((self._scaled(tensors[0]),) if self.image else tensors))
        output, *rest = answer if self.shape.embedding else (answer,)
        parts = [self.shape.task.graph_output(output, logits=self.shape.outputs == "logits")]
        if self.shape.embedding:
            parts.append(rest[0].flatten(1).float())
        return tuple(parts)

    def _scaled(self, pixels: Tensor) -> Tensor:
        scaled = pixels.permute(0, 3, 1, 2).float() / 255
        if self.mean is not None:
            scaled = scaled - self.mean
        return scaled if self.std is None else scaled / self.std


class TorchModel:
    """The torch model as the graph will be: runs it, and exports it. Leaves the module's modes as they were."""

    def __init__(self, model: Any, shape: Shape, inputs: tuple[str, ...]) -> None:
        self.module = as_module(model)
        self.shape, self.inputs = shape, inputs
        self._served = ServedModule(self.module, shape, image=inputs == ("image",))

    def check(self, tensors: Arrays) -> None:
        """Run two rows and look at what comes out. Raises PackageError when it is not what the task needs."""
        few = {name: values[:2] for name, values in tensors.items()}
        with _evaluating(self.module), torch.no_grad():
            answer = self._raw(few)
        rows = len(next(iter(few.values())))
        output = _first(answer, self.shape.embedding)
        allowed = self.shape.task.module_shapes(rows, self.shape.classes)
        if tuple(output.shape) not in allowed:
            wanted = " or ".join(str(s) for s in allowed)
            raise PackageError(
                f"the module answers shape {tuple(output.shape)} for {rows} rows; a {self.shape.task.name} model "
                f"needs {wanted}" + (f" ({self.shape.classes} classes)" if self.shape.classes else "")
            )

    def run(self, tensors: Arrays) -> Arrays:
        """Outputs by name, computed by torch in batches."""
        count = len(next(iter(tensors.values())))
        batches = []
        with _evaluating(self.module), torch.no_grad():
            for start in range(0, count, BATCH_ROWS):
                part = [torch.from_numpy(tensors[n][start : start + BATCH_ROWS]) for n in self.inputs]
                batches.append([t.numpy() for t in self._served(*part)])
        return dict(zip(self.output_names, map(np.concatenate, zip(*batches, strict=True)), strict=True))

    def export(self, tensors: Arrays, path: Path) -> None:
        """Write the ONNX file: dynamic rows, weights inside, nothing in it about the machine that wrote it."""
        rows = [np.resize(tensors[n], (4, *tensors[n].shape[1:])) for n in self.inputs]
        proto = self._exported(tuple(torch.from_numpy(r) for r in rows))
        _clean(proto)
        onnx.checker.check_model(proto, full_check=True)
        onnx.save_model(proto, str(path), save_as_external_data=False)

    @property
    def output_names(self) -> list[str]:
        """The graph's outputs, in order."""
        return ["output", "embedding"] if self.shape.embedding else ["output"]

    def _raw(self, tensors: Arrays) -> Any:
        parts = [torch.from_numpy(tensors[n]) for n in self.inputs]
        if self.inputs == ("image",):
            parts = [self._served._scaled(parts[0])]
        try:
            return self.module(*parts)
        except Exception as error:  # whatever a user's module raises
            shapes = ", ".join(f"{n} {tuple(p.shape)} {p.dtype}" for n, p in zip(self.inputs, parts, strict=True))
            raise PackageError(f"the module cannot be called with {shapes}: {error}") from error

    def _exported(self, arguments: tuple[Tensor, ...]) -> Any:
        rows = torch.export.Dim("rows", min=1, max=1_000_000)
        try:
            with _evaluating(self.module), _quiet():
                program = torch.onnx.export(
                    self._served,
                    arguments,
                    dynamo=True,
                    opset_version=OPSET,
                    input_names=list(self.inputs),
                    output_names=self.output_names,
                    dynamic_shapes={"tensors": tuple({0: rows} for _ in arguments)},
                    external_data=False,
                    verbose=False,
                )
        except Exception as error:  # the exporter's exceptions share no base class
            raise PackageError(f"torch cannot export the module to ONNX: {error}") from error
        return program.model_proto


def as_module(model: Any) -> nn.Module:
    """The nn.Module of a module, or of an ExportedProgram (torch.export). Raises PackageError for anything else."""
    if isinstance(model, torch.export.ExportedProgram):
        return model.module()
    if isinstance(model, nn.Module):
        return model
    raise PackageError(f"a torch.nn.Module is needed, not {type(model).__name__}")


def _channels(values: Sequence[float] | None) -> Tensor | None:
    return None if values is None else torch.tensor(list(values), dtype=torch.float32).reshape(1, -1, 1, 1)


def _first(answer: Any, embedding: bool) -> Tensor:
    """The output among what a module answered."""
    if embedding:
        if not isinstance(answer, (tuple, list)) or len(answer) != 2:
            raise PackageError("with embedding=True the module must answer a pair: output and embedding")
        answer = answer[0]
    if not isinstance(answer, Tensor):
        raise PackageError(f"the module must answer a tensor, not {type(answer).__name__}")
    return answer


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode for a while; afterwards every submodule is as it was."""
    training = [m for m in module.modules() if m.training]
    for part in training:
        part.training = False
    try:
        yield
    finally:
        for part in training:
            part.training = True


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter warns of its own deprecations and prints progress: nothing that a user of `pack` can act on."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _clean(proto: Any) -> None:
    """Drop what the exporter notes of its surroundings: stack traces with paths, module names, its own version."""
    proto.producer_name, proto.producer_version, proto.doc_string = PRODUCER, "", ""
    for part in (proto.metadata_props, proto.graph.metadata_props, proto.graph.value_info):
        del part[:]
    proto.graph.name, proto.graph.doc_string = "model", ""
    for item in (
        *proto.graph.node,
        *proto.graph.initializer,
        *proto.graph.input,
        *proto.graph.output,
        *proto.functions,
    ):
        item.doc_string = ""
        del item.metadata_props[:]
    for function in proto.functions:
        for node in function.node:
            node.doc_string = ""
            del node.metadata_props[:]
