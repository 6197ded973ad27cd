"""Where a reference comes from: a DataFrame, a parquet or CSV file, a folder of images, or arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pilothouse import images
from pilothouse.errors import InputError, LabelError, PackageError
from pilothouse.input_files import IMAGE_SUFFIXES, read_frame
from pilothouse.manifest import STATISTICS, Feature, ImageInput, TabularInput
from pilothouse.packing.features import Overrides, infer_features, instances
from pilothouse.tabular import TabularCodec
from pilothouse.tasks import Task
from pilothouse.tasks.labels import class_reader, read_label_values

Reference = pd.DataFrame | Path | str | tuple[NDArray[np.uint8], Any]


@dataclass(frozen=True, slots=True)
class ReferenceData:
    """A reference, ready for the model: `rows` as `pilothouse.model.Inputs` wants them, and the label of each."""

    spec: TabularInput | ImageInput
    rows: list[Any]
    labels: list[Any]
    classes: tuple[str, ...] | None
    task: Task

    @property
    def features(self) -> tuple[Feature, ...]:
        """Those of a table; images have none."""
        return self.spec.features if isinstance(self.spec, TabularInput) else ()

    def tensors(self) -> dict[str, NDArray[Any]]:
        """What the graph is fed with, for all rows at once."""
        if isinstance(self.spec, ImageInput):
            return {"image": np.stack(self.rows)}
        return TabularCodec(self.spec).tensors(self.rows)


@dataclass(frozen=True, slots=True)
class ReferenceOptions:
    """What the caller of `pack` said about the reference."""

    task: Task
    target: str | None = None
    classes: tuple[str, ...] | None = None
    features: Overrides | None = None
    size: tuple[int, int] | None = None
    resize: bool = False
    statistics: tuple[str, ...] | None = None
    rows: int = 5_000
    label_values: Mapping[Any, Any] | None = None


def read_reference(reference: Reference, options: ReferenceOptions) -> ReferenceData:
    """Read, sample (with a fixed seed) and validate a reference. Raises PackageError with what is wrong."""
    if isinstance(reference, tuple):
        return _from_arrays(reference[0], pd.Series(reference[1]), options)
    if isinstance(reference, pd.DataFrame):
        return _from_frame(reference, options)
    path = Path(reference)
    if path.is_dir():
        return _from_arrays(*_read_folder(path, options.size), options)
    return _from_frame(read_table(path), options)


def _from_frame(frame: pd.DataFrame, options: ReferenceOptions) -> ReferenceData:
    require_rows(frame)
    if options.target is None:
        raise PackageError("`target` must name the column of the reference that holds the labels")
    if options.target not in frame.columns:
        names = ", ".join(map(str, frame.columns))
        raise PackageError(f"the reference has no column {options.target!r} for the labels; it has {names}")
    inputs, labels = frame.drop(columns=options.target), frame[options.target]
    spec = TabularInput(features=infer_features(inputs, options.features))
    chosen = sample(len(frame), options.rows)
    return _with_labels(spec, validated(inputs.iloc[chosen], spec), labels, chosen, options)


def _with_labels(
    spec: TabularInput | ImageInput,
    rows: list[Any],
    labels: pd.Series[Any],
    chosen: NDArray[np.int64],
    options: ReferenceOptions,
) -> ReferenceData:
    """`rows` are the chosen ones already; `labels` are all, so that a class that was not chosen is one too."""
    classes = infer_classes(labels, options.task, options.classes)
    known = as_labels(labels.iloc[chosen], options.task, classes, options.label_values)
    return ReferenceData(spec, rows, known, classes, options.task)


def validated(inputs: pd.DataFrame, spec: TabularInput) -> list[Any]:
    """The frame's rows as the service would have validated them. Raises PackageError."""
    try:
        return list(TabularCodec(spec).validate(instances(inputs, spec.features)))
    except InputError as error:
        raise PackageError(f"the reference does not fit the features: {error}") from error


def _from_arrays(pixels: NDArray[Any], labels: pd.Series[Any], options: ReferenceOptions) -> ReferenceData:
    if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4):
        raise PackageError(
            f"images must be uint8 of shape (rows, height, width[, channels]), not {pixels.dtype} {pixels.shape}"
        )
    pixels = pixels[..., np.newaxis] if pixels.ndim == 3 else pixels
    count, height, width, channels = pixels.shape
    if not count:
        raise PackageError("the reference is empty")
    if channels not in (1, 3):
        raise PackageError(f"images must have 1 or 3 channels in the last place, not {channels}")
    if len(labels) != count:
        raise PackageError(f"{count} images have {len(labels)} labels")
    spec = ImageInput(
        width=width,
        height=height,
        mode="L" if channels == 1 else "RGB",
        resize=options.resize,
        statistics=options.statistics or STATISTICS[: 7 if channels == 1 else 8],
    )
    chosen = sample(count, options.rows)
    return _with_labels(spec, list(pixels[chosen]), labels, chosen, options)


def read_table(path: Path) -> pd.DataFrame:
    """A parquet or CSV file. Raises PackageError."""
    if not path.is_file():
        raise PackageError(f"{path} does not exist")
    try:
        return read_frame(path)
    except InputError:
        raise PackageError(f"{path} is neither .parquet nor .csv nor a folder of images") from None


def _read_folder(folder: Path, size: tuple[int, int] | None) -> tuple[NDArray[np.uint8], pd.Series[Any]]:
    """Images of FOLDER/CLASS/*: pixels (rows, height, width, channels) and the class of each.

    `size` is (height, width); without it, and for the mode, the first image says.
    """
    files = [p for p in sorted(folder.glob("*/*")) if p.suffix.lower() in IMAGE_SUFFIXES]
    if not files:
        raise PackageError(f"{folder} holds no images; it needs a folder for each class: CLASS/image.png")
    spec = _spec_of(files[0], size)
    pixels = []
    for file in files:
        try:
            pixels.append(images.decode(file.read_bytes(), spec, str(file)))
        except InputError as error:
            raise PackageError(str(error)) from error
    return np.stack(pixels), pd.Series([f.parent.name for f in files])


def _spec_of(file: Path, size: tuple[int, int] | None) -> ImageInput:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file) as image:
            width, height = image.size if size is None else (size[1], size[0])
            mode = "L" if image.mode in ("1", "L") or image.mode.startswith("I") else "RGB"
    except (OSError, UnidentifiedImageError) as error:
        raise PackageError(f"{file} is not an image: {error}") from error
    return ImageInput(width=width, height=height, mode=mode, resize=size is not None)


def require_rows(frame: pd.DataFrame) -> None:
    """Raises PackageError for a frame without rows, or with two columns of one name."""
    if frame.empty:
        raise PackageError("the reference is empty")
    twice = ", ".join(sorted({str(n) for n in frame.columns[frame.columns.duplicated()]}))
    if twice:
        raise PackageError(f"the reference has two columns of the same name: {twice}")


def sample(count: int, rows: int) -> NDArray[np.int64]:
    """Positions of at most `rows` of `count`, rising, the same ones every time."""
    if count <= rows:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, rows, replace=False))


def infer_classes(labels: pd.Series[Any], task: Task, given: Sequence[str] | None) -> tuple[str, ...] | None:
    """The classes in the order of the graph's columns: the given ones, a categorical's own, or the sorted labels."""
    if not task.has_classes:
        return None
    labels = _tidied(labels)
    if given is not None:
        return tuple(str(c) for c in given)
    if isinstance(labels.dtype, pd.CategoricalDtype):
        return tuple(str(c) for c in labels.cat.categories)
    return tuple(str(c) for c in sorted(labels.dropna().unique()))


def as_labels(
    labels: pd.Series[Any],
    task: Task,
    classes: tuple[str, ...] | None,
    label_values: Mapping[Any, Any] | None = None,
) -> list[Any]:
    """Labels as the log stores them. Integers that are no class names are positions in `classes`, unless
    `label_values` say what they mean.

    Raises PackageError for a missing label, for one that is no number, and for a class that is not among `classes`.
    """
    gone = int(labels.isna().sum())
    if gone:
        raise PackageError(f"{gone} of {len(labels)} labels of the reference are missing")
    values = (_tidied(labels) if task.has_classes else labels).tolist()
    if not label_values:
        return task.read_labels(values, classes or ())
    try:
        return list(map(class_reader(classes or (), read_label_values(label_values)), values))
    except LabelError as error:
        raise PackageError(f"a label of the reference: {error}") from None


def _tidied(labels: pd.Series[Any]) -> pd.Series[Any]:
    """Class numbers that a CSV file or a missing neighbour made floats (0.0, 1.0) as the integers they are."""
    if not pd.api.types.is_float_dtype(labels.dtype):
        return labels
    present = labels.dropna()
    whole = np.isfinite(present).all() and (present == present.round()).all()
    return present.astype("int64") if whole else labels
