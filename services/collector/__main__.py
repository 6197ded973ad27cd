"""`python -m services.collector`: run the collector."""

from __future__ import annotations

import sys

from pilothouse.web.logs import configure_logs
from pilothouse.web.serve import serve
from pilothouse.web.settings import read_settings
from services.collector.app import create_app
from services.collector.errors import DatabaseAddressError
from services.collector.settings import CollectorSettings


def main() -> None:
    settings = read_settings(CollectorSettings)
    configure_logs("collector", settings.log_level, settings.log_format)
    try:
        app = create_app(settings)
    except DatabaseAddressError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    serve(app, settings)


if __name__ == "__main__":
    main()
