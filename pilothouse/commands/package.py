"""`pilothouse pack` and `pilothouse check`: make a model package, and verify some."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pilothouse.errors import PackageError, PilothouseError
from pilothouse.tasks import TASKS, task_named


def _task(name: str) -> str:
    try:
        return task_named(name).name
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


TaskOption = Annotated[str, typer.Option(parser=_task, metavar="|".join(TASKS), help="what the model predicts")]


def register(app: typer.Typer) -> None:
    app.command()(pack)
    app.command()(check)


def pack(
    module: Annotated[str, typer.Option(help="file.py:NAME (a torch module, or what makes it), or a .pt2")],
    reference: Annotated[Path, typer.Option(help="parquet or CSV file, or a folder CLASS/image.png")],
    name: Annotated[str, typer.Option(help="name of the model: lower case, digits, dashes")],
    task: TaskOption,
    target: Annotated[str | None, typer.Option(help="column of the reference that holds the labels")] = None,
    version: Annotated[str, typer.Option()] = "1",
    into: Annotated[Path, typer.Option(help="folder of the packages")] = Path("models"),
    description: Annotated[str, typer.Option()] = "",
    unit: Annotated[str | None, typer.Option(help="unit of a regression's target")] = None,
    classes: Annotated[str | None, typer.Option(help="comma-separated, in the order of the module's outputs")] = None,
    logits: Annotated[bool, typer.Option(help="the module answers logits, not probabilities")] = False,
    embedding: Annotated[bool, typer.Option(help="the module answers a pair: output and embedding")] = False,
    threshold: Annotated[float, typer.Option(help="of the positive class of a binary model")] = 0.5,
    tolerance: Annotated[float, typer.Option(help="between torch and the exported graph")] = 1e-4,
    rows: Annotated[int, typer.Option(help="at most so many rows of the reference are kept")] = 5_000,
    options: Annotated[
        Path | None,
        typer.Option(help="YAML with more arguments of pilothouse.pack: features, monitoring, ..."),
    ] = None,
    card: Annotated[Path | None, typer.Option(help="a MODEL_CARD.md to take along")] = None,
    overwrite: Annotated[bool, typer.Option(help="replace a version that exists")] = False,
) -> None:
    """Pack a torch module and a reference into MODELS/NAME/VERSION."""
    arguments: dict[str, Any] = {
        "name": name,
        "version": version,
        "task": task,
        "reference": reference,
        "target": target,
        "into": into,
        "description": description,
        "unit": unit,
        "classes": classes.split(",") if classes else None,
        "outputs": "logits" if logits else "probabilities",
        "embedding": embedding,
        "threshold": threshold,
        "tolerance": tolerance,
        "rows": rows,
        "overwrite": overwrite,
    }
    try:
        arguments |= read_options(options) if options else {}
        arguments |= {"card": card.read_text(encoding="utf-8")} if card else {}
        _pack(load_module(module), arguments)
    except (PilothouseError, OSError) as error:
        typer.echo(f"not packed: {error}", err=True)
        raise typer.Exit(1) from error


def check(
    folders: Annotated[list[Path], typer.Argument(help="package folders, such as models/fashion-mnist/1")],
) -> None:
    """Verify packages: manifest, hashes, the graph's tensors, parity with torch, the reference, the examples."""
    from rich.console import Console

    from pilothouse.checking import check as check_package

    reports = [check_package(folder) for folder in folders]
    console = Console()
    for report in reports:
        console.print(_table(report))
    faults = [f"{report.folder}: {fault}" for report in reports for fault in report.faults]
    for fault in faults:
        typer.echo(fault, err=True)
    if faults:
        raise typer.Exit(1)


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


def _pack(model: Any, arguments: dict[str, Any]) -> None:
    from pilothouse.packing import pack as pack_model

    try:
        packed = pack_model(model, **arguments)
    except TypeError as error:
        if "unexpected keyword" not in str(error):
            raise
        raise PackageError(f"options: {error}") from error
    parity = packed.parity
    typer.echo(f"{packed.folder}: {len(packed.manifest.files)} files")
    typer.echo(
        f"graph against torch: differ by at most {parity.difference:.3g} on {parity.rows} rows "
        f"(allowed: {parity.limit:.3g})"
    )


def _table(report: Any) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=str(report.folder), title_justify="left", show_header=False)
    table.add_column("check", no_wrap=True)
    table.add_column("result", no_wrap=True)
    table.add_column("detail", overflow="fold")
    for finding in report.findings:
        result = Text("FAULT", "bold red") if finding.faults else Text("ok", "green")
        table.add_row(finding.check, result, Text("\n".join(finding.faults) or finding.detail))
    return table
