"""How often "drift" is said of real windows, by Pilothouse and by Evidently's defaults: the tables of docs/method.md.

`DO_NOT_TRACK=1 python -m bench.drift_method [WINDOWS] [MODEL/POOL ...]`; a quarter of an hour with 300 windows. With
all pools it draws docs/images/false-alarms.svg too.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench.chart import Line, line_chart
from services.drift.reference.calibration import calibrate
from services.drift.reference.joint_embedding import MOST_WINDOW_ROWS
from services.drift.reference.reference import Reference, load_reference
from services.drift.reference.thresholds import Thresholds
from services.drift.verdict import WindowResult, judge
from testkit.drift.real import draw, packed, pools

SIZES = (100, 200, 500, 1_000, 5_000)
MODELS = ("house-prices", "fashion-mnist")
EVIDENTLY_SHARE = 0.5
CHART = Path(__file__).parents[1] / "docs" / "images" / "false-alarms.svg"


def main(windows: int, wanted: list[str]) -> None:
    warnings.simplefilter("ignore")
    clean: dict[str, dict[str, list[float]]] = {}
    for model in MODELS:
        chosen = [p for p in pools(model) if not wanted or f"{model}/{p}" in wanted]
        if not chosen:
            continue
        print(f"\n### {model}\n")
        print("| windows | rule |", " | ".join(f"{size:,} rows" for size in SIZES), "|")
        print("|---|---|", "---|" * len(SIZES), sep="")
        for pool in chosen:
            count = windows if pool == "same" else max(windows // 10, 10)
            for rule, shares in _rules(model, pool, count):
                print(f"| {pool} | {rule} |", " | ".join(f"{share:.1%}" for share in shares), "|", flush=True)
                if pool == "same":
                    clean.setdefault(model, {})[rule] = shares
    if not wanted:
        _draw(clean)


@cache
def _baseline(model: str) -> tuple[Reference, Thresholds]:
    reference = load_reference(packed(model).package)
    return reference, calibrate(reference)


def _rules(model: str, pool: str, windows: int) -> Iterator[tuple[str, list[float]]]:
    """For each rule, the share of windows of each size of which it says drift."""
    manifest = packed(model).manifest
    drawn = {size: [draw(pools(model)[pool], size, seed) for seed in range(windows)] for size in SIZES}
    ours = [[_judge(model, w) for w in drawn[s]] for s in SIZES]
    yield "Pilothouse", [_share(r.verdict == "drift" for r in said) for said in ours]
    limit = manifest.monitoring.drift_share
    yield "its columns alone", [_share((r.drift_share or 0) >= limit for r in said) for said in ours]
    yield "its joint score alone", [_share(bool(r.joint[0].drifted) for r in said) for said in ours]
    table = pq.read_table(packed(model).package.reference)
    names = [c.name for c in manifest.monitored_columns]
    counts = {s: [_evidently(table, w, names) for w in drawn[s]] for s in SIZES}
    yield "Evidently, one column", [_share(c > 0 for c in counts[s]) for s in SIZES]
    half = EVIDENTLY_SHARE * len(names)
    yield "Evidently, half of the columns", [_share(c >= half for c in counts[s]) for s in SIZES]


def _judge(model: str, window: pa.Table) -> WindowResult:
    """As the service does: of the embeddings, a smaller sample."""
    return judge(packed(model).manifest, *_baseline(model), window, window.slice(0, MOST_WINDOW_ROWS))


def _share(said: Any) -> float:
    each = [bool(one) for one in said]
    return sum(each) / len(each)


def _evidently(reference: pa.Table, window: pa.Table, names: list[str]) -> int:
    """How many columns drifted by Evidently's default methods and thresholds."""
    from evidently.legacy.calculations.stattests import get_stattest
    from evidently.legacy.core import ColumnType

    drifted = 0
    for name in names:
        before, after = (_series(table, name) for table in (reference, window))
        kind = ColumnType.Numerical if before.dtype.kind in "iuf" else ColumnType.Categorical
        stattest = get_stattest(before, after, kind, None)
        drifted += bool(stattest(before, after, kind, None).drifted)
    return drifted


def _series(table: pa.Table, name: str) -> Any:
    series = table.column(name).to_pandas()
    return series.astype("int64") // 86_400_000 if series.dtype.kind == "M" else series


def _draw(clean: dict[str, dict[str, list[float]]]) -> None:
    """The false alarms of both models, Pilothouse beside Evidently."""
    rules = ("Pilothouse", "Evidently, one column", "Evidently, half of the columns")
    lines = [
        Line(f"{model}: {rule}", [100 * share for share in clean[model][rule]], rule == rules[0])
        for model in MODELS
        for rule in rules
    ]
    title = "False alarms: windows without drift of which drift is said"
    CHART.parent.mkdir(exist_ok=True)
    CHART.write_text(line_chart(title, [f"{s:,} rows" for s in SIZES], lines, promise=5.0), encoding="utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300, sys.argv[2:])
