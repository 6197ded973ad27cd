"""Where the commands look for the stack: the environment first, then the `.env` that `make run` reads."""

import os

import pytest
from typer.testing import CliRunner

from pilothouse.cli import app
from pilothouse.commands.connection import address, api_key, page_address, reachable
from pilothouse.errors import PilothouseError
from testkit.ports import free_port


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty present folder, and an environment that says nothing of a stack."""
    for name in [n for n in os.environ if n.startswith("PILOTHOUSE_") or n.endswith("_PORT")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_word_it_is_where_make_run_puts_it():
    assert address("inference") == "http://127.0.0.1:8000"
    assert page_address() == "http://127.0.0.1:8501"
    assert api_key() is None


def test_ports_of_the_env_file_are_found(folder):
    (folder / ".env").write_text("# moved\nDRIFT_PORT=9002\nFRONTEND_PORT='9501'\nINFERENCE_PORT=8100-8102\n")
    assert address("drift") == "http://127.0.0.1:9002"
    assert page_address() == "http://127.0.0.1:9501"
    assert address("inference") == "http://127.0.0.1:8100"


def test_the_environment_wins_over_the_file(folder, monkeypatch):
    (folder / ".env").write_text("DRIFT_PORT=9002\nPILOTHOUSE_PUBLIC_URL=https://watch.example.com/\n")
    monkeypatch.setenv("DRIFT_PORT", "9003")
    assert address("drift") == "http://127.0.0.1:9003"
    monkeypatch.setenv("PILOTHOUSE_DRIFT_URL", "http://drift:8002/")
    assert address("drift") == "http://drift:8002"
    assert page_address() == "https://watch.example.com"


def test_a_stack_that_listens_elsewhere_is_asked_there(folder):
    (folder / ".env").write_text("PILOTHOUSE_HOST=10.0.0.7\n")
    assert address("collector") == "http://10.0.0.7:8001"


@pytest.mark.parametrize(
    ("host", "found"), [("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1"), ("", "127.0.0.1"), ("10.0.0.7", "10.0.0.7")]
)
def test_every_interface_is_reached_on_this_machine(host, found):
    assert reachable(host) == found


def test_a_key_may_be_in_a_file(folder, monkeypatch):
    (folder / "key").write_text("secret\n")
    monkeypatch.setenv("PILOTHOUSE_API_KEY_FILE", str(folder / "key"))
    assert api_key() == "secret"
    monkeypatch.setenv("PILOTHOUSE_API_KEY", "another")
    assert api_key() == "another"


def test_a_key_file_that_cannot_be_read_is_named(folder, monkeypatch):
    monkeypatch.setenv("PILOTHOUSE_API_KEY_FILE", "missing")
    with pytest.raises(PilothouseError, match="PILOTHOUSE_API_KEY_FILE=missing cannot be read: No such file"):
        api_key()
    said = CliRunner().invoke(app, ["drift", "houses"])
    assert said.exit_code == 1 and "PILOTHOUSE_API_KEY_FILE=missing" in said.output


@pytest.mark.parametrize(
    ("command", "service"),
    [("predict houses rows.csv", "inference"), ("drift houses", "drift"), ("label 1 2", "collector")],
)
def test_a_command_asks_where_the_env_file_says_and_names_the_address(folder, command, service):
    port = free_port()
    (folder / "rows.csv").write_text("a\n1\n")
    (folder / ".env").write_text(f"{service.upper()}_PORT={port}\n")
    said = CliRunner().invoke(app, command.split())
    assert said.exit_code == 1
    assert f"http://127.0.0.1:{port}" in said.output.replace("\n", "")
