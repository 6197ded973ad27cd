"""`python -m demo`: replay the scenes, and print what the drift service says before and after."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Annotated, Any

import httpx2
import msgspec
import typer
from rich.console import Console
from rich.progress import Progress

from demo.scenes import Scene, fashion_scenes, house_scenes
from pilothouse.client import Client
from pilothouse.commands.predictions import COLLECTOR, INFERENCE, fail, post_labels, send
from pilothouse.commands.verdicts import DRIFT, appraise, performance_line, score, verdict_table
from pilothouse.errors import PilothouseError
from pilothouse.manifest import Manifest
from pilothouse.wire.models import Stats
from training.errors import TrainingError

_MODELS = ("house-prices", "fashion-mnist")


def main(
    rows: Annotated[int, typer.Option(help="predictions in each scene", min=100)] = 1000,
    labels: Annotated[float, typer.Option(help="share of the true values that is sent too", min=0, max=1)] = 0.5,
) -> None:
    """Replay real data through the running stack, first clean, then drifting."""
    console = Console()
    inference = os.environ.get("PILOTHOUSE_INFERENCE_URL", INFERENCE)
    api_key = os.environ.get("PILOTHOUSE_API_KEY")
    surprises = 0
    with Client(inference, api_key) as client:
        try:
            loaded = {m["name"] for m in client.models() if m["state"] not in ("failed", "external")}
            for name in [m for m in _MODELS if m in loaded]:
                manifest = client.manifest(name)
                for scene in scenes(manifest, rows, console):
                    verdict = play(client, manifest, scene, console, labels=labels, api_key=api_key)
                    surprises += verdict["verdict"] != ("drift" if scene.drifts else "no drift")
        except PilothouseError as error:
            console.print("Is the stack running? `make run` starts it, in another terminal.")
            fail(error)
    console.print("The page shows it: http://127.0.0.1:8501" if not surprises else f"{surprises} verdicts unexpected")
    raise typer.Exit(1 if surprises else 0)


def scenes(manifest: Manifest, rows: int, console: Console) -> Iterator[Scene]:
    """The scenes of one model; without its data it is left out, and that is said."""
    try:
        yield from house_scenes(manifest, rows) if manifest.name == "house-prices" else fashion_scenes(rows)
    except TrainingError as error:
        console.print(f"[yellow]{manifest.name} is left out:[/] {error}")


def play(
    client: Client, manifest: Manifest, scene: Scene, console: Console, *, labels: float, api_key: str | None
) -> dict[str, Any]:
    """Send one scene, wait until the collector has stored it, and have the drift service judge that window."""
    collector = os.environ.get("PILOTHOUSE_COLLECTOR_URL", COLLECTOR)
    before = stored(collector, manifest, api_key)
    ids: list[str] = []
    with Progress(console=console) as progress:
        task = progress.add_task(f"{manifest.name}: {scene.title}", total=len(scene.requests))
        for answers in send(client, manifest, scene.requests, 20):
            ids += [a["id"] for a in answers]
            progress.advance(task, len(answers))
    await_stored(collector, manifest, before + len(ids), api_key)
    known = list(zip(ids, scene.labels, strict=True))[: round(labels * len(ids))]
    if known:
        post_labels(collector, api_key, known)
    drift_url = os.environ.get("PILOTHOUSE_DRIFT_URL", DRIFT)
    window = f"rows={len(ids)}"
    verdict = score(drift_url, manifest.name, window, api_key)
    console.print(verdict_table(verdict))
    console.print(performance_line(appraise(drift_url, manifest.name, window, api_key=api_key)), highlight=False)
    return verdict


def stored(collector: str, manifest: Manifest, api_key: str | None) -> int:
    """Records of this model version in the database. Raises PilothouseError."""
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    try:
        answer = httpx2.get(f"{collector}/v1/stats", headers=headers, timeout=30)
        answer.raise_for_status()
    except httpx2.HTTPError as error:
        raise PilothouseError(f"{collector}: {error}") from error
    models = msgspec.json.decode(answer.content, type=Stats).models
    return sum(m.records for m in models if (m.model, m.version) == (manifest.name, manifest.version))


def await_stored(collector: str, manifest: Manifest, wanted: int, api_key: str | None, seconds: float = 60) -> None:
    """Wait until the collector holds as many records. Raises PilothouseError when it takes too long."""
    deadline = time.monotonic() + seconds
    while (have := stored(collector, manifest, api_key)) < wanted:
        if time.monotonic() > deadline:
            raise PilothouseError(f"the collector holds {have} of {wanted} records after {seconds:.0f} s")
        time.sleep(0.2)


if __name__ == "__main__":
    typer.run(main)
