"""How long until the first prediction, and what a model costs: `python -m bench.start`.

Time from the start of the process to the first answer, with both example models, over several starts; and the
resident memory of a service with 1, 11 and 21 copies of a model.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import yaml

from bench.serving.contestants import ROOT
from testkit.ports import free_port

STARTS, COPIES = 7, (1, 11, 21)
MODELS = ROOT / "models"


@contextmanager
def service(models: Path) -> Iterator[tuple[str, subprocess.Popen[bytes], float]]:
    """Its address, its process, and when that was started."""
    with tempfile.TemporaryDirectory(prefix="pilothouse-start-") as state:
        port = free_port()
        environment = {"INFERENCE_PORT": str(port), "PILOTHOUSE_MODELS": str(models), "PILOTHOUSE_STATE": state,
                       "PILOTHOUSE_COLLECTOR_URL": "http://127.0.0.1:1", "PILOTHOUSE_STOP_SECONDS": "1"}  # fmt: skip
        begun = time.perf_counter()
        command = [sys.executable, "-m", "services.inference"]
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.DEVNULL)
        try:
            yield f"http://127.0.0.1:{port}", process, begun
        finally:
            process.terminate()
            process.wait()


def first_answer(url: str, name: str, body: Any) -> None:
    """Ask until it answers."""
    while True:
        connection = HTTPConnection(url.removeprefix("http://"), timeout=5)
        try:
            connection.request("POST", f"/models/{name}/predict", json.dumps(body))
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.01)
        finally:
            connection.close()


def start_seconds(body: Any) -> tuple[float, float]:
    """Seconds to the first prediction, and processor seconds spent until then."""
    with service(MODELS) as (url, process, begun):
        first_answer(url, "house-prices", body)
        seconds = time.perf_counter() - begun
        return seconds, sum(psutil.Process(process.pid).cpu_times()[:2])


def memory_mb(copies: int, body: Any) -> float:
    with tempfile.TemporaryDirectory(prefix="pilothouse-models-") as folder:
        for version in range(1, copies + 1):
            copy = Path(folder) / "house-prices" / str(version)
            shutil.copytree(MODELS / "house-prices" / "1", copy)
            manifest = yaml.safe_load((copy / "manifest.yaml").read_text())
            (copy / "manifest.yaml").write_text(yaml.safe_dump(manifest | {"version": str(version)}))
        with service(Path(folder)) as (url, process, _):
            first_answer(url, "house-prices", body)
            return psutil.Process(process.pid).memory_info().rss / 1e6


def main() -> None:
    manifest = yaml.safe_load((MODELS / "house-prices" / "1" / "manifest.yaml").read_text())
    body = manifest["examples"][0]
    starts = [start_seconds(body) for _ in range(STARTS)]
    seconds, cpu = [s for s, _ in starts], [c for _, c in starts]
    print(f"start to first prediction, both example models: median {statistics.median(seconds):.2f} s "
          f"({min(seconds):.2f} to {max(seconds):.2f}); processor time {statistics.median(cpu):.2f} s")  # fmt: skip
    held = [memory_mb(copies, body) for copies in COPIES]
    size = (MODELS / "house-prices" / "1" / "model.onnx").stat().st_size / 1e6
    each = [(b - a) / 10 for a, b in pairwise(held)]
    print(f"memory with {COPIES} copies of a model of {size:.2f} MB: {', '.join(f'{m:.0f}' for m in held)} MB; "
          f"one more costs {each[0]:.1f} MB, and {each[1]:.1f} MB after ten")  # fmt: skip


if __name__ == "__main__":
    main()
