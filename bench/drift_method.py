"""How often "drift" is said of real windows, by Pilothouse and by Evidently's defaults: the tables of docs/method.md.

`DO_NOT_TRACK=1 python -m bench.drift_method [WINDOWS]`; a few minutes with 300 windows.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from services.drift.calibration import calibrate
from services.drift.reference import load_reference
from services.drift.verdict import judge
from tests.unit.drift.real import draw, packed, pools

SIZES = (100, 200, 500, 1_000, 5_000)
EVIDENTLY_SHARE = 0.5


def main(windows: int) -> None:
    warnings.simplefilter("ignore")
    for model in ("house-prices", "fashion-mnist"):
        print(f"\n### {model}\n")
        print("| windows | rule |", " | ".join(f"{size:,} rows" for size in SIZES), "|")
        print("|---|---|", "---|" * len(SIZES), sep="")
        for pool in pools(model):
            for rule, shares in _rules(model, pool, windows if pool == "same" else max(windows // 10, 10)):
                print(f"| {pool} | {rule} |", " | ".join(f"{share:.1%}" for share in shares), "|", flush=True)


def _rules(model: str, pool: str, windows: int) -> Iterator[tuple[str, list[float]]]:
    """For each rule, the share of windows of each size of which it says drift."""
    manifest = packed(model).manifest
    reference = load_reference(packed(model).package)
    thresholds = calibrate(reference)
    drawn = {size: [draw(pools(model)[pool], size, seed) for seed in range(windows)] for size in SIZES}
    ours = [[judge(manifest, reference, thresholds, w).verdict == "drift" for w in drawn[s]] for s in SIZES]
    yield "Pilothouse", [sum(said) / len(said) for said in ours]
    table = pq.read_table(packed(model).package.reference)
    names = [c.name for c in manifest.monitored_columns]
    counts = {s: [_evidently(table, w, names) for w in drawn[s]] for s in SIZES}
    yield "Evidently, one column", [sum(c > 0 for c in counts[s]) / windows for s in SIZES]
    half = EVIDENTLY_SHARE * len(names)
    yield "Evidently, half of the columns", [sum(c >= half for c in counts[s]) / windows for s in SIZES]


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


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
