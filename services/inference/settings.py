"""Settings of the inference service."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, ValidationInfo, field_validator

from pilothouse.package import package_folders
from pilothouse.serving.setting_types import Address, ExistingFolder
from pilothouse.serving.settings import ServiceSettings


class InferenceSettings(ServiceSettings):
    port: int = Field(
        default=8000, ge=0, le=65535, validation_alias=AliasChoices("INFERENCE_PORT", "PORT"), description="port"
    )
    models: ExistingFolder = Field(default=Path("models"), description="folder of packages: NAME/VERSION/manifest.yaml")
    default_model: str | None = Field(default=None, description="the model that POST /predict means; else the first")
    collector_url: Address = Field(default="http://127.0.0.1:8001", description="where records are shipped to")
    collector_timeout_seconds: float = Field(default=20, gt=0, description="for one batch")
    state: Path = Field(default=Path(".pilothouse"), description="folder of run-time state; the spool lies in it")
    spool_mode: Literal["process", "power"] = Field(
        default="process", description="what a logged record survives: any death of the process, or power loss too"
    )
    spool_max_bytes: int = Field(default=1_000_000_000, ge=65_536, description="the spool's bound, a worker")
    spool_segment_bytes: int = Field(default=8_000_000, ge=4_096, description="size at which a segment is ended")
    strict: bool = Field(default=False, description="answer 503 instead of a prediction that could not be logged")
    max_body_bytes: int = Field(default=20_000_000, ge=1_024, description="largest request body")
    max_rows: int = Field(default=10_000, ge=1, description="most instances or images in one request")
    body_timeout_seconds: float = Field(default=30, gt=0, description="for a request's body to arrive")
    workers: int = Field(
        default=1,
        ge=1,
        le=64,
        validation_alias=AliasChoices("PILOTHOUSE_WORKERS", "WORKERS"),
        description="processes that share the port, each with a spool of its own; one a core at most",
    )
    threads: int = Field(default=1, ge=1, description="threads of one run of a model")
    inline_milliseconds: float = Field(
        default=2, ge=0, description="a run expected to take longer goes to a thread, off the event loop"
    )

    @field_validator("default_model")
    @classmethod
    def _names_a_package(cls, name: str | None, known: ValidationInfo) -> str | None:
        """Of a model that comes later, by POST /models, nobody can say yet that its name is right."""
        models = known.data.get("models")
        there = sorted({folder.parent.name for folder in package_folders(models)}) if models else []
        if name is not None and models and name not in there:
            raise ValueError(f"no package in {models} has that name; there are {', '.join(there) or 'none at all'}")
        return name

    def written_folders(self) -> dict[str, Path]:
        return {"PILOTHOUSE_STATE": self.state}
