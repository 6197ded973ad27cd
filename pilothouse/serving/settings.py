"""Settings that every service has. Built once by the entry point and passed on; nothing reads the environment later."""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NoReturn, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from pilothouse.serving.identity import IdentityToken, identity_for
from pilothouse.serving.setting_names import NAMES
from pilothouse.serving.setting_types import HostNames, ReadableFile, writable_folder

_PREFIX = "PILOTHOUSE_"
# what the tests read, and what Kubernetes sets in every container for a Service called pilothouse-something
_OTHERS = re.compile(
    r"PILOTHOUSE_(?:REQUIRE_|CHAOS|.*_SERVICE_HOST$|.*_SERVICE_PORT(?:_|$)|.*_PORT(?:_[0-9]+_(?:TCP|UDP).*)?$)"
)


class ServiceSettings(BaseSettings):
    """Read from `PILOTHOUSE_*`. A service adds its own and its port."""

    model_config = SettingsConfigDict(
        env_prefix="PILOTHOUSE_", frozen=True, extra="ignore", populate_by_name=True, env_ignore_empty=True
    )

    host: str = Field(default="127.0.0.1", description="address to listen on; 0.0.0.0 in a container")
    port: int = Field(ge=0, le=65535, description="port to listen on")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="least level logged")
    log_format: Literal["json", "text"] = Field(default="json", description="json for machines, text for people")
    api_keys_file: ReadableFile | None = Field(
        default=None, description="keys that callers need, one a line: KEY scope,scope; without it, calls are open"
    )
    allowed_hosts: HostNames = Field(
        default="",
        description="names by which this service may be called beside localhost and addresses, with commas: "
        "`example.com`, `*.example.com`, `*` for any",
    )
    stop_seconds: float = Field(
        default=9, ge=0, description="from SIGTERM to the end, for requests in flight and what is still to be shipped"
    )
    max_head_bytes: int = Field(
        default=65_536,
        ge=8_192,
        le=16_777_216,
        description="largest head of a request; one with more than 100 headers is refused too",
    )
    head_timeout_seconds: float = Field(
        default=30,
        ge=0.1,
        le=86_400,
        description="for a request's head to arrive, and so for how long a connection may be idle",
    )
    api_key: SecretStr | None = Field(default=None, description="this service's own key towards the others")
    api_key_file: ReadableFile | None = Field(default=None, description="a file that holds it")

    host_metrics: bool = Field(
        default=False,
        description="expose what the whole machine does; for one service a machine, where no node-exporter runs",
    )

    otlp_endpoint: str | None = Field(
        default=None,
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="who takes OpenTelemetry spans by OTLP over HTTP, as http://otel-collector:4318; without it, none",
    )
    trace_share: float = Field(
        default=1,
        ge=0,
        le=1,
        validation_alias="OTEL_TRACES_SAMPLER_ARG",
        description="share of the traces begun here that are exported; for those of a caller, its own flag counts",
    )

    cloud_run_service: str | None = Field(
        default=None,
        validation_alias="K_SERVICE",
        description="set by Cloud Run; calls to other services over https then carry an ID token",
    )
    metadata_host: str = Field(
        default="metadata.google.internal",
        validation_alias="GCE_METADATA_HOST",
        description="where ID tokens come from on Cloud Run",
    )

    @field_validator("otlp_endpoint")
    @classmethod
    def _can_be_used(cls, endpoint: str | None) -> str | None:
        if not endpoint:
            return None
        if not endpoint.startswith(("http://", "https://")):
            raise ValueError("must be an address that begins with http:// or https://")
        if not all(find_spec(f"opentelemetry.{part}") for part in ("sdk", "exporter")):
            raise ValueError(
                "OpenTelemetry's exporter is not installed: pip install 'pilothouse[otel]', or leave it out"
            )
        return endpoint

    def identity(self, url: str) -> IdentityToken | None:
        """How this service identifies itself towards the one at `url`; None where that is not asked for."""
        return identity_for(url, self.metadata_host if self.cloud_run_service else None)

    def written_folders(self) -> dict[str, Path]:
        """Folders that the service has to write to, by the variable that names them."""
        return {}

    def own_key(self) -> str | None:
        """The key this service sends to the others, or None."""
        if self.api_key_file:
            return self.api_key_file.read_text(encoding="utf-8").strip()
        return self.api_key.get_secret_value() if self.api_key else None


SettingsT = TypeVar("SettingsT", bound=ServiceSettings)


def read_settings(kind: type[SettingsT]) -> SettingsT:
    """Settings from the environment. A wrong or missing one ends the program with its name and what would be right."""
    for warning in warnings_about(os.environ):
        print(warning, file=sys.stderr)
    try:
        settings = kind()
    except ValidationError as error:
        _refuse(kind, error)
    for name, folder in settings.written_folders().items():
        if why := writable_folder(folder):
            print(f"{name}={str(folder)!r}: nothing can be written there: {why}", file=sys.stderr)
            raise SystemExit(2)
    return settings


def _refuse(kind: type[ServiceSettings], error: ValidationError) -> NoReturn:
    for fault in error.errors():
        name = str(fault["loc"][0]) if fault["loc"] else "settings"
        variable = name if name.isupper() else f"PILOTHOUSE_{name.upper()}"
        field = kind.model_fields.get(name)
        meaning = f" ({field.description})" if field and field.description else ""
        print(f"{variable}={_shown(fault['input'])}: {_said(fault)}{meaning}", file=sys.stderr)
    raise SystemExit(2)


def _shown(value: object) -> str:
    return repr(str(value) if isinstance(value, Path) else value)[:200]


def _said(fault: ErrorDetails) -> str:
    """pydantic's sentence; of our own checks, ours alone."""
    linked = " (Kubernetes sets this for a Service of that name: enableServiceLinks: false)"
    hint = linked if str(fault["input"]).startswith("tcp://") else ""
    return fault["msg"].removeprefix("Value error, ") + hint


def warnings_about(names: Iterable[str]) -> Iterator[str]:
    """A sentence for each name of the environment that looks like a setting and is none, with the one that was probably
    meant: a misspelt setting is otherwise taken for one that is not set."""
    for name in sorted(names):
        if name.startswith(_PREFIX) and name not in NAMES and not _OTHERS.match(name):
            words = [known.removeprefix(_PREFIX) for known in sorted(NAMES)]
            near = difflib.get_close_matches(name.removeprefix(_PREFIX), words, n=1, cutoff=0.7)
            yield f"{name}: there is no such setting" + (f"; did you mean {_PREFIX}{near[0]}?" if near else "")
