"""`pilothouse predict` and `replay`: calls to a running stack."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from pilothouse.client import Client
from pilothouse.commands import connection
from pilothouse.commands.connection import address
from pilothouse.commands.label_tally import Tally
from pilothouse.errors import Fault, InputError, LabelError, PilothouseError
from pilothouse.input_files import read_frame, read_requests
from pilothouse.labels import LabelClient, is_missing, json_label
from pilothouse.manifest import ImageInput, Manifest
from pilothouse.tasks import task_of


def _given_key() -> str | None:
    """The key that no option gave. Raises BadParameter, when its file cannot be read."""
    try:
        return connection.api_key()
    except PilothouseError as error:
        raise typer.BadParameter(str(error)) from error


Model = Annotated[str, typer.Argument(help="name of the model")]
Version = Annotated[str | None, typer.Option(help="version of the model; the one that answers by default")]
Data = Annotated[Path, typer.Argument(help="CSV or Parquet of features; an image or a folder of images", exists=True)]
Url = Annotated[
    str,
    typer.Option(
        help="the inference service", envvar="PILOTHOUSE_INFERENCE_URL", default_factory=lambda: address("inference")
    ),
]
Collector = Annotated[
    str,
    typer.Option(help="the collector", envvar="PILOTHOUSE_COLLECTOR_URL", default_factory=lambda: address("collector")),
]
Key = Annotated[str | None, typer.Option(help="API key", envvar="PILOTHOUSE_API_KEY", default_factory=_given_key)]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(predict)
    app.command()(replay)


def predict(model: Model, data: Data, url: Url, api_key: Key, version: Version = None) -> None:
    """Predict every row of a file, or every image, and print one JSON object a line."""
    console = Console(soft_wrap=True)
    with Client(url, api_key) as client:
        try:
            manifest = client.manifest(model, version)
            for answers in send(client, manifest, read_requests(data, manifest), 100, version=version):
                for answer in answers:
                    console.print_json(data=answer, indent=None)
        except PilothouseError as error:
            fail(error)


def replay(
    model: Model,
    data: Data,
    url: Url,
    collector: Collector,
    api_key: Key,
    rate: Annotated[float, typer.Option(help="predictions a second; 0 is as fast as it goes")] = 0,
    batch: Annotated[int, typer.Option(help="instances a request", min=1)] = 1,
    labels: Annotated[str | None, typer.Option(help="column of the file that holds the true value")] = None,
    version: Version = None,
) -> None:
    """Send a file as traffic, with a progress bar, and its labels too where --labels names a column.

    Ends with 1 when a label was rejected.
    """
    console, tally = Console(), Tally(noun="row")
    with Client(url, api_key) as client, Progress(console=console) as progress:
        try:
            manifest = client.manifest(model, version)
            requests = read_requests(data, manifest)
            truth = _truth(data, labels, manifest, tally) if labels else []
            task = progress.add_task(f"{manifest.key}", total=len(requests))
            ids: list[str] = []
            waiting = pace(rate, time.monotonic, time.sleep)
            for answers in send(client, manifest, requests, batch, waiting, version):
                ids += [a["id"] for a in answers]
                progress.advance(task, len(answers))
            if truth:
                with LabelClient(collector, api_key) as label_client:
                    known = [(ids[row - 1], value) for row, value in truth]
                    tally.count(label_client.send(known), [row for row, _ in truth])
        except PilothouseError as error:
            fail(error)
    console.print(f"{len(ids):,} predictions sent", highlight=False)
    if labels:
        tally.show()
    if tally.rejected:
        raise typer.Exit(1)


def _truth(data: Path, column: str, manifest: Manifest, tally: Tally) -> list[tuple[int, Any]]:
    """The labels of a file by their row, from 1. Those that are none of the model are rejected here: the collector
    would only see it when the records have come. Raises InputError for a column that is not there."""
    frame = read_frame(data)
    if column not in frame:
        names = ", ".join(map(str, frame.columns))
        raise InputError([Fault(str(data), "missing", f"has no column {column!r}; it has {names[:300]}")])
    read = task_of(manifest).label_reader(manifest.output)
    found = []
    for row, value in enumerate(frame[column].tolist(), 1):
        if is_missing(value):
            tally.skipped += 1
            continue
        try:
            found.append((row, read(json_label(value))))
        except LabelError as error:
            tally.reject(error.code, f"label: {error}", row)
    return found


def send(
    client: Client,
    manifest: Manifest,
    requests: list[Any],
    batch: int,
    wait: Callable[[int], None] | None = None,
    version: str | None = None,
) -> Iterator[list[dict[str, Any]]]:
    """Send requests in order, `batch` at a time, and yield the answers of each call; without `version` of the version
    that answers then."""
    call = client.predict_images if isinstance(manifest.input, ImageInput) else client.predict
    for start in range(0, len(requests), batch):
        part = requests[start : start + batch]
        if wait:
            wait(start)
        yield call(manifest.name, part, version)


def pace(rate: float, clock: Callable[[], float], sleep: Callable[[float], None]) -> Callable[[int], None] | None:
    """A function that waits until request number `n` is due at `rate` a second; None for no limit."""
    if rate <= 0:
        return None
    begun = clock()
    return lambda number: sleep(max(0.0, begun + number / rate - clock()))


def fail(error: Exception) -> None:
    """Print what went wrong on standard error and end with 1."""
    Console(stderr=True).print(f"[red]{type(error).__name__}[/]: {escape(str(error))}", highlight=False, soft_wrap=True)
    raise typer.Exit(1)
