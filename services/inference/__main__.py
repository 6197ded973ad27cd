"""`python -m services.inference`"""

from __future__ import annotations

import os

from pilothouse.web.logs import configure_logs
from pilothouse.web.serve import serve
from pilothouse.web.settings import read_settings
from services.inference.app import create_app
from services.inference.settings import InferenceSettings


def main() -> None:
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before ONNX Runtime is first imported
    settings = read_settings(InferenceSettings)
    configure_logs("inference", settings.log_level, settings.log_format)
    serve(create_app(settings), settings)


if __name__ == "__main__":
    main()
