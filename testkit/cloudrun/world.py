"""What is around the services of a test: Cloud SQL, secrets, the metadata server and the front end."""

import json
import os
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from pilothouse.client import Client
from stack.secret_files import API_KEYS, api_keys, completed
from testkit.cloudrun.front_end import FrontEnd, make_certificate, serving
from testkit.cloudrun.instance import Instance, docker
from testkit.cloudrun.manifests import FOLDER, SERVICES, Document, annotated, read_service
from testkit.metadata_server import serving_metadata
from testkit.postgres import PostgresServer

MODEL, DATABASE = "house-prices", "pilothouse"
CERTIFICATE = "/front-end.pem"  # inside the containers


class World(ExitStack):
    """Start instances with `start`; everything ends with the block. The manifests run as they are deployed: what is
    added is where the metadata server is, and the front end's certificate."""

    def __init__(self, folder: Path, database: PostgresServer) -> None:
        super().__init__()
        self.folder, self.database = folder, database
        self.network = f"pilothouse-run-{os.getpid()}"
        docker("network", "create", "--internal", self.network)
        self.callback(docker, "network", "rm", self.network)
        self.secrets = make_secrets(database.password)
        self.sql_socket = Path(database.folder) / f".s.PGSQL.{database.port}"
        here = json.loads(docker("network", "inspect", self.network))[0]["IPAM"]["Config"][0]["Gateway"]
        self.metadata, metadata_host = self.enter_context(serving_metadata(time.time() + 3600, here))
        self.environment = {"GCE_METADATA_HOST": metadata_host, "SSL_CERT_FILE": CERTIFICATE}
        self.running: dict[str, Instance] = {}
        self._count = 0
        self._open_front_end(here)

    def _open_front_end(self, here: str) -> None:
        """Before predict, the one service that another one calls."""
        (audience,) = json.loads(annotated(read_service("predict"))["run.googleapis.com/custom-audiences"])
        host = str(urlsplit(audience).hostname)
        certificate, key = make_certificate(self.folder, host)
        self.hosts, self.files = {host: here}, {certificate: CERTIFICATE}
        self.front_end = FrontEnd(self._ingress, audience)
        self.enter_context(serving(self.front_end, here, certificate, key))

    def _ingress(self) -> str:
        return self.running["predict"].address()

    def start(self, name: str, document: Document | None = None) -> Instance:
        """A new instance of a service, or of a changed document of it. Raises StartFailed."""
        self._count += 1
        instance = Instance(document or read_service(name), self, f"{self.network}-{name}-{self._count}")
        self.callback(instance.remove)
        instance.start()
        self.running[name] = instance
        return instance

    def key(self, name: str) -> str:
        return self.secrets[f"pilothouse-{name}-key"].strip()

    def client(self) -> Client:
        """A client of the instance of predict that runs now."""
        return Client(self.running["predict"].url(), self.key("frontend"), timeout_seconds=10)

    def stored(self) -> Counter[str]:
        """How often each record of the model is in the database."""
        named = f"records_{MODEL.replace('-', '_')}_%"
        tables = self.database.sql(
            f"select relname from pg_class where relkind = 'p' and relname like '{named}'", DATABASE
        )
        return Counter(self.database.sql(f'select id from "{tables.splitlines()[0]}"', DATABASE).splitlines())


def make_secrets(database_password: str) -> dict[str, str]:
    """Secrets by their names in Secret Manager, made by stack/secret_files.py and from k8s/cloudrun/monitoring."""
    values = completed({})
    values[API_KEYS] = api_keys(values, "keys")
    made = {f"pilothouse-{name.replace('_', '-')}": text for name, text in values.items()}
    made |= {f"pilothouse-{n}-monitoring": (FOLDER / f"monitoring/{n}.yaml").read_text() for n in SERVICES}
    return made | {"pilothouse-database-password": database_password}
