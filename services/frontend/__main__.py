"""`python -m services.frontend`: serve the page until SIGTERM or SIGINT."""

from __future__ import annotations

import signal
import sys

import structlog
import uvicorn
from streamlit.web.bootstrap import load_config_options

from pilothouse.errors import PilothouseError
from pilothouse.serving.logs import configure_logs
from pilothouse.serving.machine import observe_process
from pilothouse.serving.settings import read_settings
from services.frontend import theme
from services.frontend.alert_channels import AlertChannelMetrics
from services.frontend.app import create_app, join_logs
from services.frontend.metrics import page_metrics
from services.frontend.settings import FrontendSettings


def main() -> None:
    settings = read_settings(FrontendSettings)
    load_config_options(theme.options(settings.upload_megabytes))
    configure_logs("frontend", settings.log_level, settings.log_format)
    metrics = page_metrics()
    observe_process(metrics.registry, settings)
    AlertChannelMetrics(metrics.registry, settings.alert_channels_file)
    try:
        app = create_app(settings, metrics)
    except PilothouseError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    join_logs()
    signal.signal(
        signal.SIGTERM, lambda *_: None
    )  # uvicorn stops on it, then sends it again to whoever was there before
    structlog.get_logger("page").info(
        "serving", host=settings.host, port=settings.port, address=settings.public_address()
    )
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        ws="websockets-sansio",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )


if __name__ == "__main__":
    main()
