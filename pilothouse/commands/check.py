"""`pilothouse check`: verify model packages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(check)


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
