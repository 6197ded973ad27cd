"""Alertmanager's configuration for this installation: the generated one, and the channels that are set.

`python -m stack.alertmanager FOLDER` writes it, as compose does at its start (service `setup`). `make run` starts
Alertmanager with it, where one is installed.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml

from pilothouse.wire.alerts import AlertChannel, AlertChannels
from stack.alert_channels import TEAMS_SINCE, Channel, channels
from stack.alert_settings import AlertSettings
from stack.channel_check import check
from stack.programs import Program, port_faults
from stack.settings import StackSettings

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "alertmanager"
NAME = "alertmanager"
_EXECUTABLES = ("alertmanager", "prometheus-alertmanager")  # the latter is Debian's
_PRIVATE = 0o600


def write(folder: Path, found: list[Channel], inbox: str | None = None) -> list[AlertChannel]:
    """alertmanager.yml with these channels, its templates, and public/channels.json, which has no secrets. With an
    `inbox`, the collector is there and asks for no key. Returns what is known of the channels."""
    public = folder / "public"
    public.mkdir(parents=True, exist_ok=True)
    shutil.copytree(SOURCE / "templates", folder / "templates", dirs_exist_ok=True)
    _replace(folder / "alertmanager.yml", yaml.safe_dump(_config(found, inbox), sort_keys=False), _PRIVATE)
    known = check(found)
    state = AlertChannels(datetime.now(UTC).isoformat(timespec="seconds"), known)
    _replace(public / "channels.json", msgspec.json.encode(state).decode(), 0o644)
    return known


def sentences(known: list[AlertChannel]) -> list[str]:
    """For the terminal: where alerts go, and why where they do not."""
    good = [f"{c.integration} ({c.target})" for c in known if not c.why_not]
    bad = [f"Alerts do not go out by {c.integration}: {c.why_not}" for c in known if c.why_not]
    where = f"Alerts go to {', '.join(good)}." if good else "Alerts go to the page alone (docs/monitoring.md)."
    return [where, *bad]


def _config(found: list[Channel], inbox: str | None) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((SOURCE / "alertmanager.yml").read_text(encoding="utf-8"))
    (receiver,) = config["receivers"]
    if inbox:
        receiver["webhook_configs"] = [{"url": inbox, "send_resolved": True}]
    for channel in found:
        if channel.configuration:
            more = {"send_resolved": True} | channel.configuration
            receiver.setdefault(f"{channel.integration}_configs", []).append(more)
    return config


def _replace(path: Path, text: str, mode: int) -> None:
    """At once, and never readable by more than `mode` allows."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)


def alertmanager_program(settings: StackSettings, inbox: str) -> tuple[Program | None, list[str]]:
    """Alertmanager for `make run`, or None; and what there is to say about it."""
    executable = next((found for name in _EXECUTABLES if (found := shutil.which(name))), None)
    if executable is None:
        return None, ["No Alertmanager here, so alerts stay on the page (Debian: apt install prometheus-alertmanager)."]
    folder = settings.state.resolve() / NAME
    folder.mkdir(parents=True, exist_ok=True)
    program = _program(settings, executable, folder)
    if port_faults([program]):
        return None, [f"No Alertmanager: port {program.port} is in use (ALERTMANAGER_PORT chooses another)."]
    return program, sentences(write(folder, channels(AlertSettings(), _version(executable)), inbox))


def _program(settings: StackSettings, executable: str, folder: Path) -> Program:
    prefix = _route_prefix(folder)
    command = (
        executable,
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{settings.alertmanager_port}",
        f"--web.route-prefix={prefix}",
        "--cluster.listen-address=",
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
        _replace(path, "/" + secrets.token_urlsafe(16), _PRIVATE)
    return path.read_text(encoding="utf-8")


def _version(executable: str) -> tuple[int, ...]:
    done = subprocess.run([executable, "--version"], text=True, capture_output=True, timeout=30, check=False)
    found = re.search(r"version (\d+)\.(\d+)", done.stdout + done.stderr)
    return (int(found[1]), int(found[2])) if found else TEAMS_SINCE


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m stack.alertmanager", description=__doc__)
    parser.add_argument("folder", type=Path, help="where Alertmanager looks for alertmanager.yml")
    parser.add_argument("--owner", type=int, help="the user that Alertmanager runs as, where that is another")
    given = parser.parse_args()
    print("\n".join(sentences(write(given.folder, channels(AlertSettings())))), flush=True)
    if given.owner is not None:
        os.chown(given.folder / "alertmanager.yml", given.owner, -1)


if __name__ == "__main__":
    main()
