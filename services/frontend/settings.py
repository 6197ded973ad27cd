"""The page's settings: where it listens, where the other services are, and how much may be uploaded."""

from __future__ import annotations

from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr

from pilothouse.serving.setting_types import Address
from pilothouse.serving.settings import ServiceSettings


class FrontendSettings(ServiceSettings):
    """Read from `PILOTHOUSE_*`; the address also from `FRONTEND_HOST` and `FRONTEND_PORT` or `PORT`."""

    host: str = Field(
        default="127.0.0.1",
        validation_alias=AliasChoices("FRONTEND_HOST", "PILOTHOUSE_HOST"),
        description="address to listen on; 0.0.0.0 in a container",
    )
    port: int = Field(
        default=8501,
        validation_alias=AliasChoices("FRONTEND_PORT", "PORT"),
        ge=0,
        le=65535,
        description="port to listen on",
    )
    public_url: Address | None = Field(
        default=None,
        description="the page's address as people reach it, which links in messages begin with; "
        "http://127.0.0.1 and the page's port where it is not set",
    )
    inference_url: Address = Field(default="http://127.0.0.1:8000", description="where the inference service is")
    collector_url: Address = Field(default="http://127.0.0.1:8001", description="where the collector is")
    drift_url: Address = Field(default="http://127.0.0.1:8002", description="where the drift service is")
    prometheus_url: str | None = Field(
        default=None, description="where Prometheus is; without it the page reads the services' own /metrics"
    )
    alertmanager_url: Address | None = Field(
        default=None, description="where Alertmanager is; without it alerts cannot be acknowledged and snoozed"
    )
    alert_channels_file: Path | None = Field(
        default=None, description="channels.json, which Alertmanager's set-up writes: who gets alerts, and who does not"
    )
    api_key: SecretStr | None = Field(default=None, description="this page's key towards the other services")
    login_hours: float = Field(
        default=24, gt=0, le=8760, description="how long a login holds, where callers without a key may not read"
    )
    upload_megabytes: int = Field(default=20, ge=1, le=1000, description="largest file that may be uploaded")
    timeout_seconds: float = Field(default=5, gt=0, description="how long a quick call may take")

    def key(self) -> str | None:
        """The key sent to the other services, given directly or as a file; None where they are open."""
        return self.api_key.get_secret_value() if self.api_key else self.own_key()

    def public_address(self) -> str:
        """The page's address as people reach it, without a slash at its end."""
        return (self.public_url or f"http://127.0.0.1:{self.port}").rstrip("/")
