"""`python -m training [fashion-mnist | house-prices | all]`: trains, measures and packs the example models."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from pilothouse.errors import PilothouseError
from pilothouse.packing import Packed
from training.errors import TrainingError


class Recipe(StrEnum):
    HOUSE_PRICES = "house-prices"
    FASHION_MNIST = "fashion-mnist"
    ALL = "all"


def main(
    recipe: Annotated[Recipe, typer.Argument(help="which model to make")] = Recipe.ALL,
    into: Annotated[Path, typer.Option(help="folder of the packages")] = Path("models"),
) -> None:
    """Train from raw data, measure what is served on real held-out data, and write the package."""
    wanted = [r for r in Recipe if r is not Recipe.ALL] if recipe is Recipe.ALL else [recipe]
    for name in wanted:
        follow(import_module(f"training.{name.value.replace('-', '_')}.recipe").run, into)


def follow(run: Callable[[Path], Packed], into: Path) -> None:
    """Run one recipe; what it refuses is one line, and exit status 1."""
    try:
        packed = run(into)
    except (TrainingError, PilothouseError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{packed.folder}: written (graph against torch: {packed.parity.difference:.2g})")


if __name__ == "__main__":
    typer.run(main)
