"""Settings of the drift service: `PILOTHOUSE_*`, and `DRIFT_PORT` or `PORT`."""

from __future__ import annotations

from pathlib import Path

from pydantic import AliasChoices, Field

from pilothouse.archive import ArchiveAddress
from pilothouse.serving.setting_types import Address, ExistingFolder
from pilothouse.serving.settings import ServiceSettings


class DriftSettings(ServiceSettings):
    port: int = Field(
        default=8002,
        ge=0,
        le=65535,
        validation_alias=AliasChoices("DRIFT_PORT", "PORT"),
        description="port to listen on",
    )
    models: ExistingFolder = Field(default=Path("models"), description="folder of packages: NAME/VERSION/manifest.yaml")
    collector_url: Address = Field(default="http://127.0.0.1:8001", description="where the records are")
    collector_timeout_seconds: float = Field(default=20, gt=0, description="for one answer of the collector")
    state: Path = Field(default=Path(".pilothouse"), description="folder of run-time state; thresholds are kept in it")
    archive_url: ArchiveAddress | None = Field(
        default=None,
        description="the collector's archive, as it has it, for windows that its database has dropped",
    )
    archive_timeout_seconds: float = Field(default=120, gt=0, description="for one window to be read from the archive")
    report_timeout_seconds: float = Field(default=120, gt=0, description="after which a report is given up")
    report_memory_bytes: int = Field(
        default=3_000_000_000, ge=100_000_000, description="memory that a report may take before it fails"
    )
    report_retire_bytes: int = Field(
        default=1_000_000_000, ge=0, description="peak memory after which the report worker is replaced"
    )

    def written_folders(self) -> dict[str, Path]:
        return {"PILOTHOUSE_STATE": self.state}
