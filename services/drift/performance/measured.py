"""The measured side: the metrics of the rows whose labels have come."""

from __future__ import annotations

from typing import Any

from pilothouse.manifest import Manifest
from services.drift.performance import curves
from services.drift.performance.appraisal import Side
from services.drift.performance.metric import metrics_of
from services.drift.performance.outcomes import Amounts, Outcomes
from services.drift.performance.sample import Sample
from services.drift.performance.scoring import measure

LEAST_LABELS = 30
NO_RECORDS = Side("unknown", "no-records", "there are no records in this window")


def measured_side(manifest: Manifest, sample: Sample) -> Side:
    """Measured, or why not."""
    missing = why_not_measured(sample)
    if missing is not None:
        return missing
    outcomes = sample.labelled.outcomes
    aside = f"; {sample.set_aside} more labels are {_unusable(outcomes)}" if sample.set_aside else ""
    message = f"on {sample.labelled.rows} labelled rows{aside}"
    values = measure(outcomes, metrics_of(manifest.task))
    return Side("measured", "measured", message, values, details=_details(outcomes))


def why_not_measured(sample: Sample) -> Side | None:
    """None when there are labels enough."""
    every, labels = sample.every, sample.labelled.rows
    if not every.rows:
        return NO_RECORDS
    if not every.outcomes.usable.any():
        return Side("unknown", "no-predictions", "the records have no prediction that could be judged")
    if not labels and sample.set_aside:
        what = f"{sample.set_aside} labels have come, but they are {_unusable(every.outcomes)}"
        return Side("unknown", "unusable-labels", what)
    if not labels:
        return Side("unknown", "no-labels", "no labels have come for this window")
    if labels < LEAST_LABELS:
        message = f"{labels} labels are too few: performance is measured from {LEAST_LABELS} on"
        return Side("unknown", "too-few-labels", message)
    return None


def _unusable(outcomes: Outcomes) -> str:
    return "no numbers" if isinstance(outcomes, Amounts) else "no class of this model"


def _details(outcomes: Outcomes) -> dict[str, Any]:
    if isinstance(outcomes, Amounts):
        return {"residuals": curves.residuals(outcomes)}
    return {"confusion": curves.confusion(outcomes), "calibration": curves.reliability(outcomes)}
