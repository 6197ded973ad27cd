"""Containers as containers: a Docker engine, our images, and one network that has nothing but localhost."""

from __future__ import annotations

import subprocess
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from scripts.cloudrun.image import ROOT, Image
from scripts.cloudrun.processes import MemoryVolume, Mount, Output, Process

PROMETHEUS = "prom/prometheus:v3"
_DOOR, _WAY = "/door", "/ways"


def docker(*arguments: str, check: bool = True) -> str:
    """What the engine says. Raises RuntimeError with its complaint."""
    done = subprocess.run(["docker", *arguments], text=True, capture_output=True, check=False)
    if check and done.returncode != 0:
        raise RuntimeError(f"docker {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def engine_answers() -> bool:
    try:
        return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def add_models() -> None:
    """The images of inference and drift with the models in them, from those of `make images`."""
    for service in ("inference", "drift"):
        base, tag = f"BASE=pilothouse-{service}", f"pilothouse-{service}:with-models"
        file = str(ROOT / "k8s" / "with-models.Dockerfile")
        docker("build", "--quiet", "--file", file, "--build-arg", base, "--tag", tag, str(ROOT / "models"))


class EngineContainer:
    """A container that runs; its logs are followed."""

    def __init__(self, name: str, identity: str, output: Output) -> None:
        self.name, self._identity = name, identity
        self._logs = Process(name, ["docker", "logs", "--follow", identity], output)
        self._end = subprocess.Popen(["docker", "wait", identity], stdout=subprocess.PIPE, text=True)
        self._status: int | None = None

    @property
    def tail(self) -> deque[str]:
        return self._logs.tail

    @property
    def pid(self) -> int:
        """Of its first process, as this machine numbers it."""
        return int(docker("inspect", "--format", "{{.State.Pid}}", self._identity))

    def status(self) -> int | None:
        """Its exit status, above 128 for a signal; None while it runs."""
        if self._status is None and self._end.poll() is not None:
            said, _ = self._end.communicate()
            self._status = int(said or -1)
        return self._status

    def terminate(self) -> None:
        if self.status() is None:
            docker("kill", "--signal", "TERM", self._identity, check=False)

    def kill(self) -> None:
        docker("kill", self._identity, check=False)
        self._end.wait(30)
        self.status()
        docker("rm", "--force", "--volumes", self._identity, check=False)
        self._logs.kill()


class Engine:
    """Where an instance's containers run. `prefix` names them, so that nothing of anybody else is touched."""

    def __init__(
        self, folder: Path, memory: Iterable[MemoryVolume], ways_out: dict[int, Path], output: Output, prefix: str
    ) -> None:
        self._folder, self._memory, self._ways_out = folder, {v.name: v for v in memory}, ways_out
        self._output, self._prefix = output, prefix
        self.gateway = folder / "door" / "gateway"

    def open(self) -> None:
        self.close()
        self.gateway.parent.mkdir(parents=True)
        self.gateway.parent.chmod(0o777)
        for volume in self._memory.values():
            options = f"o=size={volume.size.removesuffix('i').lower()},mode=1777"
            docker("volume", "create", "--driver", "local", "--opt", "type=tmpfs", "--opt", "device=tmpfs",
                   "--opt", options, self._named(volume.name))  # fmt: skip
        doors = [_bind(self.gateway.parent, _DOOR, read_only=False), _bind(_program(), "/gateway.py")]
        ways = []
        for port, gateway in self._ways_out.items():
            doors.append(_bind(gateway.parent, f"{_WAY}/{port}", read_only=False))
            ways.append(f"{port}={_WAY}/{port}/{gateway.name}")
        mounts = [word for door in doors for word in ("--mount", door)]
        docker("run", "--detach", "--name", self._named("gateway"), "--network", "none", *mounts, "--entrypoint",
               "python", "pilothouse-collector", "/gateway.py", f"{_DOOR}/{self.gateway.name}", *ways)  # fmt: skip
        self._await_door()

    def _await_door(self) -> None:
        logs = Process("gateway", ["docker", "logs", "--follow", self._named("gateway")], lambda *_: None)
        try:
            logs.wait_for_line(30)
        finally:
            logs.kill()
        if not self.gateway.exists():
            raise RuntimeError(f"the instance's network could not be made: {list(logs.tail)}")

    def volume(self, name: str) -> Path:
        return self._folder / "volumes" / name

    def start(self, name: str, image: Image, environment: dict[str, str], mounts: list[Mount]) -> EngineContainer:
        """Start a container."""
        given = [word for k, v in environment.items() for word in ("--env", f"{k}={v}")]
        places = [self._mount(m) for m in mounts]
        for path, text in image.files.items():
            file = self._folder / "files" / name / Path(path).name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            places.append(_bind(file, path))
        placed = [word for place in places for word in ("--mount", place)]
        shared = ["--network", f"container:{self._named('gateway')}", "--cap-drop", "ALL"]
        docker("run", "--detach", "--name", self._named(name), *shared, *given, *placed, *_image(image))
        return EngineContainer(name, self._named(name), self._output)

    def _mount(self, mount: Mount) -> str:
        if mount.source.parent == self._folder / "volumes":
            return f"type=volume,source={self._named(mount.source.name)},target={mount.target}"
        return _bind(mount.source, mount.target, read_only=mount.read_only)

    def close(self) -> None:
        """Remove the network and the volumes, also what an earlier one has left."""
        docker("rm", "--force", self._named("gateway"), check=False)
        for name in self._memory:
            docker("volume", "rm", "--force", self._named(name), check=False)

    def _named(self, name: str) -> str:
        return f"{self._prefix}-{name}"


def _image(image: Image) -> list[str]:
    """The image and what its command is told."""
    if image.service is None:
        return [PROMETHEUS, *image.command[1:]]
    return [f"pilothouse-{image.service}{':with-models' if image.with_models else ''}"]


def _bind(source: Path, target: str, *, read_only: bool = True) -> str:
    return f"type=bind,source={source},target={target}{',readonly' if read_only else ''}"


def _program() -> Path:
    return Path(__file__).with_name("gateway.py")
