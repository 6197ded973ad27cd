"""Alertmanager beside the services of `make run`, where one is installed: alerts become messages as under compose.

When it is missing, or another program holds its port, the stack runs without it and says so.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import subprocess
from pathlib import Path

import bcrypt

from stack.alert_channels import TEAMS_SINCE, channels
from stack.alert_settings import AlertSettings
from stack.alertmanager import replace, sentences, write
from stack.programs import Login, Program, port_faults
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
        "PILOTHOUSE_ALERTMANAGER_URL": alertmanager.address_with_login,
        "PILOTHOUSE_ALERT_CHANNELS_FILE": str(settings.state.resolve() / NAME / "public/channels.json"),
    }


def _program(settings: StackSettings, executable: str, folder: Path) -> Program:
    command = (
        executable,
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{settings.alertmanager_port}",
        f"--web.config.file={folder / 'web.yml'}",
        "--cluster.listen-address=",
        "--data.maintenance-interval=1m",  # it writes down silences so often, and when it stops
        "--log.level=warn",
    )
    return Program(
        NAME, command, settings.alertmanager_port, "ALERTMANAGER_PORT", ready_path="/-/ready", page="",
        purpose="sends alerts to people", optional=True, login=_login(folder),
    )  # fmt: skip


def _login(folder: Path) -> Login:
    """Its API lets every web page in, so it asks for a password, which is kept. One of 192 bits needs no slow hash."""
    login = Login("pilothouse", folder / "password")
    if not login.password_file.is_file():
        replace(login.password_file, secrets.token_hex(24))
    hashed = bcrypt.hashpw(login.password.encode(), bcrypt.gensalt(rounds=4)).decode()
    replace(folder / "web.yml", json.dumps({"basic_auth_users": {login.user: hashed}}))
    return login


def _version(executable: str) -> tuple[int, ...]:
    done = subprocess.run([executable, "--version"], text=True, capture_output=True, timeout=30, check=False)
    found = re.search(r"version (\d+)\.(\d+)", done.stdout + done.stderr)
    return (int(found[1]), int(found[2])) if found else TEAMS_SINCE
