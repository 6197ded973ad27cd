"""`pilothouse pack-external`: make a package of a model that is served elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pilothouse.commands.package import TaskOption, read_options
from pilothouse.errors import PackageError, PilothouseError


def register(app: typer.Typer) -> None:
    app.command("pack-external")(pack_external)


def pack_external(
    reference: Annotated[Path, typer.Option(help="parquet or CSV: features, predictions and, if known, labels")],
    name: Annotated[str, typer.Option(help="name of the model; KServe's InferenceService is best called so too")],
    task: TaskOption,
    prediction: Annotated[str, typer.Option(help="column of what the model answered")] = "prediction",
    probability: Annotated[
        list[str] | None, typer.Option(help="CLASS=COLUMN, once for each class, in the model's order")
    ] = None,
    target: Annotated[str | None, typer.Option(help="column of the labels")] = None,
    classes: Annotated[str | None, typer.Option(help="comma-separated, in the model's order")] = None,
    version: Annotated[str, typer.Option()] = "1",
    into: Annotated[Path, typer.Option(help="folder of the packages")] = Path("models"),
    description: Annotated[str, typer.Option()] = "",
    unit: Annotated[str | None, typer.Option(help="unit of a regression's target")] = None,
    threshold: Annotated[float, typer.Option(help="of the positive class of a binary model")] = 0.5,
    rows: Annotated[int, typer.Option(help="at most so many rows of the reference are kept")] = 5_000,
    options: Annotated[
        Path | None,
        typer.Option(help="YAML with more arguments of pilothouse.pack_external: features, elsewhere, monitoring, ..."),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="replace a version that exists")] = False,
) -> None:
    """Make a package of a model that is served elsewhere, from what it answered, so that it can be watched."""
    arguments: dict[str, Any] = {
        "name": name,
        "version": version,
        "task": task,
        "reference": reference,
        "prediction": prediction,
        "target": target,
        "classes": classes.split(",") if classes else None,
        "into": into,
        "description": description,
        "unit": unit,
        "threshold": threshold,
        "rows": rows,
        "overwrite": overwrite,
    }
    try:
        arguments |= {"probabilities": _by_class(probability)} if probability else {}
        arguments |= read_options(options) if options else {}
        _pack(arguments)
    except (PilothouseError, OSError) as error:
        typer.echo(f"not packed: {error}", err=True)
        raise typer.Exit(1) from error


def _by_class(given: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    wrong = [text for text, (label, _, column) in zip(given, pairs, strict=True) if not label or not column]
    if wrong:
        raise PackageError(f"--probability {wrong[0]!r} is not CLASS=COLUMN")
    return {label: column for label, _, column in pairs}


def _pack(arguments: dict[str, Any]) -> None:
    from pilothouse.packing import pack_external as pack

    try:
        package = pack(**arguments)
    except TypeError as error:
        if "unexpected keyword" not in str(error):
            raise
        raise PackageError(f"options: {error}") from error
    typer.echo(f"{package.folder}: {len(package.manifest.files)} files")
    typer.echo("watched as soon as the drift service sees it; verify it with `pilothouse check`")
