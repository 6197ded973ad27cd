"""What the service `setup` of compose.yaml does before the others start: `python -m stack.compose_setup`.

It refuses with a sentence where a port is taken, or where files of the clone cannot be read in the containers. Then it
puts passwords and keys into the volume `secrets`, with a folder for each container.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic import ValidationError

from stack.mounted_files import unreadable_faults
from stack.published_ports import published_port_faults
from stack.secret_files import API_KEYS, DATABASE, GRAFANA, NAMES, api_keys, completed, read, write
from stack.settings import ComposeSettings

# where compose.yaml mounts them in `setup`
VOLUME, OWN, CLONE = Path("/secrets"), Path("/own"), Path("/clone")
DATABASE_DATA, GRAFANA_DATA = Path("/data/postgres/PG_VERSION"), Path("/data/grafana/grafana.db")
FOLDERS = {  # of the volume: what each container is given
    "inference": (API_KEYS, "inference_key"),
    "collector": (API_KEYS, DATABASE),
    "drift": (API_KEYS, "drift_key"),
    "frontend": (API_KEYS, "frontend_key"),
    "postgres": (DATABASE,),
    "alertmanager": ("alertmanager_key",),
    "grafana": (GRAFANA,),
    "admin": ("admin_key", "reader_key"),
}
PUBLIC = "alertmanager/public"  # what the page reads, and alertmanager.py writes
LOST_DATABASE = (
    "database_password is lost from the volume `secrets`, and the database has data that it alone opens: put it into a "
    "folder of secrets (PILOTHOUSE_SECRETS), or give the database another one as docs/databases.md says"
)
LOST_GRAFANA = (
    "grafana_password was lost and is made again, but Grafana keeps the former one. To tell Grafana: docker compose "
    "exec grafana sh -c 'grafana cli admin reset-admin-password --password-from-stdin < /run/secrets/grafana_password'"
)


def main() -> None:
    try:
        settings = ComposeSettings()
    except ValidationError as error:
        sys.exit("\n".join(f"{f['loc'][0]}={f['input']!r}: {f['msg']}" for f in error.errors()))
    _refuse(unreadable_faults(CLONE) + published_port_faults(settings.published(), settings.publish))
    if settings.secrets:
        values = _own(settings.secrets)
    else:
        values = _made()
        values[API_KEYS] = api_keys(values, settings.access)
    fill(VOLUME, values)


def fill(volume: Path, values: dict[str, str]) -> None:
    """Give each container its files. They can be read by every user, because each container has a user of its own and
    its own folder alone."""
    (volume / PUBLIC).mkdir(mode=0o755, parents=True, exist_ok=True)
    for name, names in FOLDERS.items():
        folder = volume / name
        folder.mkdir(mode=0o755, exist_ok=True)
        write(folder, {n: values[n] for n in names}, 0o444)


def kept(volume: Path) -> dict[str, str]:
    """What the volume has from earlier starts; a file that one container lost is taken from another's folder."""
    return {name: text for folder in FOLDERS for name, text in read(volume / folder, former={}).items()}


def _own(named: str) -> dict[str, str]:
    values = read(OWN)
    missing = [n for n in (*NAMES, API_KEYS) if n not in values]
    _refuse([f"{named}/{name} is missing or empty (PILOTHOUSE_SECRETS names this folder)" for name in missing])
    return values


def _made() -> dict[str, str]:
    known = kept(VOLUME)
    if DATABASE not in known and DATABASE_DATA.exists():
        _refuse([LOST_DATABASE])
    if GRAFANA not in known and GRAFANA_DATA.exists():
        print(LOST_GRAFANA)
    if not known:
        print("Passwords and keys are made, in the volume `secrets`.")
    return completed(known)


def _refuse(faults: list[str]) -> None:
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
