"""The ports and folders of the stack. The services read the rest of the environment themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from pilothouse.commands.connection import PORTS, PROMETHEUS_PORT

_PORTS = r"^\d+(-\d+)?$"


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


class ComposeSettings(BaseSettings):
    """Read once, by `python -m stack.compose_setup` in the service `setup` of compose.yaml.

    A port is a number, or `first-last` where a service has several containers.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True, env_ignore_empty=True)

    access: Literal["open", "keys"] = Field(default="open", alias="PILOTHOUSE_ACCESS")
    secrets: str = Field(default="", alias="PILOTHOUSE_SECRETS")
    publish: str = Field(default="127.0.0.1", alias="PUBLISH")
    inference_port: str = Field(alias="INFERENCE_PORT", pattern=_PORTS)
    collector_port: str = Field(alias="COLLECTOR_PORT", pattern=_PORTS)
    drift_port: str = Field(alias="DRIFT_PORT", pattern=_PORTS)
    frontend_port: str = Field(alias="FRONTEND_PORT", pattern=_PORTS)
    prometheus_port: str = Field(alias="PROMETHEUS_PORT", pattern=_PORTS)
    grafana_port: str = Field(alias="GRAFANA_PORT", pattern=_PORTS)

    def published(self) -> dict[str, str]:
        """Each published service's port or ports."""
        names = (*PORTS, "prometheus", "grafana")
        return {name: getattr(self, f"{name}_port") for name in names}
