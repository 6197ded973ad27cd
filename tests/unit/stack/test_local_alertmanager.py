"""Alertmanager beside `make run`: started where it is installed, and reasons to go without."""

import socket
import stat

import bcrypt
import pytest
import yaml

from stack.local_alertmanager import alertmanager_program, page_settings
from stack.run import with_watchers
from stack.settings import StackSettings
from testkit.ports import free_port

COLLECTOR = "http://127.0.0.1:8001"


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A PATH that has nothing but what a test puts there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def installed(path, name="prometheus-alertmanager", version="0.25.0"):
    (path / name).write_text(f"#!/bin/sh\necho 'alertmanager, version {version} (branch: x)'\n")
    (path / name).chmod(0o755)


def settings(tmp_path, **changes):
    return StackSettings(**{"state": tmp_path / "state", "alertmanager_port": free_port()} | changes)


def test_it_listens_on_the_loopback_and_asks_for_a_password_that_is_kept(tmp_path, path):
    installed(path)
    given = settings(tmp_path, host="0.0.0.0")
    program, _ = alertmanager_program(given, COLLECTOR)
    web = tmp_path / "state/alertmanager/web.yml"
    assert f"--web.config.file={web}" in program.command
    (hashed,) = yaml.safe_load(web.read_text())["basic_auth_users"].values()
    assert bcrypt.checkpw(program.login.password.encode(), hashed.encode())
    assert {stat.S_IMODE(p.stat().st_mode) for p in (web, program.login.password_file)} == {0o600}
    assert f"--web.listen-address=127.0.0.1:{given.alertmanager_port}" in program.command
    assert "--cluster.listen-address=" in program.command
    assert program.optional
    password = program.login.password
    assert alertmanager_program(given, COLLECTOR)[0].login.password == password


def test_every_alert_goes_to_the_collector_which_asks_for_no_key(tmp_path, path):
    installed(path)
    alertmanager_program(settings(tmp_path), COLLECTOR)
    (receiver,) = yaml.safe_load((tmp_path / "state/alertmanager/alertmanager.yml").read_text())["receivers"]
    assert receiver["webhook_configs"] == [{"url": f"{COLLECTOR}/v1/alerts", "send_resolved": True}]


def test_the_page_is_told_where_it_is_and_who_is_told(tmp_path, path):
    installed(path)
    given = settings(tmp_path)
    program, _ = alertmanager_program(given, COLLECTOR)
    told = page_settings(given, program)
    login = f"pilothouse:{program.login.password}"
    assert told["PILOTHOUSE_ALERTMANAGER_URL"] == f"http://{login}@127.0.0.1:{given.alertmanager_port}"
    assert (tmp_path / "state/alertmanager/public/channels.json").samefile(told["PILOTHOUSE_ALERT_CHANNELS_FILE"])


@pytest.mark.parametrize(("version", "told"), [("0.25.0", True), ("0.28.1", False)])
def test_teams_is_left_out_where_what_is_installed_is_too_old(tmp_path, path, monkeypatch, version, told):
    monkeypatch.setenv("PILOTHOUSE_ALERT_TEAMS_URL", "http://127.0.0.1:1/x")
    installed(path, version=version)
    _, said = alertmanager_program(settings(tmp_path), COLLECTOR)
    assert any("needs Alertmanager 0.28, and 0.25 is installed" in line for line in said) is told


def test_without_it_the_stack_says_how_to_have_it(tmp_path, path):
    program, said = alertmanager_program(settings(tmp_path), COLLECTOR)
    assert program is None
    assert "apt install prometheus-alertmanager" in said[0]


def test_a_port_that_another_program_holds_is_a_reason_to_go_without(tmp_path, path):
    installed(path, name="alertmanager")
    with socket.create_server(("127.0.0.1", 0)) as holder:
        program, said = alertmanager_program(settings(tmp_path, alertmanager_port=holder.getsockname()[1]), COLLECTOR)
    assert program is None
    assert "ALERTMANAGER_PORT" in said[0]


@pytest.mark.parametrize("changes", [{"prometheus": "off"}, {"prometheus_url": "http://elsewhere:9090"}])
def test_without_a_prometheus_of_ours_there_is_nothing_to_send(tmp_path, path, changes):
    installed(path)
    assert with_watchers(settings(tmp_path, **changes), []) == ([], [])
