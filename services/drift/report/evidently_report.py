"""Evidently's report of one job. Only the report worker imports this: Evidently takes seconds and 270 MB to import.

All six column lists of the data definition are given, or Evidently guesses types and drops columns in silence. Its
tests are left out: the default ones ("within 10% of the reference") cry wolf, and those of drift say nothing that the
drift table does not say.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pandas as pd
import pyarrow as pa
from evidently import BinaryClassification, DataDefinition, Dataset, MulticlassClassification, Regression, Report
from evidently.presets import ClassificationPreset, DataDriftPreset, DataSummaryPreset, RegressionPreset

from pilothouse.tasks import TASKS
from services.drift.records import LABEL
from services.drift.report.job import ReportJob


def make(job: ReportJob) -> tuple[bytes, bytes]:
    """Evidently's page, and its numbers as strict JSON: what is not finite is null."""
    frames = [_frame(stream) for stream in (job.current, job.reference)]
    if job.positive_probability and any(frame[LABEL].nunique() < 2 for frame in frames):
        # one class has no areas, for which Evidently would refuse everything
        job = msgspec.structs.replace(job, positive_probability=None)
    snapshot = Report(_presets(job)).run(*(_dataset(job, frame) for frame in frames))
    page: str = snapshot.get_html_str(as_iframe=False)
    return page.encode("utf-8", "replace"), msgspec.json.encode(strict(snapshot.dict()), enc_hook=_plain)


def strict(value: Any) -> Any:
    """The same with None for NaN and infinities, and strings for keys: what JSON can say."""
    if isinstance(value, dict):
        return {str(k): strict(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [strict(v) for v in value]
    if hasattr(value, "item"):  # numpy's scalars
        return strict(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def _frame(stream: bytes) -> pd.DataFrame:
    frame: pd.DataFrame = pa.ipc.open_stream(stream).read_all().to_pandas()
    return frame


def _dataset(job: ReportJob, frame: pd.DataFrame) -> Dataset:
    categories = [c.name for c in job.columns if c.kind == "category"]
    numbers = [c.name for c in job.columns if c.kind == "number"] + job.numbers
    performance: dict[str, Any] = {}
    if job.task and TASKS[job.task].has_classes:
        categories += [LABEL, job.prediction]
        performance = {"classification": [_classification(job)]}
    elif job.task:
        numbers += [LABEL, job.prediction]
        performance = {"regression": [Regression(target=LABEL, prediction=job.prediction)]}
    definition = DataDefinition(
        numerical_columns=numbers,
        categorical_columns=categories,
        text_columns=[],
        datetime_columns=[],
        unknown_columns=[],
        list_columns=[],
        **performance,
    )
    return Dataset.from_pandas(frame, data_definition=definition)


def _classification(job: ReportJob) -> BinaryClassification | MulticlassClassification:
    if job.positive_class is None:
        return MulticlassClassification(target=LABEL, prediction_labels=job.prediction)
    return BinaryClassification(
        target=LABEL,
        prediction_labels=job.prediction,
        prediction_probas=job.positive_probability,
        pos_label=job.positive_class,
    )


def _presets(job: ReportJob) -> list[Any]:
    names = [c.name for c in job.columns]
    presets: list[Any] = [
        DataDriftPreset(
            columns=names,
            drift_share=job.drift_share,
            per_column_method={c.name: c.stattest for c in job.columns},
            per_column_threshold={c.name: c.threshold for c in job.columns},
        ),
        DataSummaryPreset(columns=names + job.numbers),
    ]
    if job.task:
        presets.append(ClassificationPreset() if TASKS[job.task].has_classes else RegressionPreset())
    return presets


def _plain(value: Any) -> Any:
    return str(value)
