"""Numbers with their units, shortly, after Grafana's fashion."""

from __future__ import annotations

_STEPS: dict[str, list[tuple[float, str]]] = {
    "s": [(3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"), (1e-6, "µs")],
    "bytes": [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")],
    "Bps": [(1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s"), (1, "B/s")],
    "reqps": [(1e3, "K req/s"), (1, "req/s")],
    "ops": [(1e3, "K/s"), (1, "/s")],
    "short": [(1e9, "Bil"), (1e6, "Mil"), (1e3, "K"), (1, "")],
}


def shown(value: float, unit: str) -> str:
    """Three figures and the largest unit that fits."""
    if unit == "percentunit":
        return f"{_figures(100 * value)}%"
    steps = _STEPS[unit]
    one = next(name for size, name in steps if size == 1)
    size, name = next((s for s in steps if abs(value) >= s[0]), steps[-1]) if value else (1, one)
    return f"{_figures(value / size)} {name}".rstrip()


def _figures(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
