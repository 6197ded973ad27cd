"""Alertmanager's configuration for this installation: the generated one, and the channels that are set.

`python -m stack.alertmanager FOLDER` writes it, for a folder that Alertmanager alone is given.
"""

from __future__ import annotations

import argparse
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml

from pilothouse.wire.alerts import AlertChannel, AlertChannels
from stack.alert_channels import Channel, channels
from stack.alert_settings import AlertSettings
from stack.channel_check import check

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "alertmanager"
_READABLE, _PRIVATE = 0o644, 0o600


def write(folder: Path, found: list[Channel], inbox: str | None = None) -> list[AlertChannel]:
    """alertmanager.yml with these channels, its templates, and public/channels.json, which has no secrets. With an
    `inbox` the collector is there, asks for no key, and the file is for its owner alone. Without one every user can
    read it, because in a container Alertmanager is another user. Returns what is known of the channels."""
    public = folder / "public"
    public.mkdir(parents=True, exist_ok=True)
    shutil.copytree(SOURCE / "templates", folder / "templates", dirs_exist_ok=True)
    config = yaml.safe_dump(_config(found, inbox), sort_keys=False)
    replace(folder / "alertmanager.yml", config, _PRIVATE if inbox else _READABLE)
    known = check(found)
    state = AlertChannels(datetime.now(UTC).isoformat(timespec="seconds"), known)
    replace(public / "channels.json", msgspec.json.encode(state).decode(), _READABLE)
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


def replace(path: Path, text: str, mode: int = _PRIVATE) -> None:
    """Write it whole or not at all, and never readable by more than `mode` allows."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m stack.alertmanager", description=__doc__)
    parser.add_argument("folder", type=Path, help="where Alertmanager looks for alertmanager.yml")
    print("\n".join(sentences(write(parser.parse_args().folder, channels(AlertSettings())))))


if __name__ == "__main__":
    main()
