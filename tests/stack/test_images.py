"""Our images: what is in them, and what is not. Needs a Docker engine."""

import json

import pytest

from testkit.stack.compose import OURS, docker_answers, run

pytestmark = [
    pytest.mark.compose,
    pytest.mark.skipif(not docker_answers(), reason="no Docker engine answers"),
]
MOST_MEGABYTES = {"inference": 400, "collector": 300, "drift": 800, "frontend": 460}


@pytest.fixture(scope="module", autouse=True)
def built():
    run("docker", "compose", "build")


@pytest.mark.parametrize("service", OURS)
def test_an_image_is_small(service):
    size = int(run("docker", "image", "inspect", f"pilothouse-{service}", "--format", "{{.Size}}").stdout)
    assert size < MOST_MEGABYTES[service] * 1_000_000


LOOK_FOR_DEBRIS = """
from importlib.util import find_spec
from pathlib import Path
from shutil import which
print([m for m in ("torch", "pytest", "pip", "tests", "stack") if find_spec(m)])
print([c for c in ("gcc", "cc", "g++", "make", "ld", "strip") if which(c)])
print([str(d) for d in map(Path, ("/root/.cache", "/tmp/.cache", "/build")) if d.exists()])
"""


@pytest.mark.parametrize("service", OURS)
def test_an_image_has_no_torch_compiler_cache_or_test_in_it(service):
    # as root, who may look everywhere
    done = run("docker", "run", "--rm", "--user", "0", f"pilothouse-{service}", "python", "-c", LOOK_FOR_DEBRIS)
    assert done.stdout.split("\n") == ["[]", "[]", "[]", ""]


@pytest.mark.parametrize("service", OURS)
def test_an_image_says_what_it_is_and_what_it_runs(service):
    config = json.loads(run("docker", "image", "inspect", f"pilothouse-{service}").stdout)[0]["Config"]
    assert config["Labels"]["org.opencontainers.image.title"] == f"pilothouse-{service}"
    assert config["Cmd"] == ["python", "-m", f"services.{service}"]
    assert config["Healthcheck"]["Test"][0] == "CMD"
