"""Prometheus beside the services of `make run`, where one is installed: graphs, rules and alerts as under compose.

It reads compose's own configuration with other targets, so there is one configuration to keep. When Prometheus is
missing, or another program holds its port, the stack runs without it and says so.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pilothouse.commands.connection import page_address, reachable
from stack.programs import Program, port_faults
from stack.settings import StackSettings

NAME = "prometheus"
_RETENTION = "15d"


def prometheus_program(
    settings: StackSettings, services: list[Program], alertmanager: Program | None = None
) -> tuple[Program | None, str]:
    """Prometheus for these programs, or None; and why there is none, as a sentence (empty when it was not wanted)."""
    executable = shutil.which(NAME)
    if settings.prometheus == "off" or settings.prometheus_url:
        return None, ""
    if executable is None:
        return None, "No Prometheus here, so no graphs, alerts and messages (Debian: apt install prometheus)."
    if not settings.prometheus_config.is_file():
        return None, f"No Prometheus: there is no {settings.prometheus_config}."
    config = settings.state.resolve() / NAME / "prometheus.yml"
    program = _program(settings, executable, config)
    if port_faults([program]):
        return None, f"No Prometheus: port {program.port} is in use (PROMETHEUS_PORT chooses another)."
    targets = {s.name: f"{reachable(s.host)}:{s.port}" for s in (*services, program)}
    config.parent.mkdir(parents=True, exist_ok=True)
    content = with_alertmanager(local_config(settings.prometheus_config, targets), alertmanager)
    config.write_text(yaml.safe_dump(content), "utf-8")
    return program, ""


def local_config(path: Path, targets: Mapping[str, str]) -> dict[str, Any]:
    """The configuration at `path` with one target for each job, and without the jobs that have none here."""
    config: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["rule_files"] = [str(path.resolve().parent / pattern) for pattern in config.get("rule_files", ())]
    jobs = [job for job in config["scrape_configs"] if job["job_name"] in targets]
    config["scrape_configs"] = [
        {key: value for key, value in job.items() if not key.endswith("_sd_configs")}
        | {"static_configs": [{"targets": [targets[job["job_name"]]]}]}
        for job in jobs
    ]
    return config


def with_alertmanager(config: dict[str, Any], alertmanager: Program | None) -> dict[str, Any]:
    """The configuration with this Alertmanager in place of compose's; with none, alerts are judged and not sent."""
    if alertmanager is None:
        return {key: value for key, value in config.items() if key != "alerting"}
    there: dict[str, Any] = {"static_configs": [{"targets": [f"{alertmanager.host}:{alertmanager.port}"]}]}
    if login := alertmanager.login:
        there["basic_auth"] = {"username": login.user, "password_file": str(login.password_file)}
    alerting = config.get("alerting", {}) | {"alertmanagers": [there]}
    job = {"job_name": alertmanager.name} | there
    return config | {"alerting": alerting, "scrape_configs": [*config["scrape_configs"], job]}


def _program(settings: StackSettings, executable: str, config: Path) -> Program:
    command = (
        executable,
        f"--config.file={config}",
        f"--storage.tsdb.path={config.parent / 'data'}",
        f"--storage.tsdb.retention.time={_RETENTION}",
        f"--web.listen-address={settings.host}:{settings.prometheus_port}",
        "--enable-feature=expand-external-labels",  # for links in alerts
        "--web.cors.origin=none",  # else any web page may read all of it
        "--log.level=warn",
    )
    return Program(
        NAME, command, settings.prometheus_port, "PROMETHEUS_PORT", ready_path="/-/ready", host=settings.host,
        environment={"PILOTHOUSE_PUBLIC_URL": page_address()}, page="/alerts", purpose="metrics and alerts",
        optional=True,
    )  # fmt: skip
