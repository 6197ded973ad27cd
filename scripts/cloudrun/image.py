"""What a container's image brings: its environment, user and command, as its Dockerfile says; and the stand-ins.

The Prometheus sidecar of Google's cannot be had here. In its place, Prometheus itself scrapes what RunMonitoring names.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from scripts.cloudrun.document import FOLDER, Document

ROOT = FOLDER.parents[1]
GMP = "cloud-run-gmp-sidecar"
MODELS = "/models"
_STANDIN_PORT = 13133  # where Google's answers its liveness probe


@dataclass(frozen=True, slots=True)
class Image:
    """`service` is None for a stand-in. `files` are contents by path, laid over what is mounted."""

    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    service: str | None = None
    with_models: bool = False
    files: dict[str, str] = field(default_factory=dict)
    liveness_path: str | None = None


def image_of(container: Document, monitoring: Document) -> Image:
    """What stands for the container's image. Raises LookupError for one that nothing here stands for."""
    name = container["image"].rpartition("/")[2].partition(":")[0]
    if name == GMP:
        return _prometheus(monitoring)
    dockerfile = ROOT / "services" / name / "Dockerfile"
    if not dockerfile.is_file():
        raise LookupError(f"{container['image']}: no service and no stand-in has this name")
    return read_dockerfile(dockerfile, name)


def read_dockerfile(path: Path, service: str) -> Image:
    """The last stage's ENV and CMD."""
    stage = path.read_text(encoding="utf-8").replace("\\\n", " ").rpartition("\nFROM ")[2]
    environment: dict[str, str] = {}
    for line in re.findall(r"^ENV (.*)$", stage, re.MULTILINE):
        environment |= dict(word.split("=", 1) for word in shlex.split(line))
    environment.pop("PATH", None)
    (command,) = re.findall(r"^CMD (\[.*\])$", stage, re.MULTILINE)
    return Image(tuple(json.loads(command)), environment, service, "PILOTHOUSE_MODELS" in environment)


def _prometheus(monitoring: Document) -> Image:
    config = yaml.safe_dump(scrape_config(monitoring))
    path = "/tmp/prometheus.yml"  # noqa: S108 - inside the container, whose /tmp is its own
    command = (
        "prometheus",
        f"--config.file={path}",
        "--storage.tsdb.path=/tmp/prometheus",
        f"--web.listen-address=0.0.0.0:{_STANDIN_PORT}",
        "--log.level=warn",
    )
    return Image(command, files={path: config}, liveness_path="/-/healthy")


def scrape_config(monitoring: Document) -> dict[str, Any]:
    """Prometheus's configuration for a RunMonitoring, with the labels that Google's sidecar gives."""
    jobs = [
        {
            "job_name": f"run-gmp-sidecar-{place}",
            "metrics_path": endpoint.get("path", "/metrics"),
            "scrape_interval": "1s",  # a test waits for it; Google's is `interval`
            "scrape_timeout": "1s",
            "static_configs": [
                {
                    "targets": [f"0.0.0.0:{endpoint['port']}"],
                    "labels": {
                        "job": monitoring["metadata"]["name"],
                        "cluster": "__run__",
                        "instance": f"local:{endpoint['port']}",
                    },
                }
            ],
        }
        for place, endpoint in enumerate(monitoring["spec"]["endpoints"])
    ]
    return {"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}
