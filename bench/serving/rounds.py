"""The measuring: short interleaved rounds, so that what the machine does beside it meets everybody alike. Who is not
asked at the moment is paused: an idle LitServe keeps more than a core busy."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from typing import Any

from bench.serving.arena import Arena, Ready
from bench.serving.contestants import BARE, OURS
from bench.serving.load import burst, load

KINDS = ("tabular", "tabular, new heads", "image, multipart", "image, raw", "tabular, one client", "batch, one client")
BURST = 1000


def run(arena: Arena, rounds: int, seconds: int) -> dict[str, Any]:
    """Every figure of every round: `loads[kind][name]` are lists of them, in order."""
    loads: dict[str, dict[str, list[dict[str, float]]]] = defaultdict(lambda: defaultdict(list))
    for ready in arena.ready.values():  # everybody has had some load before the first round counts
        for target in ready.targets.values():
            load(target, 1)
        ready.server.pause()
    for number in range(rounds):
        for kind in KINDS:
            for name, ready in arena.ready.items():
                if kind in ready.targets:
                    loads[kind][name].append(_measure(ready, kind, seconds))
        print(f"round {number + 1} of {rounds}: " + _line(loads["tabular"]), flush=True)
    return {"loads": loads, "bursts": _bursts(arena, rounds)}


def _measure(ready: Ready, kind: str, seconds: int) -> dict[str, float]:
    with ready.server.awake():
        target, before = ready.targets[kind], ready.server.cpu_seconds()
        found = load(target, seconds)
        cpu = (ready.server.cpu_seconds() - before) / max(found.requests, 1)
    return asdict(found) | {"cpu_us": cpu * 1e6, "rows_per_second": found.per_second * target.rows}


def _bursts(arena: Arena, rounds: int) -> dict[str, list[dict[str, float]]]:
    names = [n for n in arena.ready if n.startswith((OURS, BARE.name))]
    return {n: [_burst(arena.ready[n]) for _ in range(rounds)] for n in names}


def _burst(ready: Ready) -> dict[str, Any]:
    with ready.server.awake():
        return asdict(burst(ready.targets["tabular"], BURST))


def _line(loads: dict[str, list[dict[str, float]]]) -> str:
    return ", ".join(f"{name} {measured[-1]['per_second']:,.0f}/s" for name, measured in loads.items())
