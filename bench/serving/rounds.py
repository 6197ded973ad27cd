"""The measuring: short interleaved rounds, so that what the machine does beside it meets everybody alike. Who is not
asked at the moment is paused: an idle LitServe keeps more than a core busy.

A virtual machine shares its processors with others, and is told how much of their time those had. A measurement that
lost more than `QUIET` of it is made again, whoever was measured: with a tenth lost a bare uvicorn's p99 goes from 5 to
27 ms.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

import psutil

from bench.serving.arena import Arena, Ready
from bench.serving.contestants import BARE, OURS
from bench.serving.load import burst, load

KINDS = (
    "tabular",
    "tabular, equal heads",
    "image, multipart",
    "image, raw",
    "workers, tabular",
    "workers, tabular, 8 rows",
    "workers, image",
    "tabular, one client",
    "batch, one client",
)
BURST = 1000
QUIET, TRIES = 0.02, 4
Measurement = dict[str, float]


def run(arena: Arena, rounds: int, seconds: int) -> dict[str, Any]:
    """Every figure of every round: `loads[kind][name]` are lists of them, in order."""
    loads: dict[str, dict[str, list[Measurement]]] = defaultdict(lambda: defaultdict(list))
    for ready in arena.ready.values():  # everybody has had some load before the first round counts
        for target in ready.targets.values():
            load(target, 1)
        ready.server.pause()
    for number in range(rounds):
        for kind in KINDS:
            for name, ready in arena.ready.items():
                if kind in ready.targets:
                    loads[kind][name].append(least_disturbed(partial(_measure, ready, kind, seconds)))
        print(f"round {number + 1} of {rounds}: " + _line(loads["tabular"]), flush=True)
    return {"loads": loads, "bursts": _bursts(arena, rounds)}


def least_disturbed(measure: Callable[[], Measurement]) -> Measurement:
    """The first quiet measurement, or of `TRIES` the one that lost the least. `tries` says how many were made; `errors`
    is of all of them."""
    made: list[Measurement] = []
    while len(made) < TRIES and (not made or made[-1]["lost"] > QUIET):
        made.append(measure())
    errors = sum(measurement["errors"] for measurement in made)
    return min(made, key=lambda measurement: measurement["lost"]) | {"tries": len(made), "errors": errors}


def _measure(ready: Ready, kind: str, seconds: int) -> Measurement:
    with ready.server.awake():
        target, before, ours = ready.targets[kind], psutil.cpu_times(), ready.server.cpu_seconds()
        found = load(target, seconds)
        cpu = (ready.server.cpu_seconds() - ours) / max(found.requests, 1)
        lost = _lost(before, psutil.cpu_times())
    return asdict(found) | {"cpu_us": cpu * 1e6, "rows_per_second": found.per_second * target.rows, "lost": lost}


def _lost(before: Any, after: Any) -> float:
    """The share of all processors' time that other machines were given ("steal"); 0 where that is not known."""
    spent: dict[str, float] = {name: value - getattr(before, name) for name, value in after._asdict().items()}
    return spent.get("steal", 0.0) / max(sum(spent.values()), 1e-9)


def _bursts(arena: Arena, rounds: int) -> dict[str, list[Measurement]]:
    asked = {n: r for n, r in arena.ready.items() if n.startswith((OURS, BARE.name)) and "tabular" in r.targets}
    return {n: [_burst(ready) for _ in range(rounds)] for n, ready in asked.items()}


def _burst(ready: Ready) -> dict[str, Any]:
    with ready.server.awake():
        return asdict(burst(ready.targets["tabular"], BURST))


def _line(loads: dict[str, list[Measurement]]) -> str:
    return ", ".join(f"{name} {measured[-1]['per_second']:,.0f}/s" for name, measured in loads.items())
