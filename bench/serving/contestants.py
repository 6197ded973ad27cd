"""Who is compared: how each is started, and how the same question is put to each."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from bench.serving.load import CONNECTIONS, Target
from bench.serving.venvs import PEERS

ROOT = Path(__file__).parents[2]
OURS = "Pilothouse"
TABULAR, IMAGE = "bench-tabular", "fashion-mnist"


@dataclass(frozen=True, slots=True)
class Payloads:
    """Files with what is sent; `row` are the same features as `one`."""

    one: Path
    many: Path
    many_rows: int
    row: list[float]
    image: Path
    multipart: Path
    multipart_type: str

    def also(self, name: str, content: object) -> Path:
        """A JSON file beside the others, in a peer's own protocol."""
        path = self.one.with_name(f"{name}.json")
        path.write_text(json.dumps(content))
        return path


@dataclass(frozen=True, slots=True)
class Contestant:
    """`venv`: the peer whose programs are used, None for ours. `command` gets those programs' folder and a port."""

    name: str
    command: Callable[[Path, int], list[str]]
    targets: Callable[[str, Payloads], dict[str, Target]]
    note: str
    venv: str | None = None
    ready: str = "/health/ready"
    environment: dict[str, str] = field(default_factory=dict)
    port_variables: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        return PEERS / self.venv if self.venv else ROOT


def _ours(module: str, *before: str) -> Callable[[Path, int], list[str]]:
    return lambda _programs, _port: [*before, sys.executable, "-m", module]


def _our_targets(url: str, p: Payloads) -> dict[str, Target]:
    image = f"{url}/models/{IMAGE}/predict"
    return {
        "tabular": Target(f"{url}/models/{TABULAR}/predict", p.one),
        "tabular, equal heads": Target(f"{url}/models/{TABULAR}/predict", p.one, equal_heads=True),
        "tabular, one client": Target(f"{url}/models/{TABULAR}/predict", p.one, connections=1),
        "batch, one client": Target(f"{url}/models/{TABULAR}/predict", p.many, rows=p.many_rows, connections=1),
        "image, multipart": Target(image, p.multipart, p.multipart_type),
        "image, raw": Target(image, p.image, "image/png"),
    }


def _our_workers_targets(url: str, p: Payloads) -> dict[str, Target]:
    """With enough connections for two."""
    ours = _our_targets(url, p)
    rows = p.also("eight", {"instances": [json.loads(p.one.read_bytes())] * 8})
    targets = {
        "workers, tabular": ours["tabular"],
        "workers, tabular, 8 rows": replace(ours["tabular"], body=rows, rows=8),
        "workers, image": ours["image, raw"],
    }
    return {kind: replace(target, connections=2 * CONNECTIONS) for kind, target in targets.items()}


def _plain_targets(url: str, p: Payloads) -> dict[str, Target]:
    return {
        "tabular": Target(f"{url}/predict", p.one),
        "image, multipart": Target(f"{url}/image", p.multipart, p.multipart_type),
    }


def _bare_targets(url: str, p: Payloads) -> dict[str, Target]:
    equal = Target(f"{url}/predict", p.one, equal_heads=True)
    raw = Target(url + "/", p.image, "image/png")
    return _plain_targets(url, p) | {"tabular, equal heads": equal, "image, raw": raw}


def _parts_targets(url: str, p: Payloads) -> dict[str, Target]:
    raw = Target(url + "/", p.image, "image/png")
    return {
        "image, multipart": Target(url + "/", p.multipart, p.multipart_type),
        "image, raw": raw,
        "workers, image": replace(raw, connections=2 * CONNECTIONS),
    }


def _bentoml_targets(url: str, p: Payloads) -> dict[str, Target]:
    rows = p.also("bentoml", {"rows": [p.row]})
    return _plain_targets(url, p) | {"tabular": Target(f"{url}/predict", rows)}


def _mlserver_targets(url: str, p: Payloads) -> dict[str, Target]:
    numbers = {"name": "numbers", "shape": [1, len(p.row)], "datatype": "FP32", "data": p.row}
    text = base64.b64encode(p.image.read_bytes()).decode()
    image = {"name": "image", "shape": [1, 1], "datatype": "BYTES", "data": [text]}
    return {
        "tabular": Target(f"{url}/v2/models/tabular/infer", p.also("mlserver", {"inputs": [numbers]})),
        "image, multipart": Target(f"{url}/v2/models/images/infer", p.also("mlserver-image", {"inputs": [image]})),
    }


def _uvicorn(programs: Path, port: int) -> list[str]:
    return [str(programs / "uvicorn"), "app:app", "--port", str(port), "--no-access-log", "--log-level", "warning"]


def _fastapi(log: str | None) -> Contestant:
    note = "uvicorn[standard] with uvloop and httptools, `async def`, no access log; " + (
        {"csv": "a CSV row a prediction, flushed", "sqlite": "an insert and commit a prediction, WAL"}[log]
        if log
        else "no log"
    )
    name = f"FastAPI, {log.upper() if log == 'csv' else 'SQLite'} log" if log else "FastAPI, no log"
    return Contestant(name, _uvicorn, _plain_targets, note, "fastapi", environment={"BENCH_LOG": log} if log else {})


BARE = Contestant(
    "bare uvicorn",
    lambda programs, port: [*_uvicorn(programs, port), "--loop", "asyncio", "--http", "httptools"],
    _bare_targets,
    "a constant, the request unread; asyncio's loop and httptools",
    "bare",
)
BARE_UVLOOP = Contestant(
    "bare uvicorn, uvloop",
    lambda programs, port: [*_uvicorn(programs, port), "--loop", "uvloop", "--http", "httptools"],
    _bare_targets,
    "the same under uvloop",
    "bare",
)


def _parts(_programs: Path, port: int, *, workers: str) -> list[str]:
    return [sys.executable, "-m", "bench.serving.parts", str(port), workers]


PARTS, TWO_PARTS = (
    Contestant(
        name,
        partial(_parts, workers=workers),
        _parts_targets,
        "uvicorn that decodes pictures and runs the model on those of a turn, and does nothing else",
    )
    for name, workers in (("parts of an image", "1"), ("parts of an image, 2 workers", "2"))
)
LOGGED = Contestant(
    OURS,
    _ours("services.inference"),
    _our_targets,
    "every prediction logged durably (`process`), shipped to a collector with PostgreSQL on the same machine",
    port_variables=("INFERENCE_PORT",),
)
UNLOGGED = Contestant(
    f"{OURS}, log off",
    _ours("bench.serving.unlogged"),
    _our_targets,
    "the same with a log that forgets (only for this comparison)",
    port_variables=("INFERENCE_PORT",),
)
_ALONE = {"PILOTHOUSE_COLLECTOR_URL": "http://127.0.0.1:1"}
ALONE, TWO = (
    Contestant(
        f"{OURS}, {workers}, no collector",
        _ours("services.inference", *held),
        _our_workers_targets,
        "the records stay in the spool, so that the processors are for the workers and the load alone",
        port_variables=("INFERENCE_PORT",),
        environment=_ALONE | {"PILOTHOUSE_WORKERS": workers[0]},
    )
    for workers, held in (("1 worker on 1 core", ("taskset", "-c", "0")), ("2 workers on 2", ()))
)
PEERS_OF_OURS = (
    _fastapi(None),
    _fastapi("csv"),
    _fastapi("sqlite"),
    Contestant(
        "MLServer",
        lambda programs, _: [str(programs / "mlserver"), "start", "."],
        _mlserver_targets,
        "`parallel_workers` 0 (in its own process, its advice for light models), adaptive batching of 64 within 1 ms; "
        "tensors in its own protocol, images as base64",
        "mlserver",
        "/v2/health/ready",
        port_variables=("MLSERVER_HTTP_PORT",),
        environment={"MLSERVER_GRPC_PORT": "0"},
    ),
    Contestant(
        "BentoML",
        lambda programs, port: [str(programs / "bentoml"), "serve", "service:Bench", "--port", str(port)],
        _bentoml_targets,
        "one worker, adaptive batching of 64, no access log; numpy arrays in its own form",
        "bentoml",
        "/readyz",
        environment={"BENTOML_DO_NOT_TRACK": "True"},
    ),
    Contestant(
        "LitServe",
        lambda programs, port: [str(programs / "python"), "app.py", str(port)],
        _plain_targets,
        "one worker, `fast_queue`, batches of 64 (images 32) without waiting",
        "litserve",
    ),
)
EVERYBODY = (BARE, BARE_UVLOOP, PARTS, TWO_PARTS, LOGGED, UNLOGGED, ALONE, TWO, *PEERS_OF_OURS)
