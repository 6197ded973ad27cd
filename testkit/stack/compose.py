"""compose.yaml started by a test as a new user starts it: from a fresh clone, without an `.env`, on free ports."""

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
from testkit.stack.processes import Stack

ROOT = Path(__file__).resolve().parents[2]
OURS = ("inference", "collector", "drift", "frontend")
PUBLISHED = (*OURS, "prometheus", "grafana")
GRAFANA, ALERTMANAGER = "grafana/grafana:13.2.3", "prom/alertmanager:v0.28.1"
# Debian's package, with the paths, the user and the tools of the public image
ALERTMANAGER_STAND_IN = """
FROM python:3.13-slim-trixie
RUN apt-get -q update && apt-get -q install -y --no-install-recommends prometheus-alertmanager wget \\
 && ln -s prometheus-alertmanager /usr/bin/alertmanager \\
 && install -d -o nobody -g nogroup /alertmanager /etc/alertmanager
USER nobody
WORKDIR /alertmanager
VOLUME /alertmanager
ENTRYPOINT ["/bin/alertmanager"]
CMD ["--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager"]
"""
READY = "Pilothouse is ready"


def docker_answers() -> bool:
    return shutil.which("docker") is not None and run("docker", "info", check=False).returncode == 0


def run(
    *command: str,
    environment: Mapping[str, str] | None = None,
    check: bool = True,
    seconds: float = 900,
    folder: Path = ROOT,
    given: str | None = None,
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        input=given,
        text=True,
        capture_output=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0 or not check, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done


def is_had(image: str) -> bool:
    """Whether an image is here, or can be fetched."""
    here = run("docker", "image", "inspect", image, check=False).returncode == 0
    return here or run("docker", "pull", "--quiet", image, check=False, seconds=300).returncode == 0


class Compose:
    """The project `name`, in a clone of its own, and what a test asks of it."""

    def __init__(self, folder: Path, name: str = "pilothouse-test", **environment: str) -> None:
        self.clone = folder / "clone"
        make_clone(self.clone)
        self.ports = dict(zip(PUBLISHED, free_ports(len(PUBLISHED)), strict=True))
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("PILOTHOUSE_", "COMPOSE_"))}
        self.environment |= {f"{n.upper()}_PORT": str(p) for n, p in self.ports.items()}
        self.environment |= {"COMPOSE_PROJECT_NAME": name, **environment}
        self.offline: list[str] = []

    def __call__(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return run("docker", "compose", *arguments, environment=self.environment, check=check, folder=self.clone)

    def build(self) -> None:
        """Our images. Where those of others cannot be had: a stand-in of Alertmanager's, and `up` without Grafana."""
        self("build")
        if not is_had(ALERTMANAGER):
            run("docker", "build", "--tag", ALERTMANAGER, "-", given=ALERTMANAGER_STAND_IN)
        if not is_had(GRAFANA):
            self.offline = ["--pull", "never", "--scale", "grafana=0"]

    def attached(self) -> Stack:
        """`docker compose up`, as in a terminal."""
        unset = [f"--unset={name}" for name in os.environ if name not in self.environment]
        command = ("docker", "compose", "--ansi", "never", "up", *self.offline)
        return Stack("env", *unset, *command, environment=self.environment, folder=self.clone)

    def up(self, *more: str) -> float:
        """Start everything in the background; seconds until all is healthy."""
        begun = time.monotonic()
        self("up", "--detach", "--wait", *self.offline, *more)
        return time.monotonic() - begun

    def scale_inference(self, containers: int) -> list[str]:
        """Addresses of so many inference containers."""
        ports = consecutive_ports(containers)
        self.environment["INFERENCE_PORT"] = f"{ports[0]}-{ports[-1]}"
        self.up("--scale", f"inference={containers}")
        return [f"http://127.0.0.1:{port}" for port in ports]

    def setup(self, *command: str, check: bool = True) -> str:
        """What `setup` says, or a command in its container."""
        done = self("run", "--rm", "--no-TTY", "setup", *command, check=check)
        return done.stdout if done.returncode == 0 else done.stderr

    def secrets(self) -> dict[str, str]:
        """Every password, key and list of keys in the volume, by its path there."""
        show = 'cd /secrets; for f in $(find . -type f -name "*_*" -printf "%P "); do echo "== $f"; cat $f; echo; done'
        listed = self.setup("sh", "-c", show)
        parts = (part.partition("\n") for part in listed.split("== ")[1:])
        return {path: text.strip() for path, _, text in parts}

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
        containers = self("ps", "--all", "-q").stdout.split()
        known = json.loads(run("docker", "inspect", *containers).stdout)
        return {c["Config"]["Labels"]["com.docker.compose.service"]: c for c in known}

    def down(self, *more: str) -> float:
        """Stop and remove the containers; the seconds it took."""
        begun = time.monotonic()
        self("down", *more, check=False)
        return time.monotonic() - begun


def make_clone(folder: Path) -> None:
    """What a clone would have of this tree: every file that git does not ignore, as it is now."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout
    for name in listed.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def consecutive_ports(wanted: int) -> list[int]:
    """Free ports in a row, which a published range is."""
    for _ in range(50):
        (first,) = free_ports(1)
        if first + wanted < 65536 and all(not is_held(first + n) for n in range(wanted)):
            return [first + n for n in range(wanted)]
    raise AssertionError("no free ports in a row")
