"""What the report worker is given: cleaned frames, and the methods and thresholds that the verdict was found with.

Every name and category is made harmless here: Evidently puts them into its page's script as they are, and
`</script><script>` in a category would run there.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, count
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pilothouse.manifest import Manifest
from pilothouse.tasks import task_of
from pilothouse.wire.drift import ColumnDrift, ColumnKind
from services.drift.arrow import MISSING, PRESENT, number_array, read_names, read_numbers, text_array
from services.drift.records import LABEL
from services.drift.reference.profiles import CategoryProfile, Profile
from services.drift.reference.reference import Reference
from services.drift.verdict import WindowResult

LOGGED_PREDICTION = "prediction as logged"
LEAST_LABELS = 30
_HARMLESS = str.maketrans({"<": "\u2039", ">": "\u203a", "\u2028": " ", "\u2029": " ", "\x00": "\ufffd"})
_LONGEST_NAME = 80


class DriftedColumn(msgspec.Struct, frozen=True):
    """A column of the drift table. `kind` says what its values in the frames are."""

    name: str
    kind: ColumnKind
    stattest: str
    threshold: float


class ReportJob(msgspec.Struct, frozen=True, tag="report"):
    """`reference` and `current` are Arrow streams with `columns`, `numbers` (shown, but not compared) and, where
    labels have come, `label`. `task` is set when performance is to be reported."""

    drift_share: float
    columns: list[DriftedColumn]
    numbers: list[str]
    reference: bytes
    current: bytes
    task: str | None = None
    prediction: str = "prediction"
    positive_class: str | None = None
    positive_probability: str | None = None


class ReportAnswer(msgspec.Struct, frozen=True):
    """Evidently's page and its numbers as strict JSON, or why there are none; and the worker's peak memory.

    Of a fit, `data` is the `LossModel` as MessagePack.
    `exhausted`: memory ran out, so that the worker should be replaced.
    """

    html: bytes = b""
    data: bytes = b""
    error: str = ""
    exhausted: bool = False
    memory_bytes: int = 0


def build_job(manifest: Manifest, reference: Reference, result: WindowResult, table: pa.Table) -> ReportJob:
    """A job for a window that was compared; `table` is the records it was compared with."""
    compared = result.compared
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for column in compared:
        profile, cleaned = reference.profiles[column.name], result.cleaned[column.name]
        before[column.name] = _shown(column, profile, profile.values)
        after[column.name] = _shown(column, profile, cleaned.values)
    numbers = list(_shown_numbers(manifest, reference, table, {c.name for c in compared}))
    for name in numbers:
        before[name], after[name] = (
            number_array(read_numbers(t.column(name)).values) for t in (reference.table, table)
        )
    performance = _performance(manifest, reference.table, table, before, after)
    # Evidently knows no rule but the share: its page would deny that one column was enough
    return ReportJob(
        drift_share=(result.drift_share if result.alone else None) or manifest.monitoring.drift_share,
        columns=[DriftedColumn(c.name, c.kind, c.stattest, c.threshold or 0.0) for c in compared],
        numbers=numbers,
        reference=_stream(before),
        current=_stream(after),
        **performance,
    )


def harmless(text: str) -> str:
    """A name that cannot end a script or an element, and is not too long to read."""
    return text.translate(_HARMLESS)[:_LONGEST_NAME]


def harmless_names(labels: Iterable[str]) -> dict[str, str]:
    """A harmless name for each label. Those that would have the same one are numbered: as one category their shares
    would be added up, and what Evidently says would not be what the verdict was found with."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for label in dict.fromkeys(labels):
        numbered = (f"{harmless(label)[: _LONGEST_NAME - 8]} ({n})" for n in count(2))
        names[label] = next(name for name in chain([harmless(label)], numbered) if name not in taken)
        taken.add(names[label])
    return names


def _shown(column: ColumnDrift, profile: Profile, values: NDArray[Any]) -> Any:
    if column.status == "missing":
        return text_array(np.where(np.isnan(values), MISSING, PRESENT).tolist())
    if isinstance(profile, CategoryProfile):
        names = harmless_names(profile.labels)
        return text_array([names[profile.labels[code]] for code in values])
    return number_array(values)


def _shown_numbers(manifest: Manifest, reference: Reference, table: pa.Table, taken: set[str]) -> Iterator[str]:
    """Probabilities that drift is not measured on, where both sides have some."""
    for name in manifest.probability_columns:
        sides = [t.column(name) for t in (reference.table, table) if name in t.column_names]
        if name not in taken and len(sides) == 2 and all(np.isfinite(read_numbers(s).values).any() for s in sides):
            yield name


def _performance(
    manifest: Manifest, reference: pa.Table, table: pa.Table, before: dict[str, Any], after: dict[str, Any]
) -> dict[str, Any]:
    """The job's fields of performance; adds labels, and predictions as they were logged, to both sides."""
    needed = {LABEL, "prediction"}
    if not (needed <= set(reference.column_names) and needed <= set(table.column_names)):
        return {}
    if min(t.num_rows - t.column(LABEL).null_count for t in (reference, table)) < LEAST_LABELS:
        return {}
    names = _class_names(manifest, (t.column(name) for t in (reference, table) for name in (LABEL, "prediction")))
    for side, source in ((before, reference), (after, table)):
        for name, column in ((LABEL, LABEL), (LOGGED_PREDICTION, "prediction")):
            side[name] = _as_logged(names, source.column(column))
    shown: dict[str, Any] = {"task": manifest.task, "prediction": LOGGED_PREDICTION}
    if task_of(manifest).has_positive_class and manifest.output.classes:
        probability = manifest.probability_columns[-1]
        shown["positive_class"] = names[manifest.output.classes[1]]
        shown["positive_probability"] = probability if probability in before and probability in after else None
    return shown


def _class_names(manifest: Manifest, columns: Iterable[pa.ChunkedArray]) -> dict[str, str]:
    """The same names for labels and predictions, in the reference and in the window; none without classes."""
    if not task_of(manifest).has_classes:
        return {}
    logged = sorted({n for column in columns for n in read_names(column)} - {MISSING})
    return harmless_names([*(manifest.output.classes or ()), *logged])


def _as_logged(names: Mapping[str, str], column: pa.ChunkedArray) -> Any:
    """Numbers where there are no `names` of classes."""
    if not names:
        return number_array(read_numbers(column).values)
    return text_array([None if n == MISSING else names[n] for n in read_names(column)])


def _stream(columns: dict[str, Any]) -> bytes:
    table = pa.Table.from_arrays(list(columns.values()), names=list(columns))
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()
