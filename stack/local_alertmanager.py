"""Alertmanager beside the services of `make run`, where one is installed: alerts become messages as under compose.

When it is missing, or another program holds its port, the stack runs without it and says so.
"""

from __future__ import annotations

import re
import secrets
import shutil
import subprocess
from pathlib import Path

from stack.alert_channels import TEAMS_SINCE, channels
from stack.alert_settings import AlertSettings
from stack.alertmanager import replace, sentences, write
from stack.programs import Program, port_faults
from stack.settings import StackSettings

NAME = "alertmanager"
_EXECUTABLES = (NAME, "prometheus-alertmanager")  # the latter is Debian's


def alertmanager_program(settings: StackSettings, collector: str) -> tuple[Program | None, list[str]]:
    """Alertmanager for a stack whose collector has this address, or None; and what there is to say about it."""
    executable = next((found for name in _EXECUTABLES if (found := shutil.which(name))), None)
    if executable is None:
        return None, ["No Alertmanager here, so alerts stay on the page (Debian: apt install prometheus-alertmanager)."]
    folder = settings.state.resolve() / NAME
    folder.mkdir(parents=True, exist_ok=True)
    program = _program(settings, executable, folder)
    if port_faults([program]):
        return None, [f"No Alertmanager: port {program.port} is in use (ALERTMANAGER_PORT chooses another)."]
    return program, sentences(write(folder, channels(AlertSettings(), _version(executable)), f"{collector}/v1/alerts"))


def page_settings(settings: StackSettings, alertmanager: Program) -> dict[str, str]:
    """What the page has to know of it."""
    return {
        "PILOTHOUSE_ALERTMANAGER_URL": f"{alertmanager.address}{alertmanager.page}",
        "PILOTHOUSE_ALERT_CHANNELS_FILE": str(settings.state.resolve() / NAME / "public/channels.json"),
    }


def _program(settings: StackSettings, executable: str, folder: Path) -> Program:
    prefix = _route_prefix(folder)
    command = (
        executable,
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{settings.alertmanager_port}",
        f"--web.route-prefix={prefix}",
        "--cluster.listen-address=",
        "--data.maintenance-interval=1m",  # it writes down silences so often, and when it stops
        "--log.level=warn",
    )
    return Program(
        NAME, command, settings.alertmanager_port, "ALERTMANAGER_PORT", ready_path=f"{prefix}/-/ready",
        page=prefix, purpose="sends alerts to people", optional=True,
    )  # fmt: skip


def _route_prefix(folder: Path) -> str:
    """Its API lets any web page in, so that no web page must know where it is. Kept, so that addresses stay."""
    path = folder / "route_prefix"
    if not path.is_file():
        replace(path, "/" + secrets.token_hex(6))
    return path.read_text(encoding="utf-8")


def _version(executable: str) -> tuple[int, ...]:
    done = subprocess.run([executable, "--version"], text=True, capture_output=True, timeout=30, check=False)
    found = re.search(r"version (\d+)\.(\d+)", done.stdout + done.stderr)
    return (int(found[1]), int(found[2])) if found else TEAMS_SINCE
