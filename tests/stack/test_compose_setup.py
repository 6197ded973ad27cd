"""What the service `setup` of compose.yaml refuses, and with which sentence. Needs a Docker engine."""

import re
import socket

import pytest

from stack.secret_files import API_KEYS, NAMES, api_keys, completed
from testkit.stack.compose import Compose, docker_answers, run

pytestmark = [
    pytest.mark.compose,
    pytest.mark.skipif(not docker_answers(), reason="no Docker engine answers"),
]


@pytest.fixture
def compose(tmp_path):
    """A project of which nothing runs yet."""
    compose = Compose(tmp_path, "pilothouse-setup-test")
    compose.build()
    yield compose
    compose.down("--volumes", "--remove-orphans", "--timeout", "5")


@pytest.fixture
def own(tmp_path, compose):
    """A folder of secrets that somebody made."""
    folder = tmp_path / "own"
    folder.mkdir(mode=0o700)
    values = completed({})
    for name, text in {**values, API_KEYS: api_keys(values, "keys")}.items():
        (folder / name).write_text(f"{text}\n")
    compose.environment["PILOTHOUSE_SECRETS"] = str(folder)
    return folder


def test_a_port_in_use_ends_up_with_a_sentence_that_names_it_and_the_variable(compose):
    with socket.create_server(("127.0.0.1", compose.ports["drift"])), compose.attached() as terminal:
        terminal.until(rf"port {compose.ports['drift']}, which drift needs, is in use: .*DRIFT_PORT=", seconds=60)
        assert terminal.end(60) == 1
    assert {n for n, c in compose.inspect().items() if c["State"]["StartedAt"] > "0002"} == {"setup"}


def test_files_that_the_containers_cannot_read_are_named_with_the_remedy(compose):
    (compose.clone / "prometheus/rules").chmod(0o700)
    (compose.clone / "models/house-prices/1/manifest.yaml").chmod(0o600)
    said = compose.setup(check=False)
    assert (
        "models/house-prices/1/manifest.yaml cannot be read by the users in the containers (1 others neither)" in said
    )
    run("sh", "-c", re.search(r"chmod .*", said)[0], folder=compose.clone)
    assert "made" in compose.setup()


def test_secrets_of_ones_own_are_taken_as_they_are(compose, own):
    assert compose.setup() == ""
    found = compose.secrets()
    assert {path.partition("/")[2] for path in found} == {*NAMES, API_KEYS}
    assert all(text == (own / path.partition("/")[2]).read_text().strip() for path, text in found.items())


def test_of_secrets_of_ones_own_a_missing_file_is_named_and_none_is_made(compose, own):
    (own / "drift_key").unlink()
    (own / "grafana_password").write_text("")
    said = compose.setup(check=False)
    assert f"{own}/drift_key is missing or empty" in said
    assert f"{own}/grafana_password is missing or empty" in said
    assert not (own / "drift_key").exists()
    assert compose.secrets() == {}


def test_a_folder_of_an_earlier_version_serves_as_it_is(compose, own):
    (own / "alertmanager_key").rename(own / "grafana_key")
    (own / "reader_key").unlink()
    assert compose.setup() == ""
    assert compose.secrets()["alertmanager/alertmanager_key"] == (own / "grafana_key").read_text().strip()


def test_a_lost_password_of_a_database_with_data_is_refused_with_a_remedy_that_works(compose):
    compose("up", "--detach", "--wait", "postgres")
    compose.down()
    compose.setup("rm", "/secrets/postgres/database_password")
    compose.setup()  # the collector's copy is left
    compose.setup("rm", "/secrets/postgres/database_password", "/secrets/collector/database_password")
    said = compose.setup(check=False)
    assert "database_password is lost" in said
    assert "docs/databases.md" in said
    page = (compose.clone / "docs/databases.md").read_text().partition("## A lost password")[2]
    for command in re.search(r"```\n(.*?)```", page, re.DOTALL)[1].splitlines():
        run("sh", "-c", command, environment=compose.environment, folder=compose.clone)
    compose("up", "--detach", "--wait", "collector")  # which logs in with it
