"""Settings that every service has. Built once by the entry point and passed on; nothing reads the environment later."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal, NoReturn, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Read from `PILOTHOUSE_*`. A service adds its own and its port."""

    model_config = SettingsConfigDict(env_prefix="PILOTHOUSE_", frozen=True, extra="ignore", populate_by_name=True)

    host: str = Field(default="127.0.0.1", description="address to listen on; 0.0.0.0 in a container")
    port: int = Field(ge=0, le=65535, description="port to listen on")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="least level logged")
    log_format: Literal["json", "text"] = Field(default="json", description="json for machines, text for people")
    api_keys_file: Path | None = Field(
        default=None, description="keys that callers need, one a line: KEY scope,scope; without it, calls are open"
    )
    api_key: SecretStr | None = Field(default=None, description="this service's own key towards the others")
    api_key_file: Path | None = Field(default=None, description="a file that holds it")

    def own_key(self) -> str | None:
        """The key this service sends to the others, or None."""
        if self.api_key_file:
            return self.api_key_file.read_text(encoding="utf-8").strip()
        return self.api_key.get_secret_value() if self.api_key else None


SettingsT = TypeVar("SettingsT", bound=ServiceSettings)


def read_settings(kind: type[SettingsT]) -> SettingsT:
    """Settings from the environment. A wrong or missing one ends the program with its name and what would be right."""
    try:
        return kind()
    except ValidationError as error:
        _refuse(kind, error)


def _refuse(kind: type[ServiceSettings], error: ValidationError) -> NoReturn:
    for fault in error.errors():
        name = str(fault["loc"][0]) if fault["loc"] else "settings"
        variable = name if name.isupper() else f"PILOTHOUSE_{name.upper()}"
        field = kind.model_fields.get(name)
        meaning = f" ({field.description})" if field and field.description else ""
        print(f"{variable}={fault['input']!r}: {fault['msg']}{meaning}", file=sys.stderr)
    raise SystemExit(2)
