"""The Cloud Run services of k8s/cloudrun/ as data: read, filled in, and taken apart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "k8s" / "cloudrun"
SERVICES = ("predict", "watch", "collect")
EXAMPLE = {"PROJECT_ID": "example", "PROJECT_NUMBER": "123456789", "REGION": "europe-west1", "TAG": "local"}
DEPENDENCIES = "run.googleapis.com/container-dependencies"
Document = dict[str, Any]


def read_service(name: str, values: Mapping[str, str] = EXAMPLE) -> Document:
    """The file of a service with its `${...}` filled in. Raises KeyError for one that nobody has said."""
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(Template(text).substitute(values)))


def read_monitoring(name: str) -> Document:
    """What the service's Prometheus sidecar is told to scrape."""
    return dict(yaml.safe_load((FOLDER / "monitoring" / f"{name}.yaml").read_text(encoding="utf-8")))


def template(document: Document) -> Document:
    """The revision's metadata and spec."""
    return dict(document["spec"]["template"])


def annotated(part: Document) -> dict[str, str]:
    return dict((part.get("metadata") or {}).get("annotations") or {})


def containers(document: Document) -> dict[str, Document]:
    """Containers by name; those without a name by their place."""
    found = template(document)["spec"].get("containers") or []
    return {str(c.get("name") or place): c for place, c in enumerate(found)}


def volumes(document: Document) -> dict[str, Document]:
    return {v["name"]: v for v in template(document)["spec"].get("volumes") or []}


def dependencies(document: Document) -> dict[str, list[str]]:
    """Whom each container waits for. Raises ValueError when the annotation is no JSON object of lists."""
    said = json.loads(annotated(template(document)).get(DEPENDENCIES, "{}"))
    if not isinstance(said, dict) or not all(isinstance(v, list) for v in said.values()):
        raise ValueError("must be an object of lists")
    return said


def variables(container: Document) -> dict[str, Document]:
    """Environment variables by name."""
    return {e["name"]: e for e in container.get("env") or []}
