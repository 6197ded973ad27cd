"""`python -m services.drift`"""

from __future__ import annotations

import os

from pilothouse.serving.logs import configure_logs
from pilothouse.serving.server import build, serve
from pilothouse.serving.settings import read_settings
from services.drift.process import ARROW_POOL, use_one_arena


def main() -> None:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when numpy is first imported, which `app` does
    os.environ.setdefault(*ARROW_POOL)
    use_one_arena()
    from services.drift.app import create_app
    from services.drift.settings import DriftSettings

    settings = read_settings(DriftSettings)
    configure_logs("drift", settings.log_level, settings.log_format)
    serve(build(lambda: create_app(settings)), settings)


if __name__ == "__main__":
    main()
