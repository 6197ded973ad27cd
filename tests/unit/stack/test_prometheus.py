"""Prometheus beside `make run`: compose's own configuration with other targets, and reasons to go without."""

import socket
from pathlib import Path

import pytest
import yaml

from stack.programs import Login, Program, service_programs
from stack.prometheus import local_config, prometheus_program
from stack.settings import PORTS, StackSettings
from testkit.ports import free_ports

ROOT = Path(__file__).resolve().parents[3]
CONFIG = ROOT / "prometheus/prometheus.yml"


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A PATH that has nothing but what a test puts there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def installed(path):
    (path / "prometheus").write_text("#!/bin/sh\n")
    (path / "prometheus").chmod(0o755)


def asked(tmp_path, alertmanager=None, **changes):
    given = {"state": tmp_path, "prometheus_config": CONFIG, "prometheus_port": free_ports(1)[0]}
    settings = StackSettings(**(given | changes))
    return prometheus_program(settings, service_programs(settings), alertmanager)


def test_every_service_and_prometheus_itself_have_one_target_and_the_rest_is_as_under_compose():
    targets = {name: f"127.0.0.1:{port}" for name, port in (PORTS | {"prometheus": 9090}).items()}
    config, original = local_config(CONFIG, targets), yaml.safe_load(CONFIG.read_text())
    found = {job["job_name"]: job["static_configs"] for job in config["scrape_configs"]}
    assert found == {name: [{"targets": [target]}] for name, target in targets.items()}
    assert config["global"] == original["global"]
    assert config["rule_files"] == [str(ROOT / "prometheus/rules/*.yml")]
    assert not any(key.endswith("_sd_configs") for job in config["scrape_configs"] for key in job)


def test_it_is_started_where_it_is_installed(tmp_path, path):
    installed(path)
    program, why_none = asked(tmp_path)
    assert why_none == ""
    assert program.optional
    written = yaml.safe_load((tmp_path / "prometheus/prometheus.yml").read_text())
    assert {j["job_name"] for j in written["scrape_configs"]} == {*PORTS, "prometheus"}


def test_it_sends_to_the_alertmanager_beside_it_and_reads_its_metrics(tmp_path, path):
    installed(path)
    login = Login("somebody", tmp_path / "password")
    alertmanager = Program("alertmanager", (), 9093, "ALERTMANAGER_PORT", login=login)
    program, _ = asked(tmp_path, alertmanager)
    written = yaml.safe_load((tmp_path / "prometheus/prometheus.yml").read_text())
    (sent,) = written["alerting"]["alertmanagers"]
    asks = {"username": "somebody", "password_file": str(tmp_path / "password")}
    assert sent == {"static_configs": [{"targets": ["127.0.0.1:9093"]}], "basic_auth": asks}
    (job,) = (j for j in written["scrape_configs"] if j["job_name"] == "alertmanager")
    assert job == {"job_name": "alertmanager"} | sent
    assert "--web.cors.origin=none" in program.command


def test_alone_it_judges_alerts_and_sends_none(tmp_path, path):
    installed(path)
    asked(tmp_path)
    assert "alerting" not in yaml.safe_load((tmp_path / "prometheus/prometheus.yml").read_text())


def test_without_it_the_stack_says_how_to_have_it(tmp_path, path):
    program, why_none = asked(tmp_path)
    assert program is None
    assert "apt install prometheus" in why_none


def test_a_port_that_another_program_holds_is_a_reason_to_go_without(tmp_path, path):
    installed(path)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        program, why_none = asked(tmp_path, prometheus_port=holder.getsockname()[1])
    assert program is None
    assert "PROMETHEUS_PORT" in why_none


@pytest.mark.parametrize("changes", [{"prometheus": "off"}, {"prometheus_url": "http://elsewhere:9090"}])
def test_who_does_not_want_it_or_has_one_hears_nothing(tmp_path, path, changes):
    installed(path)
    assert asked(tmp_path, **changes) == (None, "")


def test_one_service_of_a_machine_says_what_the_machine_does(tmp_path):
    programs = service_programs(StackSettings(state=tmp_path))
    said = {p.name for p in programs if p.environment["PILOTHOUSE_HOST_METRICS"] == "true"}
    assert said == {"collector"}
    programs = service_programs(StackSettings(state=tmp_path, host_metrics=False))
    assert {p.environment["PILOTHOUSE_HOST_METRICS"] for p in programs} == {"false"}
