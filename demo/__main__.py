"""`python -m demo`: replay the scenes, print what the drift service says of each, and the alert that comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import httpx2
import typer
from rich.console import Console

from demo.alert_message import AlertMessages
from demo.play import Player
from demo.running_stack import RunningStack
from demo.scenes import MODELS, scenes
from pilothouse.client import Client
from pilothouse.commands.predictions import fail
from pilothouse.errors import PilothouseError


def main(
    rows: Annotated[int, typer.Option(help="predictions in each scene", min=100, max=1500)] = 1000,
    labels: Annotated[float, typer.Option(help="share of the true values that is sent too", min=0, max=1)] = 0.5,
) -> None:
    """Replay real data through the running stack, first clean, then drifting."""
    console = Console(soft_wrap=True, highlight=False)
    try:
        with httpx2.Client(timeout=30) as http:
            surprises = tell(RunningStack.found(http), rows, labels, console)
    except PilothouseError as error:
        if isinstance(error.__cause__, httpx2.TransportError):
            console.print("Is the stack running? `make run` starts it, in another terminal.")
        fail(error)
    except KeyboardInterrupt:
        console.print("Stopped. What was sent until now is stored.")
        raise typer.Exit(130) from None
    raise typer.Exit(1 if surprises else 0)


def tell(stack: RunningStack, rows: int, labels: float, console: Console) -> int:
    """Play every scene and show what alerts come of it; how many verdicts were unexpected. Raises PilothouseError."""
    surprises = 0
    messages = AlertMessages(stack, console)
    with Client(stack.inference, stack.key) as client:
        player = Player(stack, client, console, labels)
        loaded = {m["name"] for m in client.models() if m["state"] not in ("failed", "external")}
        names = [name for name in MODELS if name in loaded]
        for name in names:
            manifest = client.manifest(name)
            for scene in scenes(manifest, rows):
                verdict, watched_drifts = player.play(manifest, scene)
                surprises += verdict["verdict"] != ("drift" if scene.drifts else "no drift")
                if scene.drifts and watched_drifts:
                    messages.expect(verdict)
                elif scene.drifts:
                    console.print(
                        f"No alert comes of it: that watches the newest {manifest.monitoring.window_rows} records."
                    )
    messages.show()
    for line in closing(stack.page, names, surprises):
        console.print(line)
    return surprises


def closing(page: str, names: list[str], surprises: int) -> Iterator[str]:
    """Where to look, and at what."""
    if surprises:
        yield f"[red]{surprises} verdicts are not the expected ones.[/]"
    yield f"The page: {page}"
    places = {"alerts": "who is told; acknowledge or snooze it there"}
    for name in names:
        places[f"drift?model={name}"] = "what moved, beside the reference"
        places[f"drift-report?model={name}"] = "Evidently's report of the same records"
    width = max(map(len, places))
    for place, what in places.items():
        yield f"  {page}/{place:<{width}}  {what}"


if __name__ == "__main__":
    typer.run(main)
