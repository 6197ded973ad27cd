"""`pilothouse pack` and `pilothouse pack-external`: make a model package."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from pilothouse.errors import PackageError, PilothouseError
from pilothouse.package import Package
from pilothouse.tasks import TASKS, task_named

AnyPackage = TypeVar("AnyPackage", bound=Package)


def _task(name: str) -> str:
    try:
        return task_named(name).name
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


Name = Annotated[str, typer.Option(help="name of the model: lower case letters, digits and dashes")]
Task = Annotated[str, typer.Option(parser=_task, metavar="|".join(TASKS), help="what the model predicts")]
Version = Annotated[str, typer.Option(help="version of the model")]
Into = Annotated[Path, typer.Option(help="folder of the packages")]
Description = Annotated[str, typer.Option(help="what the model is for, in a sentence")]
Target = Annotated[str | None, typer.Option(help="column of the reference that holds the labels")]
Unit = Annotated[str | None, typer.Option(help="unit of a predicted number")]
Classes = Annotated[str | None, typer.Option(help="comma-separated, in the order of the model's outputs")]
Threshold = Annotated[float, typer.Option(help="probability from which the positive class is predicted (binary)")]
Rows = Annotated[int, typer.Option(help="at most so many rows of the reference are kept")]
Options = Annotated[Path | None, typer.Option(help="YAML with more arguments: features, monitoring, ...")]
Overwrite = Annotated[bool, typer.Option(help="replace a version that exists")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(pack)
    app.command()(pack_external)


def pack(
    module: Annotated[str, typer.Option(help="file.py:NAME (a torch module, or what makes it), or a .pt2")],
    reference: Annotated[Path, typer.Option(help="parquet or CSV file, or a folder CLASS/image.png")],
    name: Name,
    task: Task,
    target: Target = None,
    version: Version = "1",
    into: Into = Path("models"),
    description: Description = "",
    unit: Unit = None,
    classes: Classes = None,
    logits: Annotated[bool, typer.Option(help="the module answers logits, not probabilities")] = False,
    embedding: Annotated[bool, typer.Option(help="the module answers a pair: output and embedding")] = False,
    threshold: Threshold = 0.5,
    tolerance: Annotated[float, typer.Option(help="how far the exported graph may be from torch")] = 1e-4,
    rows: Rows = 5_000,
    options: Options = None,
    card: Annotated[Path | None, typer.Option(help="a MODEL_CARD.md to take along")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Pack a torch module and a reference into MODELS/NAME/VERSION."""
    typed = dict(locals())  # first of all: the options, under the names of the arguments of `pilothouse.pack`
    with _refusals():
        from pilothouse.packing import pack as pack_model

        typed["outputs"] = "logits" if logits else "probabilities"
        typed["card"] = card.read_text(encoding="utf-8") if card else None
        packed = _called(pack_model, load_module(module), **_arguments(typed, "module", "logits"))
        parity = packed.parity
        typer.echo(
            f"graph against torch: differ by at most {parity.difference:.3g} on {parity.rows} rows "
            f"(allowed: {parity.limit:.3g})"
        )


def pack_external(
    reference: Annotated[Path, typer.Option(help="parquet or CSV: features, predictions and, if known, labels")],
    name: Name,
    task: Task,
    prediction: Annotated[str, typer.Option(help="column of what the model answered")] = "prediction",
    probability: Annotated[
        list[str] | None, typer.Option(help="CLASS=COLUMN, once for each class, in the model's order")
    ] = None,
    target: Target = None,
    classes: Classes = None,
    version: Version = "1",
    into: Into = Path("models"),
    description: Description = "",
    unit: Unit = None,
    threshold: Threshold = 0.5,
    rows: Rows = 5_000,
    options: Options = None,
    overwrite: Overwrite = False,
) -> None:
    """Make a package of a model that is served elsewhere, from what it answered, so that it can be watched.

    KServe's InferenceService is best called like the model.
    """
    typed = dict(locals())  # as in `pack`
    with _refusals():
        from pilothouse.packing import pack_external as pack_answers

        typed["probabilities"] = _by_class(probability or [])
        _called(pack_answers, **_arguments(typed, "probability"))
        typer.echo("watched as soon as the drift service sees it; verify it with `pilothouse check`")


@contextmanager
def _refusals() -> Iterator[None]:
    """What cannot be packed is one line, and exit status 1."""
    try:
        yield
    except (PilothouseError, OSError) as error:
        typer.echo(f"not packed: {error}", err=True)
        raise typer.Exit(1) from error


def _called(make: Callable[..., AnyPackage], *given: Any, **arguments: Any) -> AnyPackage:
    """The package. Raises PackageError for options that are no arguments of `make`."""
    try:
        package = make(*given, **arguments)
    except TypeError as error:
        if "unexpected keyword" not in str(error):
            raise
        raise PackageError(f"options: {error}") from error
    typer.echo(f"{package.folder}: {len(package.manifest.files)} files")
    return package


def _arguments(typed: dict[str, Any], *without: str) -> dict[str, Any]:
    """Arguments of a packing function: what was typed, then what the options file says. Raises PackageError."""
    more = read_options(typed["options"]) if typed["options"] else {}
    if "elsewhere" in more:  # as the manifest calls it
        more["external_format"] = more.pop("elsewhere")
    kept = {name: value for name, value in typed.items() if name not in ("options", *without)}
    return kept | {"classes": typed["classes"].split(",") if typed["classes"] else None} | more


def _by_class(given: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    wrong = [text for text, (label, _, column) in zip(given, pairs, strict=True) if not label or not column]
    if wrong:
        raise PackageError(f"--probability {wrong[0]!r} is not CLASS=COLUMN")
    return {label: column for label, _, column in pairs}


def load_module(source: str) -> Any:
    """A torch module from `file.py:NAME`, or an ExportedProgram from `file.pt2`. Raises PackageError."""
    if source.endswith(".pt2"):
        return _load_program(Path(source))
    file, _, attribute = source.rpartition(":")
    if not file or not attribute:
        raise PackageError(f"{source!r} is neither path/to/file.py:NAME nor a .pt2 file")
    found = getattr(_import(Path(file)), attribute, None)
    if found is None:
        raise PackageError(f"{file} has no {attribute!r}")
    from torch import nn

    return found if isinstance(found, nn.Module) or not callable(found) else found()


def _load_program(path: Path) -> Any:
    import torch

    if not path.is_file():
        raise PackageError(f"{path} does not exist")
    try:
        return torch.export.load(str(path))
    except Exception as error:  # torch raises whatever its readers raise
        raise PackageError(f"{path} is no program of torch.export: {error}") from error


def _import(path: Path) -> Any:
    """Run a Python file as a module, with its folder importable, as `python FILE` would have it."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise PackageError(f"{path} is no Python file")
    sys.path.insert(0, str(path.parent.resolve()))
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the user's file raises
        raise PackageError(f"{path} cannot be run: {error!r}") from error
    return module


def read_options(path: Path) -> dict[str, Any]:
    """More arguments of a packing function, from YAML. Raises PackageError."""
    import yaml

    try:
        options = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise PackageError(f"{path} is not YAML: {error}") from error
    if not isinstance(options, dict):
        raise PackageError(f"{path} must hold a mapping of arguments of pilothouse.pack")
    return options
