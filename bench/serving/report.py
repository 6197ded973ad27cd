"""What was measured as a table and a chart: medians over the rounds, and their spread (least to greatest)."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterable
from html import escape
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from bench.serving.contestants import ALONE, BARE, EVERYBODY, OURS, PARTS, TWO, TWO_PARTS
from bench.serving.rounds import QUIET, Measurement

OFF = f"{OURS}, log off"


def machine() -> dict[str, Any]:
    """What it ran on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((text.partition(":")[2].strip() for text in lines if text.startswith("model name")), "unknown")
    return {
        "processor": model,
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": round(psutil.getloadavg()[0], 1),
    }


def ratios(loads: dict[str, list[Measurement]], name: str, to: str, key: str = "per_second") -> list[float]:
    """One against another, round by round; infinite where the other answered nothing."""
    return [a[key] / b[key] if b[key] else math.inf for a, b in zip(loads[name], loads[to], strict=True)]


def text(found: dict[str, Any]) -> str:
    """Markdown."""
    said = found["machine"]
    lines = [
        f"{said['processor']}, {said['cores']} cores, {said['memory_gb']} GB, {said['system']}, "
        f"Python {said['python']}; "
        f"load before the start {said['load_before']}; "
        f"{found['rounds']} rounds of {found['seconds']} s, 64 connections (workers: 128); {found['at'][:10]}.",
        _disturbed(found["loads"]),
        "",
    ]
    for kind, loads in found["loads"].items():
        if not kind.endswith("one client"):
            lines += [f"### {kind}", "", *_table(loads), ""]
    lines += ["### Targets", "", *_targets(found), ""]
    lines += ["### Who, and as what", "", *(f"- **{c.name}**: {c.note}" for c in EVERYBODY)]
    lines += [f"- left out: **{name}**: {why}" for name, why in found["left_out"].items()]
    return "\n".join(lines) + "\n"


def _disturbed(loads: dict[str, dict[str, list[Measurement]]]) -> str:
    made = [m for of_kind in loads.values() for measured in of_kind.values() for m in measured]
    again = sum(m["tries"] > 1 for m in made)
    lost = [m["lost"] for m in made]
    return (
        f"{len(made)} measurements. {again} of them were repeated, because other machines took more than "
        f"{QUIET:.0%} of the processors' time. In {sum(x > QUIET for x in lost)} that count they still took "
        f"more than that, at most {max(lost):.1%}."
    )


def _table(loads: dict[str, list[Measurement]]) -> Iterable[str]:
    yield "| | requests/s (spread) | of bare uvicorn | p50 ms | p99 ms | processor µs a request | errors |"
    yield "|---|---|---|---|---|---|---|"
    for name, measured in sorted(loads.items(), key=lambda item: -_median(item[1], "per_second")):
        rates = [m["per_second"] for m in measured]
        ratio = f"{median(ratios(loads, name, BARE.name)):.2f}" if BARE.name in loads else ""
        yield (
            f"| {name} | {median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f}) | {ratio} "
            f"| {_median(measured, 'p50_ms'):.1f} | {_median(measured, 'p99_ms'):.1f} "
            f"| {_median(measured, 'cpu_us'):.0f} | {sum(m['errors'] for m in measured)} |"
        )


def _targets(found: dict[str, Any]) -> Iterable[str]:
    yield "| what | wanted | measured (spread) |"
    yield "|---|---|---|"
    for what, wanted, values in targets(found):
        if values:
            yield f"| {what} | {wanted} | {median(values):.3g} ({min(values):.3g} to {max(values):.3g}) |"


def targets(found: dict[str, Any]) -> Iterable[tuple[str, str, list[float]]]:
    """What was asked for, the bound in words, and what was measured in each round."""
    loads, tabular = found["loads"], found["loads"]["tabular"]
    yield "requests/s of bare uvicorn's", "at least 0.5", ratios(tabular, OURS, BARE.name)
    yield "the same, all requests with one head", "", ratios(loads["tabular, equal heads"], OURS, BARE.name)
    for peer, least in (("MLServer", 6), ("BentoML", 10), ("LitServe", 10)):
        if peer in tabular:
            yield f"times {peer}", f"at least {least}", ratios(tabular, OURS, peer)
    yield "p99 at 64 connections, ms", "at most 20", [m["p99_ms"] for m in tabular[OURS]]
    yield "throughput with the log on, of that without", "at least 0.85", ratios(tabular, OURS, OFF)
    yield "errors", "0", [float(m["errors"]) for m in tabular[OURS]]
    for kind, wanted in (("tabular, 8 rows", "at least 1.6"), ("image", "at least 1.6"), ("tabular", "")):
        times = ratios(loads[f"workers, {kind}"], TWO.name, ALONE.name)
        yield f"two workers on two cores, times one on one: {kind}", wanted, times
    parts = ratios(loads["workers, image"], TWO_PARTS.name, PARTS.name)
    yield "two processes of an image's parts alone, times one", "", parts
    bursts = found["bursts"][OURS]
    yield "of 1,000 new connections, late (over 1 s) or unanswered", "0", [float(b["late"]) for b in bursts]
    yield "slowest of them, ms", "", [b["slowest_ms"] for b in bursts]
    one, many = loads["tabular, one client"][OURS], loads["batch, one client"][OURS]
    batch = [b["rows_per_second"] / max(a["per_second"], 1) for a, b in zip(one, many, strict=True)]
    yield "one client: rows/s in requests of 1,000, times those in single requests", "at least 50", batch
    for kind in ("image, multipart", "image, raw"):
        yield f"{kind}: share of what its parts allow", "at least 0.7", ratios(loads[kind], OURS, PARTS.name)
    images = loads["image, multipart"]
    for peer in images:
        if not peer.startswith((OURS, "bare", PARTS.name)):
            yield f"images, times {peer}", "at least 3", ratios(images, OURS, peer)


def chart(found: dict[str, Any]) -> str:
    """Bars of requests a second (tabular), as SVG."""
    loads = found["loads"]["tabular"]
    bars = sorted(((n, _median(m, "per_second")) for n, m in loads.items()), key=lambda bar: -bar[1])
    most, step, left, width = bars[0][1], 26, 190, 420
    height = step * len(bars) + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 90}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        '<text x="8" y="18" fill="#333">Predictions a second, one worker, 64 connections (median)</text>',
    ]
    for i, (name, rate) in enumerate(bars):
        y = 28 + i * step
        colour = "#0b6e99" if name == OURS else "#c9d3d8"
        long = max(1.0, width * rate / most)
        parts += [
            f'<text x="{left - 8}" y="{y + 15}" text-anchor="end" fill="#333">{escape(name)}</text>',
            f'<rect x="{left}" y="{y + 2}" width="{long:.0f}" height="{step - 8}" fill="{colour}"/>',
            f'<text x="{left + long + 6:.0f}" y="{y + 15}" fill="#333">{rate:,.0f}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _median(measured: list[Measurement], key: str) -> float:
    return median(m[key] for m in measured)
