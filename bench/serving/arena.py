"""Everybody started at once, on one machine, with the same model and the same payloads."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from bench.ingest import serving
from bench.serving import package
from bench.serving.contestants import IMAGE, LOGGED, ROOT, TABULAR, Contestant, Payloads
from bench.serving.load import Target
from bench.serving.servers import Server, running
from bench.serving.venvs import make
from testkit.ports import free_port
from testkit.postgres import find_binaries

MANY_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Ready:
    """One that has started."""

    contestant: Contestant
    server: Server
    targets: dict[str, Target]


@dataclass(frozen=True, slots=True)
class Arena:
    ready: dict[str, Ready]
    left_out: dict[str, str]
    payloads: Payloads
    models: Path


def write_payloads(folder: Path) -> Payloads:
    image = sorted((ROOT / "models" / IMAGE / "1" / "examples").glob("*.png"))[0].read_bytes()
    form = httpx2.Request("POST", "http://x/", files={"file": ("image.png", image, "image/png")})
    contents = {
        "one.json": package.one_body(),
        "many.json": package.many_body(MANY_ROWS),
        "image.png": image,
        "image.form": form.read(),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    one, many, png, multipart = (folder / name for name in contents)
    row = list(package.instances(1)[0].values())
    return Payloads(one, many, MANY_ROWS, row, png, multipart, form.headers["content-type"])


def write_models(folder: Path) -> Path:
    """A folder of packages: the benchmark's and the example's for images."""
    package.write_package(folder)
    shutil.copytree(ROOT / "models" / IMAGE, folder / IMAGE, dirs_exist_ok=True)
    return folder


@contextmanager
def opened(contestants: Sequence[Contestant], folder: Path, cache: Path) -> Iterator[Arena]:
    """All of them, ready, until the block ends; those that cannot take part are listed with the reason."""
    models, payloads = write_models(folder / "models"), write_payloads(folder)
    arena = Arena({}, {}, payloads, models)
    with ExitStack() as stack:
        collector = ""
        if LOGGED in contestants:
            collector = stack.enter_context(_collector(folder))
        for contestant in contestants:
            try:
                ready = stack.enter_context(_started(contestant, folder, cache, models, collector))
            except (RuntimeError, SystemExit) as error:
                arena.left_out[contestant.name] = str(error)
                print(f"left out: {contestant.name}: {error}", flush=True)
                continue
            url = f"http://127.0.0.1:{ready[1]}"
            arena.ready[contestant.name] = Ready(contestant, ready[0], contestant.targets(url, payloads))
        yield arena


@contextmanager
def _collector(folder: Path) -> Iterator[str]:
    """The address of a collector on PostgreSQL, or on SQLite where there is none."""
    if find_binaries() is not None:
        with serving() as (url, _, _):
            yield url
        return
    import sys

    port = free_port()
    environment = {"COLLECTOR_PORT": str(port), "PILOTHOUSE_DATABASE_URL": f"sqlite:///{folder}/bench.sqlite",
                   "PILOTHOUSE_LOG_LEVEL": "warning"}  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    with running(
        [sys.executable, "-m", "services.collector"], ROOT, environment, f"{url}/health/ready", folder / "log"
    ):
        yield url


@contextmanager
def _started(
    contestant: Contestant, folder: Path, cache: Path, models: Path, collector: str
) -> Iterator[tuple[Server, int]]:
    programs = make(contestant.venv, cache) if contestant.venv else Path()
    port = free_port()
    home = folder / contestant.name.replace(" ", "-").replace(",", "")
    home.mkdir()
    environment = {
        "BENCH_TABULAR": str(models / TABULAR / "1" / "model.onnx"),
        "BENCH_IMAGES": str(models / IMAGE / "1" / "model.onnx"),
        "BENCH_FOLDER": str(home),
        "ORT_DISABLE_TELEMETRY": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PILOTHOUSE_MODELS": str(models),
        "PILOTHOUSE_STATE": str(home),
        "PILOTHOUSE_COLLECTOR_URL": collector or "http://127.0.0.1:1",
        "PILOTHOUSE_SPOOL_MAX_BYTES": str(4 * 10**9),
    }
    environment |= contestant.environment | dict.fromkeys(contestant.port_variables, str(port))
    if "MLSERVER_GRPC_PORT" in environment:
        environment["MLSERVER_GRPC_PORT"] = str(free_port())
    command = contestant.command(programs, port)
    ready = f"http://127.0.0.1:{port}{contestant.ready}"
    with running(command, contestant.folder, environment, ready, folder / "log") as server:
        yield server, port
