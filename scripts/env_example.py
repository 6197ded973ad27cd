"""Write .env.example from the settings classes of the services: every setting, what it means, what it is without.

python -m scripts.env_example
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from pilothouse.serving.settings import ServiceSettings
from services.collector.settings import CollectorSettings
from services.drift.settings import DriftSettings
from services.frontend.settings import FrontendSettings
from services.inference.settings import InferenceSettings

FILE = Path(__file__).resolve().parent.parent / ".env.example"
CLASSES: dict[str, type[ServiceSettings]] = {
    "Inference": InferenceSettings,
    "Collector": CollectorSettings,
    "Drift": DriftSettings,
    "Frontend": FrontendSettings,
}
HEAD = """\
# Every setting, with what it is when it is not set. Copy this file to .env, which `make run` and compose.yaml read,
# and take the # from those that you change. What is in the environment goes before .env.
# Under compose, the addresses and folders inside the containers are fixed; a *_PORT there is the one on this machine.
# Written by `make generated` from the settings classes; do not edit.
"""
COMPOSE = """
## OpenTelemetry's exporter, which reads these itself (docs/traces-and-logs.md)
# what it sends along with each request, as api-key=...
#OTEL_EXPORTER_OTLP_HEADERS=
# gzip, deflate or none
#OTEL_EXPORTER_OTLP_COMPRESSION=none
# file of the certificates that it trusts
#OTEL_EXPORTER_OTLP_CERTIFICATE=
# what is said of every span, as deployment.environment=staging
#OTEL_RESOURCE_ATTRIBUTES=

## make run alone
# auto: start Prometheus too, where one is installed and its port is free; off: do not
#PILOTHOUSE_PROMETHEUS=auto
# what it reads; the targets in it are replaced by the services of `make run`
#PILOTHOUSE_PROMETHEUS_CONFIG=prometheus/prometheus.yml

## compose.yaml alone
# folder of the secrets; `make secrets` makes it and sets this
#PILOTHOUSE_SECRETS=./secrets
# address of this machine that the ports are published on
#PUBLISH=127.0.0.1
#PROMETHEUS_PORT=9090
#GRAFANA_PORT=3000
# how long Prometheus keeps its metrics
#PROMETHEUS_RETENTION=30d
# cores that a container may use
#CPUS=1
# user and group that own models/, for the profile train
#TRAIN_USER=1000:1000
# where the profile train gets torch from, beside the Python index: PyTorch's wheels without CUDA
#TORCH_INDEX=https://download.pytorch.org/whl/cpu
# commit that the images are labelled with
#REVISION=unknown
"""


def variable(name: str, field: FieldInfo) -> str:
    """The environment variable of a setting; the first, where it has several."""
    alias = field.validation_alias
    first = alias.choices[0] if isinstance(alias, AliasChoices) else alias
    return str(first or f"PILOTHOUSE_{name.upper()}")


def section(title: str, kind: type[ServiceSettings], known: set[str]) -> Iterator[str]:
    """The settings of a class that are not `known` yet."""
    yield f"\n## {title}"
    for name, field in kind.model_fields.items():
        key = variable(name, field)
        if key not in known:
            known.add(key)
            yield f"# {field.description}\n#{key}={shown(field)}"


def shown(field: FieldInfo) -> str:
    default = field.default
    if default is None or field.is_required():
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def text() -> str:
    """The file as it is committed."""
    known = {"PILOTHOUSE_PORT"}  # each service has a variable of its own for that
    sections = {"Every service": ServiceSettings} | CLASSES
    lines = [line for title, kind in sections.items() for line in section(title, kind, known)]
    return HEAD + "\n".join(lines) + "\n" + COMPOSE


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
