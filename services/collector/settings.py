"""What can be set from outside: `PILOTHOUSE_*`, and `COLLECTOR_PORT` or `PORT`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from pilothouse.archive import ArchiveAddress
from pilothouse.serving.setting_types import ReadableFile
from pilothouse.serving.settings import ServiceSettings
from services.collector.errors import DatabaseAddressError


class CollectorSettings(ServiceSettings):
    """The collector's settings. `database_url` may hold a password, so it is a secret."""

    port: int = Field(
        default=8001,
        ge=0,
        le=65535,
        validation_alias=AliasChoices("COLLECTOR_PORT", "PORT"),
        description="port to listen on",
    )
    state: Path = Field(default=Path(".pilothouse"), description="where the SQLite database is, without a database URL")
    database_url: SecretStr | None = Field(
        default=None,
        description="postgresql://user@host/name or sqlite:///path; without it, SQLite in the state folder",
    )
    database_password_file: ReadableFile | None = Field(default=None, description="holds the database's password")
    database_pool: int = Field(default=5, ge=1, le=100, description="connections to PostgreSQL at most")
    database_timeout: float = Field(default=30, gt=0, description="seconds that one database operation may take")
    retention_days: int = Field(
        default=0, ge=0, description="days that records and their labels are kept; 0 keeps them for ever"
    )
    database_partitions: Literal["on", "off"] = Field(
        default="on",
        description="off: new tables without daily partitions, for engines that have none (docs/databases.md)",
    )
    archive_url: ArchiveAddress | None = Field(
        default=None,
        description="gs://BUCKET/PREFIX, s3://BUCKET/PREFIX or file:///FOLDER, where old days are written",
    )
    archive_delay_hours: float = Field(
        default=6, ge=0, le=720, description="hours after its end that a day is archived, for records that come late"
    )
    archive_refresh_hours: float = Field(
        default=24, ge=0, le=720, description="hours after which a day that has changed since is archived again"
    )
    history_days: int = Field(
        default=180, ge=0, description="days that drift runs, ended alerts and dead letters are kept; 0 for ever"
    )
    max_body_bytes: int = Field(default=32 << 20, ge=1024, description="largest body taken, as it comes in")
    max_decoded_bytes: int = Field(default=128 << 20, ge=1024, description="largest body after decompression")
    max_rows: int = Field(default=20_000, ge=1, description="most records or labels in one request")
    searched_rows: int = Field(
        default=100_000, ge=100, description="most records that one page of a filtered search looks at"
    )
    linger_seconds: float = Field(
        default=0, ge=0, description="seconds to go on serving after SIGTERM, for an inference service in the same pod"
    )
    ingest_concurrency: int = Field(default=3, ge=1, description="requests of records that are worked on at once")

    alert_expiry_hours: float = Field(
        default=9, gt=0, description="hours without a repeat after which an alert is shown as expired, not as firing"
    )
    event_wait_seconds: int = Field(
        default=900, ge=1, description="seconds that a CloudEvent waits for its other half, and both for their model"
    )

    def written_folders(self) -> dict[str, Path]:
        return {} if self.database_url else {"PILOTHOUSE_STATE": self.state}

    def database(self) -> URL:
        """The database's address, with our driver. Raises DatabaseAddressError."""
        if self.database_url is None:
            return URL.create("sqlite+aiosqlite", database=str(self.state / "collector.sqlite"))
        url = _read_url(self.database_url.get_secret_value())
        if self.database_password_file:
            url = url.set(password=_read_password(self.database_password_file))
        return url


def _read_url(text: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise DatabaseAddressError("PILOTHOUSE_DATABASE_URL: not a database URL") from None
    kind = url.drivername.partition("+")[0]
    if kind in ("postgresql", "postgres"):
        return _with_asyncpg(url)
    if kind == "sqlite" and url.database and url.database != ":memory:":
        return url.set(drivername="sqlite+aiosqlite")
    raise DatabaseAddressError(
        f"PILOTHOUSE_DATABASE_URL: {kind!r} with database {url.database!r} is neither postgresql://host/name "
        "nor sqlite:///path (in memory, every connection would be a database of its own)"
    )


def _with_asyncpg(url: URL) -> URL:
    """libpq calls it `sslmode`, asyncpg `ssl`, with the same values."""
    mode = url.query.get("sslmode")
    url = url.set(drivername="postgresql+asyncpg").difference_update_query(["sslmode"])
    return url.update_query_dict({"ssl": str(mode)}) if mode else url


def _read_password(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DatabaseAddressError(f"PILOTHOUSE_DATABASE_PASSWORD_FILE: {path}: {type(error).__name__}") from None
