"""The ports and folders of the stack. The services read the rest of the environment themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from pilothouse.commands.connection import PORTS, PROMETHEUS_PORT


class StackSettings(BaseSettings):
    """Read once, by `python -m stack`."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    inference_port: int = Field(default=PORTS["inference"], alias="INFERENCE_PORT", ge=1, le=65535)
    collector_port: int = Field(default=PORTS["collector"], alias="COLLECTOR_PORT", ge=1, le=65535)
    drift_port: int = Field(default=PORTS["drift"], alias="DRIFT_PORT", ge=1, le=65535)
    frontend_port: int = Field(default=PORTS["frontend"], alias="FRONTEND_PORT", ge=1, le=65535)
    host: str = Field(default="127.0.0.1", alias="PILOTHOUSE_HOST")
    state: Path = Field(default=Path(".pilothouse"), alias="PILOTHOUSE_STATE")
    models: Path = Field(default=Path("models"), alias="PILOTHOUSE_MODELS")
    log_format: str = Field(default="text", alias="PILOTHOUSE_LOG_FORMAT")
    host_metrics: bool = Field(default=True, alias="PILOTHOUSE_HOST_METRICS")
    prometheus: Literal["auto", "off"] = Field(default="auto", alias="PILOTHOUSE_PROMETHEUS")
    prometheus_port: int = Field(default=PROMETHEUS_PORT, alias="PROMETHEUS_PORT", ge=1, le=65535)
    prometheus_config: Path = Field(default=Path("prometheus/prometheus.yml"), alias="PILOTHOUSE_PROMETHEUS_CONFIG")
    prometheus_url: str | None = Field(default=None, alias="PILOTHOUSE_PROMETHEUS_URL")
    alertmanager_port: int = Field(default=9093, alias="ALERTMANAGER_PORT", ge=1, le=65535)
