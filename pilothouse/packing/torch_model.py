"""`pack`: from a torch module and a reference to a package on disk, or a refusal and nothing on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pilothouse.errors import InputError, PackageError
from pilothouse.manifest import ImageInput, Monitoring, TabularInput
from pilothouse.model import Model
from pilothouse.package import Package, fresh_folder, write_files
from pilothouse.packing.card import default_card
from pilothouse.packing.description import LabelValues, RiskTiers, describe, find_task
from pilothouse.packing.examples import write_examples
from pilothouse.packing.features import Overrides
from pilothouse.packing.parity import Parity, compare, require_finite, require_probabilities
from pilothouse.packing.sources import Reference, ReferenceData, ReferenceOptions, read_reference
from pilothouse.reference import write_reference

if TYPE_CHECKING:
    from pilothouse.packing.export import TorchModel

Card = str | Callable[[Model, Parity], str]
ARTIFACT = "model.onnx"


@dataclass(frozen=True, slots=True)
class Packed(Package):
    """A package that was just written, and how far its graph and the torch model are apart."""

    parity: Parity


def pack(
    model: Any,
    *,
    name: str,
    task: str,
    reference: Reference,
    version: str = "1",
    into: Path | str = Path("models"),
    target: str | None = None,
    unit: str | None = None,
    description: str = "",
    features: Overrides | None = None,
    classes: Sequence[str] | None = None,
    label_values: LabelValues = None,
    outputs: Literal["probabilities", "logits"] = "probabilities",
    embedding: bool = False,
    threshold: float = 0.5,
    risk_tiers: RiskTiers = (),
    size: tuple[int, int] | None = None,
    resize: bool = False,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    statistics: Sequence[str] | None = None,
    monitoring: Monitoring | Mapping[str, Any] | None = None,
    examples: Sequence[Mapping[str, Any]] | None = None,
    card: Card | None = None,
    rows: int = 5_000,
    tolerance: float = 1e-4,
    overwrite: bool = False,
) -> Packed:
    """Write the package `into/name/version` and return it.

    For a table the module is called with float32 numbers (rows, numbers) and int64 categories (rows, categories), in
    the order of the frame's columns. Either is left out when the frame has none. Booleans are 0/1, datetimes days
    since 1970, missing numbers NaN, missing categories -1. For images it is called with float32 (rows, channels,
    height, width) in 0..1, less `mean` over `std` if given. It answers (rows,) or (rows, 1) for a regression and
    (rows, classes) for classes; of a binary model the positive class's column is enough.

    Arguments:
        model: a torch.nn.Module or torch.export.ExportedProgram.
        name: lower case letters, digits and dashes.
        task: `regression`, `binary` or `multiclass`.
        reference: data like that which the model was fitted on, but not rows it was fitted on. A DataFrame (or the
            path of a parquet or CSV file) with the features and the labels; a folder CLASS/image.png; or a pair of
            uint8 images (rows, height, width[, channels]) and labels (rows,).
        version: letters, digits, dots, dashes and underscores.
        into: the folder of the packages.
        target: the column of the reference with the labels; of images, what is predicted.
        unit: of a predicted number, for people.
        description: what the model is for, for people.
        features: replaces what is inferred of features, by name: {"living_m2": {"unit": "m²", "maximum": 1000}}.
        classes: in the order of the module's outputs; without them a categorical's own order, or sorted.
        label_values: other values that labels have, each with the class that it means: {1: "fraud", 0: "legit"}. Those
            of the reference are read by it too.
        outputs: whether the module answers probabilities that add up to 1, or logits.
        embedding: the module of an image model answers a pair, whose second is (rows, size); it is logged.
        threshold: the probability, 0 to 1, from which the positive class of a binary model is predicted.
        risk_tiers: names for that probability, each with the lowest: [("low", 0), ("high", 0.7)].
        size: (height, width) that images of a folder are resized to; without it the first image's.
        resize: whether the service resizes an image of another size; else it refuses it.
        mean: of each channel, in 0..1.
        std: of each channel, in 0..1.
        statistics: what is logged of images, see `pilothouse.manifest.STATISTICS`; without them all that apply.
        monitoring: how drift and performance are watched, see `pilothouse.manifest.Monitoring`.
        examples: feature objects in place of those that are chosen from the reference; images are always chosen.
        card: the text of MODEL_CARD.md, or a function of the served model and the parity that makes it. The function
            may still refuse by raising.
        rows: at most so many rows of the reference are kept, the same ones every time.
        tolerance: how far graph and torch may be apart, see `pilothouse.packing.parity`.
        overwrite: whether a version that exists is replaced.

    Raises ParityError when graph and torch differ by more than `tolerance`, and PackageError for everything else that
    cannot be packed. Nothing is written then.
    """
    from pilothouse.packing.export import Shape, TorchModel

    kind = find_task(task)
    options = ReferenceOptions(
        kind, target, _listed(classes), features, size, resize, _listed(statistics), rows, label_values
    )
    data = read_reference(reference, options)
    if embedding and isinstance(data.spec, TabularInput):
        raise PackageError("embedding=True is for images: a table's features are logged as they are")
    shape = Shape(kind, len(data.classes) if data.classes else None, outputs, embedding, mean, std)
    torch_model = TorchModel(model, shape, data.spec.tensor_names)
    tensors = data.tensors()
    torch_outputs = _answers_of(torch_model, tensors, classes=kind.has_classes)
    manifest = describe(
        _completed(data.spec, torch_outputs.get("embedding"), _normalisation(mean, std)), data.classes,
        name=name, version=version, task=task, description=description, artifact=ARTIFACT, target=target, unit=unit,
        label_values=label_values, threshold=threshold, risk_tiers=risk_tiers, monitoring=monitoring,
    )  # fmt: skip
    with fresh_folder(Path(into), manifest, overwrite=overwrite) as folder:
        torch_model.export(tensors, folder / ARTIFACT)
        served = Model(Package(manifest, folder))
        parity = _write_contents(served, data, torch_outputs, tolerance)
        kept = write_examples(folder, data, torch_outputs["output"], parity)
        kept = _checked(served, examples) if examples and served.tabular else kept
        text = card(served, parity) if callable(card) else card or default_card(manifest, parity, len(data.rows))
        served.package.card.write_text(text, encoding="utf-8")
        complete = write_files(manifest.model_copy(update={"examples": tuple(kept)}), folder)
    return Packed(complete, Path(into) / name / version, parity)


def _write_contents(served: Model, data: ReferenceData, torch_outputs: dict[str, Any], tolerance: float) -> Parity:
    """Write the reference, as the served model answers it. Raises ParityError when torch answers otherwise."""
    answered = served.answer(data.rows)
    parity = compare(torch_outputs, answered.outputs, tolerance)
    write_reference(served.package.reference, served.manifest, answered.columns, data.labels)
    return parity


def _completed(spec: TabularInput | ImageInput, embedding: Any, normalisation: str) -> TabularInput | ImageInput:
    """The input, of images with their embedding's size and their normalisation."""
    if isinstance(spec, TabularInput):
        return spec
    size = None if embedding is None else embedding.shape[1]
    return ImageInput(**(spec.model_dump() | {"embedding_size": size, "normalisation": normalisation}))


def _answers_of(torch_model: TorchModel, tensors: dict[str, Any], *, classes: bool) -> dict[str, Any]:
    """What torch answers for the reference. Raises PackageError when that is not what the task needs."""
    torch_model.check(tensors)
    outputs = torch_model.run(tensors)
    require_finite(outputs)
    if classes:
        require_probabilities(outputs["output"])
    return outputs


def _checked(served: Model, examples: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The caller's examples. Raises PackageError when the service would refuse one."""
    try:
        served.parse(examples)
    except InputError as error:
        raise PackageError(f"an example does not fit the features: {error}") from error
    return [dict(example) for example in examples]


def _listed(names: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)


def _normalisation(mean: Sequence[float] | None, std: Sequence[float] | None) -> str:
    parts = ["pixels / 255"]
    parts += [f"less mean {list(mean)}"] if mean is not None else []
    parts += [f"over std {list(std)}"] if std is not None else []
    return ", ".join(parts)
