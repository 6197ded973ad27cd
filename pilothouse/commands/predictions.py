"""`pilothouse predict`, `replay` and `label`: calls to a running stack."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer
from rich.console import Console
from rich.progress import Progress

from pilothouse.client import Client
from pilothouse.commands import connection
from pilothouse.commands.connection import address, headers
from pilothouse.errors import PilothouseError
from pilothouse.input_files import read_frame, read_requests
from pilothouse.manifest import ImageInput, Manifest


def _given_key() -> str | None:
    """The key that no option gave. Raises BadParameter, when its file cannot be read."""
    try:
        return connection.api_key()
    except PilothouseError as error:
        raise typer.BadParameter(str(error)) from error


Model = Annotated[str, typer.Argument(help="name of the model")]
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
_LABELS = 1_000


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(predict)
    app.command()(replay)
    app.command()(label)


def predict(model: Model, data: Data, url: Url, api_key: Key) -> None:
    """Predict every row of a file, or every image, and print one JSON object a line."""
    console = Console(soft_wrap=True)
    with Client(url, api_key) as client:
        try:
            manifest = client.manifest(model)
            for answers in send(client, manifest, read_requests(data, manifest), 100):
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
) -> None:
    """Send a file as traffic, with a progress bar, and its labels too where --labels names a column."""
    console = Console()
    with Client(url, api_key) as client, Progress(console=console) as progress:
        try:
            manifest = client.manifest(model)
            requests = read_requests(data, manifest)
            truth = read_frame(data)[labels].tolist() if labels else []
            task = progress.add_task(f"{manifest.key}", total=len(requests))
            ids: list[str] = []
            for answers in send(client, manifest, requests, batch, pace(rate, time.monotonic, time.sleep)):
                ids += [a["id"] for a in answers]
                progress.advance(task, len(answers))
            if labels:
                post_labels(collector, api_key, list(zip(ids, truth, strict=True)))
        except (PilothouseError, KeyError) as error:
            fail(error)
    console.print(f"{len(ids)} predictions sent" + (f", {len(truth)} labels" if labels else ""))


def label(
    record_id: Annotated[str, typer.Argument(help="id of a prediction, or a CSV/Parquet file")],
    collector: Collector,
    api_key: Key,
    value: Annotated[str | None, typer.Argument(help="the true class or number; leave it out for a file")] = None,
    id_column: Annotated[str, typer.Option(help="column of the file that holds the ids")] = "id",
    label_column: Annotated[str, typer.Option(help="column of the file that holds the labels")] = "label",
) -> None:
    """Say what the true value of a prediction was, or of many from a file."""
    try:
        if value is not None:
            pairs: list[tuple[str, Any]] = [(record_id, value)]
        else:
            frame = read_frame(Path(record_id))
            pairs = list(zip(frame[id_column].astype(str), frame[label_column].tolist(), strict=True))
        post_labels(collector, api_key, pairs)
    except (PilothouseError, OSError, KeyError) as error:
        fail(error)
    Console().print(f"{len(pairs)} labels stored")


def send(
    client: Client, manifest: Manifest, requests: list[Any], batch: int, wait: Callable[[int], None] | None = None
) -> Iterator[list[dict[str, Any]]]:
    """Send requests in order, `batch` at a time, and yield the answers of each call."""
    call = client.predict_images if isinstance(manifest.input, ImageInput) else client.predict
    for start in range(0, len(requests), batch):
        part = requests[start : start + batch]
        if wait:
            wait(start)
        yield call(manifest.name, part)


def pace(rate: float, clock: Callable[[], float], sleep: Callable[[float], None]) -> Callable[[int], None] | None:
    """A function that waits until request number `n` is due at `rate` a second; None for no limit."""
    if rate <= 0:
        return None
    begun = clock()
    return lambda number: sleep(max(0.0, begun + number / rate - clock()))


def post_labels(url: str, api_key: str | None, pairs: list[tuple[str, Any]]) -> None:
    """Post (record id, label) pairs to the collector. Raises PilothouseError."""
    with httpx2.Client(base_url=url, headers=headers(api_key), timeout=30) as http:
        for start in range(0, len(pairs), _LABELS):
            body = [{"record_id": i, "label": v} for i, v in pairs[start : start + _LABELS]]
            try:
                answer = http.post("/v1/labels", json=body)
            except httpx2.HTTPError as error:
                raise PilothouseError(f"{url}: {error}") from error
            if not answer.is_success:
                raise PilothouseError(f"{url}: {answer.status_code}: {answer.text[:300]}")


def fail(error: Exception) -> None:
    """Print what went wrong on standard error and end with 1."""
    Console(stderr=True).print(f"[red]{type(error).__name__}[/]: {error}", highlight=False, soft_wrap=True)
    raise typer.Exit(1)
