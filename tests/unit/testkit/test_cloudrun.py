"""The rig for the Cloud Run files, as far as it needs no engine: who is let in, and what `docker run` is told."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from testkit.cloudrun.front_end import HEADER, FrontEnd
from testkit.cloudrun.instance import Instance
from testkit.cloudrun.manifests import FOLDER, SERVICES, containers, read_service
from testkit.metadata_server import token

AUDIENCE = "https://pilothouse-predict-123456789.europe-west1.run.app"
SOON = time.time() + 86_400  # read when the tests are collected, long before this one runs


@pytest.fixture
def world(tmp_path):
    names = ("api-keys", "inference-key", "drift-key", "frontend-key", "database-password")
    secrets = {f"pilothouse-{name}": f"the {name}" for name in names}
    secrets |= {f"pilothouse-{s}-monitoring": (FOLDER / f"monitoring/{s}.yaml").read_text() for s in SERVICES}
    return SimpleNamespace(
        folder=tmp_path, secrets=secrets, environment={"SSL_CERT_FILE": "/front-end.pem"}, sql_socket="/sql", files={}
    )


def started(world, service, name):
    """The instance, its container's document, and the options of its mounts."""
    instance = Instance(read_service(service), world, "run-1")
    container = containers(instance.document)[name]
    return instance, container, list(instance._mounts(container))


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, True),
        ({HEADER: "Bearer no-token"}, True),
        ({HEADER: f"Bearer {token(AUDIENCE, SOON)}"}, False),
        ({HEADER: f"Bearer {token(AUDIENCE, SOON - 2 * 86_400)}"}, True),
        ({HEADER: f"Bearer {token('https://somebody-else.run.app', SOON)}"}, True),
    ],
)
def test_the_front_end_lets_in_who_has_a_valid_token_for_its_service(headers, refused):
    assert FrontEnd(None, AUDIENCE).refuses(headers) is refused


def test_a_container_gets_the_manifests_variables_and_the_ingress_its_port_too(world):
    instance, inference, _ = started(world, "predict", "inference")
    found = instance._environment(inference)
    assert found["PILOTHOUSE_COLLECTOR_URL"] == "http://127.0.0.1:8001"
    assert (found["PORT"], found["K_SERVICE"], found["K_REVISION"]) == ("8000", "pilothouse-predict", "run-1")
    assert "PORT" not in instance._environment(containers(instance.document)["collector"])


def test_secrets_are_files_volumes_are_memory_and_the_database_is_a_socket(world):
    _, _, mounts = started(world, "predict", "inference")
    assert "--tmpfs=/state:rw,uid=10001,gid=10001,size=256m" in mounts
    assert "--mount=type=bind,source=/sql,target=/cloudsql/example:europe-west1:pilothouse/.s.PGSQL.5432" in mounts
    (keys,) = [m for m in mounts if "target=/secrets/keys" in m]
    assert keys.endswith(",readonly")
    file = Path(keys.split("source=")[1].split(",")[0]) / "api_keys"
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("the api-keys", 0o444)


def test_prometheus_scrapes_on_localhost_what_the_sidecar_would(world):
    _, _, mounts = started(world, "watch", "metrics")
    (config,) = [m.split("source=")[1].split(",")[0] for m in mounts if "rungmp.yml" in m]
    jobs = yaml.safe_load(Path(config).read_text())["scrape_configs"]
    found = {j["static_configs"][0]["targets"][0] for j in jobs}
    assert found == {"127.0.0.1:8501", "127.0.0.1:8002", "127.0.0.1:8001"}


@pytest.mark.parametrize(
    ("service", "name", "image"),
    [
        ("predict", "inference", "pilothouse-inference:with-models"),
        ("watch", "frontend", "pilothouse-frontend:latest"),
        ("collect", "metrics", "prom/prometheus:v3"),
    ],
)
def test_every_container_is_one_of_our_images_or_the_stand_in(world, service, name, image):
    instance, container, _ = started(world, service, name)
    assert instance._image(container)[0] == image
