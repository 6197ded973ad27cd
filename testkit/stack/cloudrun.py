"""The world of a Cloud Run service for a test: Cloud SQL, secrets, the services, and clients that predict."""

import json
import threading
import time
from collections import Counter
from http.client import HTTPException
from pathlib import Path

from pilothouse.client import Client
from pilothouse.errors import PilothouseError
from scripts.cloudrun.front import Front, look
from scripts.cloudrun.local import DATABASE, make_secrets, make_service
from testkit.waiting import wait_for

MODEL = "house-prices"


class World:
    """A database as Cloud SQL, secrets, and services that are ended with it."""

    def __init__(self, folder, database, *, containers=False):
        self.folder, self.database, self._containers = folder, database, containers
        self.secrets = make_secrets(folder, database.password)
        self.lines = []
        self._services, self._fronts = [], []

    def service(self, name):
        socket = Path(self.database.folder) / f".s.PGSQL.{self.database.port}"
        made = make_service(
            name, self.folder, self.secrets, socket, lambda *line: self.lines.append(line), containers=self._containers
        )
        self._services.append(made)
        return made

    def front(self, service):
        """The address of a service's ingress."""
        self._fronts.append(Front(service.gateway, service.instance.ingress))
        return self._fronts[-1].url

    def key(self, name):
        return self.secrets[f"pilothouse-{name}-key"].strip()

    def stored(self, model=MODEL):
        """How often each record is in the database."""
        table = f"records_{model.replace('-', '_')}_%"
        found = self.database.sql(
            f"select relname from pg_class where relkind = 'p' and relname like '{table}'", DATABASE
        )
        return Counter(self.database.sql(f'select id from "{found.splitlines()[0]}"', DATABASE).splitlines())

    def close(self):
        for service in self._services:
            service.close()
        for front in self._fronts:
            front.close()


class Load:
    """Clients that predict until they are stopped, and the ids that they were answered."""

    def __init__(self, url, key, threads=4):
        self._url, self._key = url, key
        self.answered, self.unlogged, self.refused = [], 0, 0
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def _run(self):
        with Client(self._url, self._key, timeout_seconds=10) as client:
            example = client.manifest(MODEL).examples[0]
            while not self._stopped.is_set():
                try:
                    made = client.predict(MODEL, [example] * 5)
                except PilothouseError:
                    self.refused += 1
                    time.sleep(0.02)
                    continue
                self.answered += [p["id"] for p in made if p["logged"]]
                self.unlogged += sum(not p["logged"] for p in made)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        for thread in self._threads:
            thread.join()


def read(service, port, path):
    """The JSON that a port inside the instance answers; sidecars that nobody depends on may still be starting."""
    wait_for(lambda: answers(service, port), seconds=60)
    status, body = look(service.gateway, port, path, 60)
    assert status == 200, body
    return json.loads(body)


def answers(service, port):
    try:
        return look(service.gateway, port, "/")[0] > 0
    except (OSError, HTTPException):
        return False


def is_ready(service, port=8000):
    try:
        return look(service.gateway, port, "/health/ready")[0] == 200
    except OSError:
        return False  # there is no instance yet


def environment_of(container):
    """What the container's first process was started with."""
    words = Path(f"/proc/{container.pid}/environ").read_bytes().split(b"\0")
    return dict(word.decode().split("=", 1) for word in words if word)
