"""One instance of a Cloud Run service: its containers started in order, watched, and ended within ten seconds."""

from __future__ import annotations

import http.client
import shutil
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Protocol

from scripts.cloudrun.document import (
    Document,
    annotated,
    containers,
    dependencies,
    template,
    variables,
    volumes,
)
from scripts.cloudrun.front import look
from scripts.cloudrun.image import Image, image_of
from scripts.cloudrun.processes import MemoryVolume, Mount

STOP_SECONDS = 10.0
_TICK_SECONDS = 0.1
_SQL = "run.googleapis.com/cloudsql-instances"


class StartFailed(RuntimeError):
    """A container did not pass its startup probe, or ended before."""


class Container(Protocol):
    """A running container."""

    @property
    def tail(self) -> deque[str]: ...

    def status(self) -> int | None: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


class Place(Protocol):
    """Where containers run: namespaces, or an engine."""

    gateway: Path

    def open(self) -> None: ...

    def volume(self, name: str) -> Path: ...

    def start(self, name: str, image: Image, environment: dict[str, str], mounts: list[Mount]) -> Container: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class World:
    """What is around a service: secrets by name, Cloud SQL as a PostgreSQL socket, what its sidecar is to scrape, and
    settings that are other ones here (`(container, variable): value`)."""

    secrets: Mapping[str, str]
    sql_socket: Path
    monitoring: Document
    changed: Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Ended:
    """How an instance ended: exit statuses, who had to be killed, and how long it took."""

    statuses: dict[str, int | None]
    killed: list[str]
    seconds: float


class Instance:
    """Start it once, stop it once. `revision` is what K_REVISION says."""

    def __init__(self, document: Document, world: World, place: Place, folder: Path, revision: str) -> None:
        self._document, self._world, self._place, self._folder = document, world, place, folder
        self._revision = revision
        self._images = {n: image_of(c, world.monitoring) for n, c in containers(document).items()}
        self._running: dict[str, Container] = {}
        self._failures: dict[str, int] = {}
        self._probed: dict[str, float] = {}
        self.started_in: list[str] = []

    @property
    def ingress(self) -> int:
        return next(int(c["ports"][0]["containerPort"]) for c in containers(self._document).values() if "ports" in c)

    def start(self) -> None:
        """All containers, each after those that it waits for have passed their startup probes. Raises StartFailed."""
        self._place.open()
        waits = dependencies(self._document)
        order = TopologicalSorter({n: waits.get(n, []) for n in containers(self._document)})
        order.prepare()
        while order.is_active():
            ready = order.get_ready()
            for name in ready:
                self._start_one(name)
            for name in ready:
                self._await_started(name)
                self.started_in.append(name)
                order.done(name)

    def unwell(self) -> str | None:
        """What is wrong with it, in words: Cloud Run would replace it."""
        for name, container in self._running.items():
            if container.status() is not None:
                return f"{name} has ended with status {container.status()}"
            if not self._lives(name):
                return f"{name} does not answer its liveness probe"
        return None

    def stop(self) -> Ended:
        """SIGTERM to all at the same time; after ten seconds SIGKILL to those that are left."""
        begun = time.monotonic()
        for container in self._running.values():
            container.terminate()
        while self._left() and time.monotonic() - begun < STOP_SECONDS:
            time.sleep(_TICK_SECONDS / 2)
        seconds, killed = time.monotonic() - begun, self._left()
        for container in self._running.values():
            container.kill()
        statuses = {n: c.status() for n, c in self._running.items()}
        self._place.close()
        return Ended(statuses, killed, seconds)

    def kill(self, name: str) -> None:
        """As the kernel does when memory is out."""
        self._running[name].kill()

    def _left(self) -> list[str]:
        return [n for n, c in self._running.items() if c.status() is None]

    def _start_one(self, name: str) -> None:
        container = containers(self._document)[name]
        self._running[name] = self._place.start(
            name, self._images[name], self._environment(name, container), self._mounts(name, container)
        )

    def _environment(self, name: str, container: Document) -> dict[str, str]:
        """The image's, then the manifest's, then Cloud Run's."""
        said = {v["name"]: self._value(v) for v in variables(container).values()}
        said |= {variable: value for (who, variable), value in self._world.changed.items() if who == name}
        service = self._document["metadata"]["name"]
        given = {"K_SERVICE": service, "K_CONFIGURATION": service, "K_REVISION": self._revision}
        if container.get("ports"):
            given["PORT"] = str(container["ports"][0]["containerPort"])
        return self._images[name].environment | said | given

    def _value(self, variable: Document) -> str:
        if "value" in variable:
            return str(variable["value"])
        return self._world.secrets[variable["valueFrom"]["secretKeyRef"]["name"]]

    def _mounts(self, name: str, container: Document) -> list[Mount]:
        known = volumes(self._document)
        found = [self._mount(known[m["name"]], m["mountPath"]) for m in container.get("volumeMounts") or []]
        sql = annotated(template(self._document)).get(_SQL)
        if sql and self._images[name].service:
            found += [Mount(self._world.sql_socket, f"/cloudsql/{one}/.s.PGSQL.5432", False) for one in sql.split(",")]
        return found

    def _mount(self, volume: Document, path: str) -> Mount:
        if "emptyDir" in volume:
            return Mount(self._place.volume(volume["name"]), path, read_only=False)
        folder = self._folder / "secrets" / volume["name"]
        folder.mkdir(parents=True, exist_ok=True)
        for item in volume["secret"]["items"]:
            (folder / item["path"]).write_text(self._world.secrets[volume["secret"]["secretName"]], encoding="utf-8")
            (folder / item["path"]).chmod(0o444)
        return Mount(folder, path)

    def _await_started(self, name: str) -> None:
        probe = containers(self._document)[name].get("startupProbe")
        if probe is None:
            return
        for _ in range(probe.get("failureThreshold", 3)):
            status = self._running[name].status()
            if status is not None:
                said = "\n".join(self._running[name].tail)
                raise StartFailed(f"{name} has ended with status {status} before it had started:\n{said}")
            if self._passes(probe, probe["httpGet"]["path"]):
                return
            time.sleep(probe.get("periodSeconds", 10))
        said = "\n".join(self._running[name].tail)
        tries = probe.get("failureThreshold", 3)
        raise StartFailed(f"{name} has not passed its startup probe in {tries} tries:\n{said}")

    def _passes(self, probe: Document, path: str) -> bool:
        try:
            status, _ = look(self._place.gateway, probe["httpGet"]["port"], path, probe.get("timeoutSeconds", 1))
        except (OSError, http.client.HTTPException):
            return False
        return 200 <= status < 400

    def _lives(self, name: str) -> bool:
        """Whether its liveness probe has not yet failed too often."""
        probe = containers(self._document)[name].get("livenessProbe")
        now = time.monotonic()
        if probe is None or now - self._probed.setdefault(name, now) < probe.get("periodSeconds", 10):
            return True
        self._probed[name] = now
        well = self._passes(probe, self._images[name].liveness_path or probe["httpGet"]["path"])
        self._failures[name] = 0 if well else self._failures.get(name, 0) + 1
        return self._failures[name] < int(probe.get("failureThreshold", 3))


def memory_volumes(document: Document) -> list[MemoryVolume]:
    return [MemoryVolume(n, v["emptyDir"]["sizeLimit"]) for n, v in volumes(document).items() if "emptyDir" in v]


class Service:
    """A service with one instance at a time, which is replaced when it is unwell. Used as a context manager.

    `place` makes a place in a folder, with ways out of it: `{port: gateway of another service}`.
    """

    def __init__(self, document: Document, world: World, folder: Path, place: PlaceMaker) -> None:
        self._document, self._world, self._folder, self._make_place = document, world, folder, place
        self.instance: Instance | None = None
        self.restarts: list[str] = []
        self._count = 0
        self._stopping = threading.Event()
        self._watching: threading.Thread | None = None
        self.gateway = folder / "door" / "gateway"

    def scale_up(self) -> Instance:
        """Start an instance. Raises StartFailed, after which nothing is left of it."""
        self._count += 1
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        place = self._make_place(self._folder, memory_volumes(self._document))
        revision = f"{self._document['metadata']['name']}-{self._count:05}-loc"
        self.instance = Instance(self._document, self._world, place, self._folder, revision)
        try:
            self.instance.start()
        except StartFailed:
            self.scale_to_zero()
            raise
        return self.instance

    def scale_to_zero(self) -> Ended:
        assert self.instance is not None
        instance, self.instance = self.instance, None
        return instance.stop()

    def keep(self) -> None:
        """Watch over the instance from now on, and replace it when it is unwell."""
        self._watching = threading.Thread(target=self._watch, daemon=True)
        self._watching.start()

    def _watch(self) -> None:
        while not self._stopping.wait(_TICK_SECONDS):
            why = self.instance.unwell() if self.instance else None
            if why:
                self.restarts.append(why)
                self.scale_to_zero()
                self.scale_up()

    def close(self) -> None:
        self._stopping.set()
        if self._watching is not None:
            self._watching.join()
        if self.instance is not None:
            self.scale_to_zero()


class PlaceMaker(Protocol):
    def __call__(self, folder: Path, memory: list[MemoryVolume], /) -> Place: ...
