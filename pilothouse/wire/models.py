"""Model versions as the collector knows them: announced by their manifests, with how much is stored of each."""

from __future__ import annotations

from typing import Literal

import msgspec

VersionState = Literal["active", "shadow", "loaded"]


class AnnouncedModel(msgspec.Struct, frozen=True):
    """A model version and the table of its records. `schema_digest` is the same for the same columns.

    `state` is what the inference service said last: active (it answers), shadow or loaded; empty where none has it.
    """

    model: str
    version: str
    table: str = ""
    schema_digest: str = ""
    state: VersionState | Literal[""] = ""


class AnnouncedModels(msgspec.Struct, frozen=True):
    """The answer of `GET /v1/models`, the newest announced first."""

    models: list[AnnouncedModel]


class VersionStates(msgspec.Struct, frozen=True):
    """The body of `PUT /v1/models/{name}`: the state of each version that the inference service has loaded."""

    states: dict[str, VersionState]


class Announcement(msgspec.Struct, frozen=True):
    """The answer of `PUT /v1/models/{name}/{version}`: `created` the table, `updated` the manifest, or neither."""

    model: str
    version: str
    table: str
    schema_digest: str
    created: bool
    updated: bool


class ModelStats(msgspec.Struct, frozen=True):
    """How much is stored of one model version.

    `first` and `last` are the times of its first and its last record, ISO 8601. Where there are very many labels
    their number is estimated.
    """

    model: str
    version: str
    records: int
    first: str | None = None
    last: str | None = None
    labels: int = 0
    labels_estimated: bool = False


class Stats(msgspec.Struct, frozen=True):
    """The answer of `GET /v1/stats`."""

    models: list[ModelStats]
