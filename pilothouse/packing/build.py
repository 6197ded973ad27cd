"""`pack`: from a torch module and a reference to a package on disk, or a refusal and nothing on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pilothouse.errors import InputError, PackageError
from pilothouse.manifest import ImageInput, Monitoring, TabularInput
from pilothouse.model import Model
from pilothouse.package import REFERENCE, Package, write_files
from pilothouse.packing.card import default_card
from pilothouse.packing.description import ARTIFACT, Description, RiskTiers, find_task
from pilothouse.packing.examples import write_examples
from pilothouse.packing.features import Overrides
from pilothouse.packing.folder import fresh_folder
from pilothouse.packing.parity import Parity, compare, require_finite, require_probabilities
from pilothouse.packing.reference import answer, write_reference
from pilothouse.packing.sources import Material, Reference, Wanted, read_reference
from pilothouse.tasks import Task

if TYPE_CHECKING:
    from pilothouse.packing.graph import Original

Card = str | Callable[[Model, Parity], str]


@dataclass(frozen=True, slots=True)
class Packed(Package):
    """A package that was just written, and how far its graph and the torch model are apart."""

    parity: Parity


@dataclass(frozen=True, slots=True)
class Write:
    """What the caller of `pack` said about the package itself."""

    into: Path
    overwrite: bool
    tolerance: float
    examples: Sequence[Mapping[str, Any]] | None
    card: Card | None


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

    `model` is a torch.nn.Module or ExportedProgram. For a table it is called as `model(numbers, categories)`, with
    float32 (rows, numbers) and int64 (rows, categories) in the order of the frame's columns, either one left out
    when the frame has none; booleans are 0/1, datetimes days since 1970, missing numbers NaN, missing categories -1.
    For images it is called with float32 (rows, channels, height, width) in 0..1, less `mean` over `std` if given.
    It answers (rows,) or (rows, 1) for a regression, (rows, classes) probabilities or logits (see `outputs`) for
    classes, also one column for `binary`; with `embedding`, a pair whose second is (rows, size).

    `reference` is a DataFrame (or the path of a parquet or CSV file) with the features and the labels in the column
    `target`, a folder CLASS/image.png, or a pair of uint8 images (rows, height, width[, channels]) and labels.
    It should be data like that which the model was fitted on, but not rows it was fitted on. At most `rows` are kept.
    `risk_tiers` of a binary model are (name, lowest probability), such as [("low", 0), ("high", 0.7)].
    `features` overrides what is inferred, by name: {"living_m2": {"unit": "m²", "maximum": 1000}}.
    `examples` replaces the feature objects that are chosen from the reference; images are always chosen.
    `card` is the text of MODEL_CARD.md, or makes it from the served model and the parity (and may still refuse).

    Raises ParityError when graph and torch differ by more than `tolerance` (see `pilothouse.packing.parity`), and
    PackageError for everything else that cannot be packed. Nothing is written then.
    """
    from pilothouse.packing.graph import Original, Shape

    kind = find_task(task)
    wanted = Wanted(
        task=kind,
        target=target,
        classes=None if classes is None else tuple(classes),
        features=features,
        size=size,
        resize=resize,
        statistics=None if statistics is None else tuple(statistics),
        rows=rows,
    )
    about = Description(
        name, version, kind, description, target, unit, threshold, risk_tiers, monitoring, _normalisation(mean, std)
    )
    material = read_reference(reference, wanted)
    shape = Shape(kind, len(material.classes) if material.classes else None, outputs, embedding, mean, std)
    original = Original(model, shape, _inputs(material))
    write = Write(Path(into), overwrite, tolerance, examples, card)
    return _pack(original, material, about, write)


def _pack(
    original: Original,
    material: Material,
    about: Description,
    write: Write,
) -> Packed:
    tensors = material.tensors()
    torch_outputs = _answers_of(original, tensors, about.task)
    embedding = torch_outputs.get("embedding")
    manifest = about.manifest(material, None if embedding is None else embedding.shape[1])
    with fresh_folder(write.into, manifest, overwrite=write.overwrite) as folder:
        original.export(tensors, folder / ARTIFACT)
        model = Model(Package(manifest, folder))
        answered = answer(model, material.rows)
        parity = compare(torch_outputs, answered.outputs, write.tolerance)
        write_reference(folder / REFERENCE, manifest, answered.columns, material.labels)
        entries = write_examples(folder, material, torch_outputs["output"], parity)
        kept = [dict(e) for e in write.examples] if write.examples and model.tabular else entries
        _require_valid(model, kept)
        _write_card(model, parity, write.card, len(material.rows))
        complete = write_files(manifest.model_copy(update={"examples": tuple(kept)}), folder)
    return Packed(complete, write.into / manifest.name / manifest.version, parity)


def _write_card(model: Model, parity: Parity, card: Card | None, rows: int) -> None:
    text = card(model, parity) if callable(card) else card or default_card(model.manifest, parity, rows)
    model.package.card.write_text(text, encoding="utf-8")


def _answers_of(original: Original, tensors: dict[str, Any], task: Task) -> dict[str, Any]:
    """What torch answers for the reference. Raises PackageError when that is not what the task needs."""
    original.check(tensors)
    outputs = original.run(tensors)
    require_finite(outputs)
    if task.has_classes:
        require_probabilities(outputs["output"])
    return outputs


def _require_valid(model: Model, kept: Sequence[Mapping[str, Any]]) -> None:
    """Raises PackageError when an example of a table would be refused by the service."""
    if model.tabular is not None:
        try:
            model.parse(kept)
        except InputError as error:
            raise PackageError(f"an example does not fit the features: {error}") from error


def _inputs(material: Material) -> tuple[str, ...]:
    """Names of the graph's inputs, in the order the module takes them."""
    return tuple(n for n in ("image", "numbers", "categories") if n in _tensor_names(material.spec))


def _tensor_names(spec: ImageInput | TabularInput) -> set[str]:
    if isinstance(spec, ImageInput):
        return {"image"}
    return {"categories" if f.type == "category" else "numbers" for f in spec.features}


def _normalisation(mean: Sequence[float] | None, std: Sequence[float] | None) -> str:
    parts = ["pixels / 255"]
    parts += [f"less mean {list(mean)}"] if mean is not None else []
    parts += [f"over std {list(std)}"] if std is not None else []
    return ", ".join(parts)
