"""A packed model, loaded: inputs in, predictions and log columns out.

The inference service answers with it and `pack` writes the reference with it, so that what is logged and what is
compared with can never have gone through different code.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from pilothouse import images
from pilothouse.columns import model_columns
from pilothouse.errors import OutputError, PackageError
from pilothouse.manifest import ImageInput, Manifest
from pilothouse.package import Package
from pilothouse.tabular import TabularCodec
from pilothouse.tasks import task_of

CHUNK_ROWS = 64  # activations of large images are many times the images


class Inputs(msgspec.Struct, frozen=True):
    """Validated inputs: tuples in the manifest's feature order, or uint8 images (height, width, channels)."""

    rows: list[Any]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the model answered: predictions (classes or numbers), probabilities float64 (rows, classes), embedding
    float32 (rows, size), risk tiers."""

    prediction: list[Any]
    probabilities: NDArray[np.float64] | None = None
    embedding: NDArray[np.float32] | None = None
    risk: list[str] | None = None

    def by_name(self) -> dict[str, NDArray[Any]]:
        """The graph's outputs by name: `output`, and perhaps `embedding`."""
        output = self.probabilities if self.probabilities is not None else np.array(self.prediction)
        return {"output": output} | ({} if self.embedding is None else {"embedding": self.embedding})


@dataclass(frozen=True, slots=True)
class Answered:
    """The log's columns for some rows (datetimes in milliseconds), and the graph's outputs by name (for parity)."""

    columns: dict[str, list[Any]]
    outputs: dict[str, NDArray[Any]]


class Model:
    """One model version in memory. `threads` is how many threads one run may use."""

    def __init__(self, package: Package, threads: int = 1, max_rows: int = 10_000) -> None:
        self.package = package
        self.manifest: Manifest = package.manifest
        self.columns_logged = model_columns(self.manifest)
        self.tabular = None
        if not isinstance(self.manifest.input, ImageInput):
            self.tabular = TabularCodec(self.manifest.input, max_rows)
        self._session = open_session(package, threads)
        self._output_names = [o.name for o in self._session.get_outputs()]
        self._task = task_of(self.manifest)

    def parse(self, instances: Sequence[Mapping[str, Any]]) -> Inputs:
        """Validate feature objects. Raises InputError naming every fault."""
        if self.tabular is None:
            raise PackageError(f"{self.manifest.key} takes images, not features")
        return Inputs(list(self.tabular.validate(instances)))

    def parse_images(self, files: Sequence[bytes]) -> Inputs:
        """Decode image files. Raises NotAnImage or TooLarge."""
        return Inputs([images.decode(data, self._image, f"file[{i}]") for i, data in enumerate(files)])

    def run(self, inputs: Inputs) -> Outputs:
        """Run the graph on all inputs at once; `tensors`, `infer` and `interpret` in one.

        Raises OutputError when the answer of any row is not finite or has another shape than the manifest says.
        """
        return self.interpret(self.infer(self.tensors(inputs)), len(inputs))

    def answer(self, rows: list[Any]) -> Answered:
        """What the service would log for validated rows, run in chunks that bound the memory of image statistics."""
        columns: dict[str, list[Any]] = {c.name: [] for c in self.columns_logged}
        outputs: list[dict[str, NDArray[Any]]] = []
        for start in range(0, len(rows), CHUNK_ROWS):
            inputs = Inputs(rows[start : start + CHUNK_ROWS])
            found = self.run(inputs)
            embedding = None if found.embedding is None else list(found.embedding)
            for column, values in zip(columns.values(), self._ordered(inputs, found, embedding), strict=True):
                column.extend(values)
            outputs.append(found.by_name())
        return Answered(columns, {n: np.concatenate([part[n] for part in outputs]) for n in outputs[0]})

    def infer(self, tensors: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The graph's outputs by name, and nothing else: this is the time that the model itself takes."""
        return dict(zip(self._output_names, self._session.run(self._output_names, tensors), strict=True))

    def interpret(self, answers: dict[str, NDArray[Any]], rows: int) -> Outputs:
        """Predictions for so many rows, from the graph's outputs. Raises OutputError, see `run`."""
        output = answers["output"]
        if not np.isfinite(output).all():
            raise OutputError(f"{self.manifest.key} answered NaN or infinity")
        prediction, probabilities = self._task.decode(output, rows, self.manifest)
        risk = None
        if self.manifest.output.risk_tiers:
            risk = [str(self.manifest.output.risk_of(p)) for p in probabilities[:, 1].tolist()]
        return Outputs(prediction, probabilities, answers.get("embedding"), risk)

    def tensors(self, inputs: Inputs) -> dict[str, NDArray[Any]]:
        """What the graph is fed with: see `TabularInput` and `ImageInput`."""
        return self.tabular.tensors(inputs.rows) if self.tabular else {"image": np.stack(inputs.rows)}

    def log_rows(self, inputs: Inputs, outputs: Outputs) -> list[tuple[Any, ...]]:
        """Values of `model_columns`, one tuple a row, as they go on the wire."""
        embedding = outputs.embedding
        wire = None if embedding is None else [row.tobytes() for row in embedding.astype("<f4", copy=False)]
        return list(zip(*self._ordered(inputs, outputs, wire), strict=True))

    @property
    def _image(self) -> ImageInput:
        if not isinstance(self.manifest.input, ImageInput):
            raise PackageError(f"{self.manifest.key} takes features, not images")
        return self.manifest.input

    def _ordered(self, inputs: Inputs, outputs: Outputs, embedding: list[Any] | None) -> list[list[Any]]:
        ordered = self._input_columns(inputs)
        ordered.append(outputs.prediction)
        if outputs.probabilities is not None:
            ordered += outputs.probabilities.T.tolist()
        if outputs.risk is not None:
            ordered.append(outputs.risk)
        if embedding is not None and self.columns_logged[-1].kind == "vector":
            ordered.append(embedding)
        return ordered

    def _input_columns(self, inputs: Inputs) -> list[list[Any]]:
        if self.tabular:
            return [list(column) for column in zip(*inputs.rows, strict=True)]
        named = images.statistics(np.stack(inputs.rows), self._image.statistics)
        return [named[name].tolist() for name in self._image.statistics]


def open_session(package: Package, threads: int = 1) -> Any:
    """An ONNX Runtime session for the package's artifact, on the CPU.

    Telemetry is switched off before the library is first imported (since 1.29 it reports to its maker).
    Raises PackageError when the file is no graph, or takes or gives other tensors than the contract names.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(str(package.artifact), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions share no base class of their own
        raise PackageError(f"{package.artifact}: ONNX Runtime cannot load it: {error}") from error
    _check_names(package.manifest, session)
    return session


def _check_names(manifest: Manifest, session: Any) -> None:
    wanted = set(manifest.input.tensor_names)
    given = {i.name for i in session.get_inputs()}
    outputs = {o.name for o in session.get_outputs()}
    needed = {"output"} | ({"embedding"} if model_columns(manifest)[-1].kind == "vector" else set())
    if given != wanted or not needed <= outputs:
        raise PackageError(
            f"{manifest.key}: the graph takes {sorted(given)} and gives {sorted(outputs)}; "
            f"the manifest needs {sorted(wanted)} and {sorted(needed)}"
        )
