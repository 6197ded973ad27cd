"""One instance of a Cloud Run service, as containers of our images: started, probed and stopped as Cloud Run does.

A container that only waits holds the network (as the pause container of a Kubernetes pod does), and the containers of
the manifest share it. The host reaches them at that container's address.
"""

from __future__ import annotations

import http.client
import json
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from testkit.cloudrun.manifests import Document, annotated, containers, dependencies, template, variables, volumes
from testkit.stack.compose import run

if TYPE_CHECKING:
    from testkit.cloudrun.world import World

STOP_SECONDS = 10
SIDECAR, STAND_IN = "cloud-run-gmp-sidecar", "prom/prometheus:v3"
SIDECAR_PORT = 13133
USER = 10001  # of our images
WITH_MODELS = ("inference", "drift")
_SQL = "run.googleapis.com/cloudsql-instances"


class StartFailed(Exception):
    """A container did not pass its startup probe, or ended before."""


@dataclass(frozen=True)
class Ended:
    """How an instance ended: exit statuses, the containers that had to be killed, and how long it took."""

    statuses: dict[str, int]
    killed: list[str]
    seconds: float


def docker(*arguments: str, check: bool = True) -> str:
    return run("docker", *arguments, check=check).stdout.strip()


def bind(source: Path, target: str, read_only: bool = True) -> str:
    """The option of `docker run` that mounts a file or folder of this machine."""
    return f"--mount=type=bind,source={source},target={target}{',readonly' if read_only else ''}"


class Instance:
    """Start it once, stop it once. `world` is what is around it."""

    def __init__(self, document: Document, world: World, name: str) -> None:
        self.document, self._world, self.name = document, world, name
        self._folder = world.folder / name
        self._service = str(document["metadata"]["name"])
        self.started: list[str] = []

    def container(self, name: str) -> str:
        """The engine's name for a container."""
        return f"{self.name}-{name}"

    def inspect(self, name: str) -> dict[str, Any]:
        return dict(json.loads(docker("inspect", self.container(name)))[0])

    def execute(self, name: str, *command: str) -> str:
        """What a command in a container prints."""
        return docker("exec", self.container(name), *command)

    def address(self, port: int | None = None) -> str:
        """The address of a port of the instance, by default that of the ingress container."""
        ingress = next(c["ports"][0]["containerPort"] for c in containers(self.document).values() if "ports" in c)
        network = self.inspect("pause")["NetworkSettings"]["Networks"][self._world.network]
        return f"{network['IPAddress']}:{port or ingress}"

    def url(self, port: int | None = None) -> str:
        return f"http://{self.address(port)}"

    def start(self) -> None:
        """All containers, each after those that it waits for have passed their startup probes. Raises StartFailed."""
        hosts = [f"--add-host={name}:{address}" for name, address in self._world.hosts.items()]
        pause = ("python", "-c", "import signal; signal.pause()")
        docker("run", "--detach", "--init", "--name", self.container("pause"), "--network", self._world.network, *hosts,
               "pilothouse-collector", *pause)  # fmt: skip
        waits = dependencies(self.document)
        order = TopologicalSorter({n: waits.get(n, []) for n in containers(self.document)})
        order.prepare()
        try:
            while order.is_active():
                ready = order.get_ready()
                for name in ready:
                    self._start(name)
                for name in ready:
                    self._await_started(name)
                    self.started.append(name)
                    order.done(name)
        except StartFailed:
            self.remove()
            raise

    def _start(self, name: str) -> None:
        container = containers(self.document)[name]
        limit = container["resources"]["limits"]["memory"].removesuffix("i").lower()
        environment = [f"--env={k}={v}" for k, v in self._environment(container).items()]
        options = (*environment, *self._mounts(container), "--memory", limit, "--memory-swap", limit, "--cap-drop=ALL")
        network = f"--network=container:{self.container('pause')}"
        docker("run", "--detach", "--name", self.container(name), network, *options, *self._image(container))

    def _image(self, container: Document) -> list[str]:
        """The image that we built for the service; in place of Google's sidecar, Prometheus with the same targets."""
        image = container["image"].rpartition("/")[2].partition(":")[0]
        if image != SIDECAR:
            return [f"pilothouse-{image}:{'with-models' if image in WITH_MODELS else 'latest'}"]
        options = {"config.file": "/rungmp.yml", "storage.tsdb.path": "/tmp/data", "log.level": "warn",
                   "web.listen-address": f":{SIDECAR_PORT}"}  # fmt: skip
        return [STAND_IN, *(f"--{k}={v}" for k, v in options.items())]

    def _environment(self, container: Document) -> dict[str, str]:
        """The manifest's variables, and those that Cloud Run sets."""
        said = {v["name"]: v["value"] for v in variables(container).values()} | self._world.environment
        said |= {"K_SERVICE": self._service, "K_CONFIGURATION": self._service, "K_REVISION": self.name}
        return said | ({"PORT": str(container["ports"][0]["containerPort"])} if "ports" in container else {})

    def _mounts(self, container: Document) -> Iterator[str]:
        """Options of `docker run`: secrets as files, volumes in memory, and the socket of Cloud SQL."""
        known, sql = volumes(self.document), annotated(template(self.document))[_SQL]
        for mount in container["volumeMounts"]:
            volume, target = known[mount["name"]], mount["mountPath"]
            if "emptyDir" in volume:
                size = volume["emptyDir"]["sizeLimit"].removesuffix("i").lower()
                yield f"--tmpfs={target}:rw,uid={USER},gid={USER},size={size}"  # runc ignores a mode
            else:
                yield bind(self._secret(volume), target)
        yield bind(self._world.sql_socket, f"/cloudsql/{sql}/.s.PGSQL.5432", read_only=False)
        yield from (bind(source, target) for source, target in self._world.files.items())
        if SIDECAR in container["image"]:
            yield bind(self._scrape_config(), "/rungmp.yml")

    def _secret(self, volume: Document) -> Path:
        """A folder with the secret's files, readable by every user."""
        folder: Path = self._folder / volume["name"]
        folder.mkdir(parents=True, exist_ok=True)
        for item in volume["secret"]["items"]:
            (folder / item["path"]).write_text(self._world.secrets[volume["secret"]["secretName"]])
            (folder / item["path"]).chmod(0o444)
        return folder

    def _scrape_config(self) -> Path:
        """Prometheus's configuration for the service's RunMonitoring."""
        monitoring = yaml.safe_load(self._world.secrets[f"{self._service}-monitoring"])
        jobs = [
            {"job_name": e["port"], "metrics_path": e["path"],
             "static_configs": [{"targets": [f"127.0.0.1:{e['port']}"]}]}
            for e in monitoring["spec"]["endpoints"]
        ]  # fmt: skip
        file = self._folder / "rungmp.yml"
        self._folder.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}))
        return file

    def _await_started(self, name: str) -> None:
        probe = containers(self.document)[name].get("startupProbe")
        if not probe:
            return
        for _ in range(probe["failureThreshold"]):
            state = self.inspect(name)["State"]
            if state["Status"] == "exited":
                raise StartFailed(f"{name} ended with status {state['ExitCode']} before it started:\n{self.logs(name)}")
            if self._passes(probe):
                return
            time.sleep(probe["periodSeconds"])
        raise StartFailed(f"{name} has not passed its startup probe:\n{self.logs(name)}")

    def _passes(self, probe: Document) -> bool:
        connection = http.client.HTTPConnection(
            self.address(probe["httpGet"]["port"]), timeout=probe.get("timeoutSeconds", 1)
        )
        try:
            connection.request("GET", probe["httpGet"]["path"])
            return 200 <= connection.getresponse().status < 400
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def unwell(self) -> dict[str, str]:
        """For each container that Cloud Run would replace the instance for: why. The stand-in has no such probe."""
        found = {}
        for name, container in containers(self.document).items():
            state = self.inspect(name)["State"]
            if not state["Running"]:
                found[name] = f"ended with status {state['ExitCode']}"
            elif SIDECAR not in container["image"] and not self._passes(container["livenessProbe"]):
                found[name] = "does not answer its liveness probe"
        return found

    def logs(self, name: str) -> str:
        done = run("docker", "logs", "--tail", "30", self.container(name), check=False)
        return str(done.stdout + done.stderr)

    def stop(self) -> Ended:
        """SIGTERM to all at the same time; after ten seconds SIGKILL to those that are left."""
        names, begun = list(containers(self.document)), time.monotonic()
        with ThreadPoolExecutor(len(names)) as pool:
            list(pool.map(lambda n: docker("kill", "--signal=TERM", self.container(n), check=False), names))
            while (left := self._running()) and time.monotonic() - begun < STOP_SECONDS:
                time.sleep(0.05)
            seconds = time.monotonic() - begun
            list(pool.map(lambda n: docker("kill", self.container(n), check=False), left))
        statuses = {n: self.inspect(n)["State"]["ExitCode"] for n in names}
        self.remove()
        return Ended(statuses, left, seconds)

    def _running(self) -> list[str]:
        """Names of the containers that have not ended."""
        listed = docker("ps", "--format={{.Names}}", f"--filter=name=^{self.name}-").splitlines()
        return [n.removeprefix(f"{self.name}-") for n in listed if not n.endswith("-pause")]

    def remove(self) -> None:
        names = [self.container(n) for n in (*containers(self.document), "pause")]
        docker("rm", "--force", "--volumes", *names, check=False)
        shutil.rmtree(self._folder, ignore_errors=True)
