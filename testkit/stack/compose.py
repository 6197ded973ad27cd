"""compose.yaml started by a test: a project of its own, on free ports, with secrets of its own.

With compose.open.yaml, so that a test can ask every service; `only_published` goes without.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2

from testkit.ports import free_ports, is_held

ROOT = Path(__file__).resolve().parents[2]
OURS = ("inference", "collector", "drift", "frontend")
PUBLISHED = (*OURS, "prometheus", "grafana")
GRAFANA = "grafana/grafana:13.2.3"


def docker_answers() -> bool:
    return shutil.which("docker") is not None and run("docker", "info", check=False).returncode == 0


def run(
    *command: str, environment: Mapping[str, str] | None = None, check: bool = True, seconds: float = 900
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, cwd=ROOT, env=environment, text=True, capture_output=True, timeout=seconds, check=False
    )
    assert done.returncode == 0 or not check, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done


class Compose:
    """The project, and what a test asks of it."""

    def __init__(self, folder: Path) -> None:
        self.ports = dict(zip(PUBLISHED, free_ports(len(PUBLISHED)), strict=True))
        self.secrets = folder / "secrets"
        done = subprocess.run(["sh", ROOT / "scripts/secrets.sh"], cwd=folder, check=True, capture_output=True)
        assert done.returncode == 0
        self.environment = os.environ | {f"{n.upper()}_PORT": str(p) for n, p in self.ports.items()}
        self.environment |= {"PILOTHOUSE_SECRETS": str(self.secrets), "COMPOSE_PROJECT_NAME": "pilothouse-test"}
        self.environment["COMPOSE_FILE"] = "compose.yaml:compose.open.yaml"
        self.offline: list[str] = []

    def __call__(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        # no .env of this machine's owner
        return run("docker", "compose", "--env-file", os.devnull, *arguments, environment=self.environment, check=check)

    def up(self) -> float:
        """Build and start everything; seconds until all is healthy. Without Grafana where its image cannot be had."""
        begun = time.monotonic()
        self("build")
        if run("docker", "pull", "--quiet", GRAFANA, check=False, seconds=300).returncode != 0:
            self.offline = ["--pull", "never", "--scale", "grafana=0"]
        self("up", "--detach", "--wait", *self.offline)
        return time.monotonic() - begun

    def only_published(self) -> None:
        """As compose.yaml alone has it."""
        self.environment["COMPOSE_FILE"] = "compose.yaml"
        self("up", "--detach", "--wait", *self.offline)

    def scale_inference(self, containers: int) -> list[str]:
        """Addresses of so many inference containers."""
        ports = consecutive_ports(containers)
        self.environment["INFERENCE_PORT"] = f"{ports[0]}-{ports[-1]}"
        self("up", "--detach", "--wait", *self.offline, "--scale", f"inference={containers}")
        return [f"http://127.0.0.1:{port}" for port in ports]

    def key(self, name: str) -> str:
        return (self.secrets / f"{name}_key").read_text()

    def address(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    def sql(self, query: str) -> list[str]:
        """What PostgreSQL answers, one string a row."""
        psql = ("exec", "-T", "postgres", "psql", "-U", "pilothouse", "-d", "pilothouse", "-tA", "-c", query)
        return self(*psql).stdout.split()

    def prometheus(self, path: str, **query: str) -> Any:
        return httpx2.get(f"{self.address('prometheus')}/api/v1/{path}", params=query).raise_for_status().json()["data"]

    def inspect(self) -> dict[str, Any]:
        """What the engine knows of every container, by service (of several of a service, of one)."""
        containers = self("ps", "-q").stdout.split()
        known = json.loads(run("docker", "inspect", *containers).stdout)
        return {c["Config"]["Labels"]["com.docker.compose.service"]: c for c in known}

    def down(self) -> None:
        self("down", "--volumes", "--remove-orphans", "--timeout", "5", check=False)


def consecutive_ports(wanted: int) -> list[int]:
    """Free ports in a row, which a published range is."""
    for _ in range(50):
        (first,) = free_ports(1)
        if first + wanted < 65536 and all(not is_held(first + n) for n in range(wanted)):
            return [first + n for n in range(wanted)]
    raise AssertionError("no free ports in a row")
