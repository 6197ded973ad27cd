"""`pilothouse label`: what was true of a prediction, or of many from a file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from pilothouse.commands.label_tally import Tally
from pilothouse.commands.predictions import Collector, Key, fail
from pilothouse.errors import Fault, InputError, PilothouseError
from pilothouse.label_csv import BadRow, LabelColumns, LabelRow
from pilothouse.label_files import LabelFile, open_labels
from pilothouse.labels import BATCH, LabelClient

_INTERRUPTED = 130


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(label)


def label(
    record_id: Annotated[str, typer.Argument(help="id of a prediction, or a CSV or Parquet file of many")],
    collector: Collector,
    api_key: Key,
    value: Annotated[str | None, typer.Argument(help="the true class or number; leave it out for a file")] = None,
    id_column: Annotated[str | None, typer.Option(help="the file's column of ids, else `record_id` or `id`")] = None,
    label_column: Annotated[str, typer.Option(help="the file's column of labels")] = "label",
    at_column: Annotated[str | None, typer.Option(help="the file's column of when a label became known")] = None,
) -> None:
    """Say what the true value of a prediction was, or of many from a file. Ends with 1 when a label was rejected.

    Running it again with the same file changes nothing: what is stored already is not stored twice.
    """
    tally = Tally()
    with LabelClient(collector, api_key) as client:
        try:
            if value is not None:
                tally.count(client.send_batch([(record_id, value)]), [])
            else:
                _require_file(record_id)
                with open_labels(Path(record_id), LabelColumns(id_column, label_column, at_column)) as file:
                    _send_file(client, file, tally)
        except PilothouseError as error:
            if tally.noun or not isinstance(error, InputError):  # a file that was never opened is said alone
                tally.show()
            fail(error)
        except KeyboardInterrupt:
            tally.show("stopped")
            raise typer.Exit(_INTERRUPTED) from None
    tally.show()
    if tally.rejected:
        raise typer.Exit(1)


def _require_file(name: str) -> None:
    """Raises InputError for an id without its value."""
    if not Path(name).exists() and _is_id(name):
        raise InputError([Fault("", "no_value", f"say what was true: pilothouse label {name} VALUE")])


def _is_id(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def _send_file(client: LabelClient, file: LabelFile, tally: Tally) -> None:
    tally.noun = file.noun
    columns = BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[stored]:,} stored"), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("labels", total=file.size, stored=0)
        for rows in _batches(file, tally):
            tally.count(client.send_batch([_given(row) for row in rows]), [row.line for row in rows])
            progress.update(task, completed=file.position(), stored=tally.result.accepted + tally.result.unchanged)


def _given(row: LabelRow) -> tuple[object, ...]:
    return (row.record_id, row.label) if row.at is None else (row.record_id, row.label, row.at)


def _batches(file: LabelFile, tally: Tally) -> Iterator[list[LabelRow]]:
    while rows := list(islice(file.rows, BATCH)):
        good = []
        for row in rows:
            if isinstance(row, BadRow):
                tally.reject(row.code, row.message, row.line)
            elif row.label is None:
                tally.skipped += 1
            else:
                good.append(row)
        yield good
