"""How far estimates are off on real data, and what is said of it: the tables of docs/model-performance.md.

`python -m bench.performance_estimates`; a minute. Each window is all of its rows, and 20 windows of 1,000 of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from testkit.drift.windows import draw, estimator_of, further_windows, packed, sample_of, truth_of, windows

METRIC = {"fashion-mnist": "accuracy", "house-prices": "mae"}
WINDOWS, ROWS = 20, 1_000


def main() -> None:
    for model, metric in METRIC.items():
        for title, found in (("", windows(model)), (", further changes", further_windows(model))):
            print(f"\n### {model}: {metric}{title}\n")
            print("| window | measured | estimated | off by | unlike the reference | moved | said | broken of 1,000 |")
            print("|---|---|---|---|---|---|---|---|")
            for name, table in found.items():
                print("|", " | ".join(_row(model, metric, name, table)), "|", flush=True)


def _row(model: str, metric: str, name: str, table: pa.Table) -> list[str]:
    manifest = packed(model).manifest
    estimator = estimator_of(model)
    sample = sample_of(manifest, table)
    checked = estimator.assumption.check(sample.every.table)
    # even where the service would not give it
    estimate: Any = estimator.estimate(sample.every.table, sample.every.outcomes)
    said = estimate.values(np.arange(table.num_rows), [metric], 0)[metric].value
    true = truth_of(manifest, table, [metric])[metric].value
    off = f"{said - true:+.3f}" if metric == "accuracy" else f"{said / true - 1:+.1%}"
    drawn = [estimator.assumption.check(draw(table, ROWS, seed)).broken for seed in range(WINDOWS)]
    strange, moved = f"{checked.unfamiliar:.1%}", f"{checked.moved:.0%}" if metric == "accuracy" else ""
    verdict = "assumption broken" if checked.broken else "estimated"
    return [name, f"{true:.4g}", f"{said:.4g}", off, strange, moved, verdict, f"{sum(drawn) / WINDOWS:.0%}"]


if __name__ == "__main__":
    main()
