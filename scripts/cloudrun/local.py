"""The world around the services on this machine: secrets as `make secrets` makes them, and whom each can reach."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from scripts.cloudrun.document import FOLDER, read_monitoring, read_service
from scripts.cloudrun.engine import Engine
from scripts.cloudrun.image import ROOT
from scripts.cloudrun.instance import Place, Service, World
from scripts.cloudrun.processes import MemoryVolume, Namespaces, Output

# (container, variable): what it is where the other service is not behind https, but a way out of the network
CHANGED = {("frontend", "PILOTHOUSE_INFERENCE_URL"): "http://127.0.0.1:8000"}
WAYS_OUT = {"watch": {8000: "predict"}}
DATABASE = "pilothouse"


def make_secrets(folder: Path, database_password: str) -> dict[str, str]:
    """Secrets by the names that they have in Secret Manager. `folder` is the test's own."""
    subprocess.run(["sh", str(ROOT / "scripts" / "secrets.sh")], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    made = {f"pilothouse-{p.name.replace('_', '-')}": p.read_text("utf-8") for p in (folder / "secrets").iterdir()}
    configs = (FOLDER / "monitoring").glob("*.yaml")
    made |= {f"pilothouse-{p.stem}-monitoring": p.read_text("utf-8") for p in configs}
    return made | {"pilothouse-database-password": database_password}


def make_service(
    name: str, folder: Path, secrets: Mapping[str, str], sql_socket: Path, output: Output, *, containers: bool = False
) -> Service:
    """A service of k8s/cloudrun/ in `folder/name`, as containers of an engine or as processes; nothing runs yet."""
    ways_out = {port: folder / other / "door" / "gateway" for port, other in WAYS_OUT.get(name, {}).items()}
    world = World(secrets, sql_socket, read_monitoring(name), CHANGED)

    def place(where: Path, memory: list[MemoryVolume]) -> Place:
        if containers:
            return Engine(where, memory, ways_out, output, f"pilothouse-run-{os.getpid()}-{name}")
        return Namespaces(where, memory, ways_out, output)

    return Service(read_service(name), world, folder / name, place)
