"""Plays scenes on the running stack: sends, waits until all is stored, and asks for the verdict."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from demo.progress import Step
from demo.running_stack import RunningStack
from demo.scenes import Scene
from pilothouse.client import Client
from pilothouse.commands.predictions import send
from pilothouse.commands.verdicts import appraise, performance_line, verdict_table
from pilothouse.errors import PilothouseError
from pilothouse.labels import LabelClient
from pilothouse.manifest import Manifest


class Player:
    """`labels`: the share of the true values that is sent too."""

    def __init__(self, stack: RunningStack, client: Client, console: Console, labels: float) -> None:
        self._stack, self._client, self._console, self._labels = stack, client, console, labels

    def play(self, manifest: Manifest, scene: Scene) -> tuple[dict[str, Any], bool]:
        """The verdict on one scene, and whether the model's own window drifts. Raises PilothouseError."""
        before = self._stack.stored(manifest)
        ids = self._send(manifest, scene)
        self._stack.await_stored(manifest, before + len(ids))
        known = list(zip(ids, scene.labels, strict=True))[: round(self._labels * len(ids))]
        with LabelClient(self._stack.collector, self._stack.key) as labels:
            refused = labels.send(known).rejected
        if refused:
            raise PilothouseError(f"{len(refused)} labels were rejected: {refused[0].message}")
        verdict, watched_drifts = self._stack.judge(manifest, len(ids))
        self._console.print(verdict_table(verdict))
        drift, key = self._stack.drift, self._stack.key
        said = appraise(drift, manifest.name, f"rows={len(ids)}", api_key=key, version=manifest.version)
        self._console.print(performance_line(said))
        return verdict, watched_drifts

    def _send(self, manifest: Manifest, scene: Scene) -> list[str]:
        """The ids of its predictions."""
        ids: list[str] = []
        total = len(scene.requests)
        with Step(self._console, f"{manifest.name}: {total} {scene.title}", total) as step:
            for answers in send(self._client, manifest, scene.requests, 20):
                ids += [a["id"] for a in answers]
                step.advance(len(answers))
        return ids
