"""The Cloud Run services on this machine: `python -m scripts.cloudrun [predict] [watch] [collect]`, until Ctrl-C.

What `make cloudrun-local` calls. It reads the files that are deployed, and runs them with a PostgreSQL of its own: as
containers with ENGINE=docker (the images are those of `make images`), as processes otherwise.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

from pilothouse.package import open_package
from scripts.cloudrun import rules
from scripts.cloudrun.document import SERVICES, read_service
from scripts.cloudrun.engine import add_models, engine_answers
from scripts.cloudrun.front import Front
from scripts.cloudrun.image import ROOT
from scripts.cloudrun.instance import Service
from scripts.cloudrun.local import DATABASE, make_secrets, make_service
from scripts.cloudrun.processes import can_isolate
from testkit.postgres import PostgresServer, find_binaries

_EXAMPLE = ROOT / "models" / "house-prices" / "1"
_OUTSIDE = {
    "predict": "predictions (pilothouse-predict)",
    "watch": "the page (pilothouse-watch)",
    "collect": "labels and records from elsewhere (pilothouse-collect)",
}


def main() -> None:
    names = sys.argv[1:] or list(SERVICES)
    if unknown := set(names) - set(SERVICES):
        sys.exit(f"there is no service {', '.join(sorted(unknown))}: {', '.join(SERVICES)}")
    if faults := [f"{n}.yaml: {f}" for n in names for f in rules.faults(read_service(n))]:
        sys.exit("\n".join(faults))
    containers, binaries = os.environ.get("ENGINE") == "docker", find_binaries()
    why_not = ("" if engine_answers() else "no Docker engine answers") if containers else can_isolate()
    if why_not or binaries is None:
        sys.exit(why_not or "no PostgreSQL server here (Debian: apt-get install postgresql)")
    if containers:
        add_models()
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))  # ends like Ctrl-C, also while things start
    with suppress(KeyboardInterrupt), ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pilothouse-run-"))) for _ in "12"]
        database = PostgresServer(binaries, folders[0])
        stack.callback(database.kill)
        database.create()
        database.start()
        database.sql(f"CREATE DATABASE {DATABASE}")
        secrets = make_secrets(folders[1], database.password)
        served: list[_Served] = []
        for name in names:
            socket = folders[0] / f".s.PGSQL.{database.port}"
            service = make_service(name, folders[1], secrets, socket, _say, containers=containers)
            stack.callback(service.close)
            served.append(stack.enter_context(_Served(service, name)))
        print(_summary(served, folders[1] / "secrets"), flush=True)
        threading.Event().wait()


class _Served(ExitStack):
    """A service that runs, and is replaced when it fails, with a port of this machine before it."""

    def __init__(self, service: Service, name: str) -> None:
        super().__init__()
        instance = service.scale_up()
        front = Front(service.gateway, instance.ingress)
        self.callback(front.close)
        service.keep()
        self.name, self.url = name, front.url
        _say("front", f"pilothouse-{name} is ready at {front.url} (started in order: {', '.join(instance.started_in)})")


def _summary(served: list[_Served], secrets: Path) -> str:
    """What there is and what to try, last, where it is seen."""
    lines = ["", *(f"  {s.url}  {_OUTSIDE[s.name]}" for s in served), f"  {secrets}/api_keys  who may do what", ""]
    predicting = [s.url for s in served if s.name == "predict"]
    if predicting:
        example = json.dumps(open_package(_EXAMPLE, verify=False).manifest.examples[0])
        lines += [
            "Try a prediction, which is a row in PostgreSQL a moment later, and a change on the page:",
            f"  curl -H \"Authorization: Bearer $(cat {secrets}/admin_key)\" -H 'content-type: application/json' \\",
            f"    -d '{example}' {predicting[0]}/models/house-prices/predict",
            "",
        ]
    return "\n".join([*lines, "Ctrl-C stops everything, as Cloud Run would: SIGTERM, and ten seconds."])


def _say(name: str, line: str) -> None:
    print(f"{name:>9} | {line}", flush=True)


if __name__ == "__main__":
    main()
