"""`python -m services.collector`: run the collector. With `migrate`: bring the database up to date, and end."""

from __future__ import annotations

import asyncio
import sys

from pilothouse.serving.logs import configure_logs
from pilothouse.serving.server import build, serve
from pilothouse.serving.settings import read_settings
from services.collector.app import create_app
from services.collector.components import connect
from services.collector.errors import DatabaseAddressError, UnavailableError
from services.collector.settings import CollectorSettings
from services.collector.store.database import Database


def main() -> None:
    settings = read_settings(CollectorSettings)
    configure_logs("collector", settings.log_level, settings.log_format)
    try:
        if sys.argv[1:] == ["migrate"]:
            asyncio.run(migrate(settings))
        else:
            serve(build(lambda: create_app(settings)), settings, settings.linger_seconds)
    except DatabaseAddressError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    except UnavailableError as error:
        print(error.reason, file=sys.stderr)
        raise SystemExit(1) from None


async def migrate(settings: CollectorSettings) -> None:
    """Bring the database's fixed tables up to date, as every collector does at its start. Raises UnavailableError."""
    adapter = connect(settings)
    try:
        await Database(adapter, timeout_seconds=settings.database_timeout).prepare()
    finally:
        await adapter.close()


if __name__ == "__main__":
    main()
