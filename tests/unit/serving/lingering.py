"""A service for the tests of stopping: `python -m tests.unit.serving.lingering STOP_SECONDS LINGER_SECONDS [fails]`.

`GET /slow` takes 60 s. It says on standard output when it listens, and how much time was left at its end.
With `fails` its end raises an error of the operating system.
"""

import asyncio
import sys
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from pilothouse.serving.readiness import Readiness
from pilothouse.serving.server import serve
from pilothouse.serving.service import create_service
from pilothouse.serving.settings import ServiceSettings
from testkit.ports import free_ports


@asynccontextmanager
async def lifespan(app):
    yield
    print(f"left {app.state.stopping.left():.2f}", flush=True)
    if sys.argv[3:] == ["fails"]:
        raise FileNotFoundError("the state folder is gone")


def main():
    (port,) = free_ports(1)
    settings = ServiceSettings(port=port, stop_seconds=float(sys.argv[1]), log_level="error")
    app = create_service(
        "lingering",
        "",
        settings=settings,
        registry=CollectorRegistry(),
        readiness=Readiness(),
        lifespan=lifespan,
        errors={},
    )

    @app.get("/slow")
    async def slow():
        await asyncio.sleep(60)

    print(f"port {port}", flush=True)
    serve(app, settings, float(sys.argv[2]))


if __name__ == "__main__":
    main()
