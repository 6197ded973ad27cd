"""What the other services answer, typed. Keys that are not named here are ignored, so that they may grow."""

from __future__ import annotations

from typing import Any

import msgspec


class ModelEntry(msgspec.Struct, frozen=True):
    """A package that the inference service found. `state`: `active` answers, `loaded` could, `failed` has a reason."""

    name: str
    version: str
    task: str = ""
    state: str = ""
    default: bool = False
    reason: str | None = None


class Models(msgspec.Struct, frozen=True):
    models: list[ModelEntry]


class Prediction(msgspec.Struct, frozen=True):
    """One answer of a model. `logged` is whether the record was written down before the answer went out."""

    id: str
    model: str
    version: str
    prediction: float | str
    probabilities: dict[str, float] | list[float] | None = None
    risk: str | None = None
    logged: bool = True
    latency_ms: float | None = None


class Records(msgspec.Struct, frozen=True):
    """A page of the log, newest first. `next` is the cursor of the following page, None at the end."""

    columns: list[str]
    records: list[dict[str, Any]]
    next: str | None = None


class Alert(msgspec.Struct, frozen=True):
    """An episode of the inbox. `status` is `firing` or `resolved`; `annotations` as the sender wrote them."""

    name: str
    status: str
    summary: str = ""
    severity: str | None = None
    model: str | None = None
    version: str | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    annotations: dict[str, str] = {}


class Alerts(msgspec.Struct, frozen=True):
    """A page of the inbox, newest first; `next` is where to go on."""

    alerts: list[Alert]
    next: int | None = None


class ColumnDrift(msgspec.Struct, frozen=True):
    """One column of a drift answer. `score` is None where there is none; `message` then says why."""

    name: str
    stattest: str | None = None
    score: float | None = None
    threshold: float | None = None
    drifted: bool | None = None
    status: str = ""
    message: str | None = None
    out_of_range_share: float | None = None
    new_category_share: float | None = None


class JointDrift(msgspec.Struct, frozen=True):
    """What moved together, which no column alone may show: `name` is `embedding` or `features`."""

    name: str
    stattest: str | None = None
    status: str = ""
    score: float | None = None
    threshold: float | None = None
    drifted: bool | None = None
    message: str | None = None


class Window(msgspec.Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """The rows that were scored."""

    rows: int | None = None
    start: str | None = None
    end: str | None = None


class Drift(msgspec.Struct, frozen=True):
    """The newest drift answer of a model: `verdict` is `drift`, `no drift` or `unknown`. A `stale` one is old: the
    drift service cannot reach the collector."""

    model: str
    version: str
    verdict: str
    reason: str | None = None
    message: str | None = None
    stale: bool = False
    drift_share: float | None = None
    drift_share_limit: float | None = None
    columns: list[ColumnDrift] = []
    joint: list[JointDrift] = []
    rows: int | None = None
    window: Window | None = None
    at: str | None = None


class DriftRuns(msgspec.Struct, frozen=True):
    """Past verdicts, newest first."""

    drift_runs: list[Drift]


class Health(msgspec.Struct, frozen=True):
    """Whether a service can do its work; if not, `reasons` say what is missing, part by part."""

    service: str
    url: str
    state: str  # ready | waiting | away
    version: str = ""
    reasons: dict[str, str] = {}
