"""Has a prediction become dearer? `python -m bench.guard [--write]`, under a minute; needs wrk.

Processor time (user and system) of the server for each prediction, logged, against that of a bare uvicorn for each
constant answer. Both have the same rounds, and no two requests have equal heads. A busy or another machine changes
this ratio little. It fails above 1.5 times the figure in guard.json, which `--write` replaces.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.serving.arena import write_models, write_payloads
from bench.serving.contestants import ROOT, TABULAR
from bench.serving.load import Target, load
from bench.serving.servers import Server, running
from testkit.ports import free_port

FIGURE = Path(__file__).with_name("guard.json")
ALLOWED, ROUNDS, SECONDS = 1.5, 6, 2
Measured = tuple[Server, Target]


def measure(folder: Path) -> tuple[float, float]:
    """Microseconds of a prediction, and of a bare answer: of several rounds those that were disturbed least."""
    with ExitStack() as stack:
        ours, bare = stack.enter_context(_ours(folder)), stack.enter_context(_bare(folder))
        for _, target in (ours, bare):
            load(target, 1)
        measured = [(_microseconds(*ours), _microseconds(*bare)) for _ in range(ROUNDS)]
    return min(a for a, _ in measured), min(b for _, b in measured)


def _microseconds(server: Server, target: Target) -> float:
    before = server.cpu_seconds()
    found = load(target, SECONDS)
    if found.errors:
        raise SystemExit(f"{target.url}: {found.errors} errors")
    return (server.cpu_seconds() - before) / found.requests * 1e6


def main(arguments: list[str]) -> None:
    if shutil.which("wrk") is None:
        print("Left out: the guard against dearer predictions (wrk is missing; Debian: apt-get install wrk).")
        return
    with tempfile.TemporaryDirectory(prefix="pilothouse-guard-") as folder:
        prediction, bare = measure(Path(folder))
    ratio = prediction / bare
    if "--write" in arguments:
        FIGURE.write_text(json.dumps({"ratio": round(ratio, 2)}) + "\n")
    committed = json.loads(FIGURE.read_text())["ratio"]
    times = f"{prediction:.0f} µs of the processor, {ratio:.2f} times a bare answer's {bare:.0f} µs"
    print(f"A prediction takes {times}; committed: {committed}.")
    if ratio > ALLOWED * committed:
        raise SystemExit(f"That is over {ALLOWED} times the committed figure: find out why (docs/speed.md).")


@contextmanager
def _bare(folder: Path) -> Iterator[Measured]:
    """uvicorn with a constant, in this environment."""
    port, app = free_port(), ROOT / "bench" / "serving" / "peers" / "bare"
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port), "--loop", "asyncio", "--http",
               "httptools", "--no-access-log", "--log-level", "warning"]  # fmt: skip
    url = f"http://127.0.0.1:{port}/"
    with running(command, app, {}, url, folder / "log") as server:
        yield server, Target(url, write_payloads(folder).one)


@contextmanager
def _ours(folder: Path) -> Iterator[Measured]:
    """The real service; its records stay in the spool, because no collector is there."""
    port = free_port()
    environment = {
        "INFERENCE_PORT": str(port),
        "PILOTHOUSE_MODELS": str(write_models(folder / "models")),
        "PILOTHOUSE_STATE": str(folder / "state"),
        "PILOTHOUSE_COLLECTOR_URL": "http://127.0.0.1:1",
        "PILOTHOUSE_STOP_SECONDS": "1",
    }
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "services.inference"]
    with running(command, ROOT, environment, f"{url}/health/ready", folder / "log") as server:
        yield server, Target(f"{url}/models/{TABULAR}/predict", write_payloads(folder).one)


if __name__ == "__main__":
    main(sys.argv[1:])
