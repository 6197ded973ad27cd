"""Passwords and API keys as files, random, each made where it is missing.

`python3 -m stack.secret_files FOLDER` makes them in one folder, for Kubernetes, Cloud Run or a secret manager.
compose_setup.py makes the same ones in a volume, with a folder for each container. Standard library only.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

DATABASE, GRAFANA, API_KEYS = "database_password", "grafana_password", "api_keys"
SCOPES = {
    "inference_key": "ingest",
    "drift_key": "read,ingest",
    "frontend_key": "predict,read,ingest",
    "alertmanager_key": "ingest",
    "reader_key": "predict,read",
    "admin_key": "admin",
}
NAMES = (DATABASE, GRAFANA, *SCOPES)
# what a folder of an earlier version has instead
FORMER = {"alertmanager_key": "grafana_key", "reader_key": "admin_key"}
_HEAD = "# who may do what, as every service reads it: KEY scope,scope (predict, ingest, read, admin)\n"
_OPEN = "# what callers without a key may do; take the line out, and everything needs a key\nanonymous predict,read\n"


def completed(known: Mapping[str, str]) -> dict[str, str]:
    """Every secret by its name: those known, and random ones of 192 bits for the others."""
    return {name: known.get(name) or secrets.token_hex(24) for name in NAMES}


def api_keys(values: Mapping[str, str], access: str) -> str:
    """The file of keys that every service reads; `access` is `open` or `keys`."""
    lines = [f"{values[name].strip()} {scopes}\n" for name, scopes in SCOPES.items()]
    return _HEAD + (_OPEN if access == "open" else "") + "".join(lines)


def read(folder: Path, former: Mapping[str, str] = FORMER) -> dict[str, str]:
    """The secrets in a folder, by name, or by what an earlier version had instead; an empty file is none."""
    names = {name: (name, *former.get(name, "").split()) for name in (*NAMES, API_KEYS)}
    texts = {n: _text(folder / n) for also in names.values() for n in also}
    found = {name: next((texts[n] for n in also if texts[n]), "") for name, also in names.items()}
    return {name: text for name, text in found.items() if text}


def write(folder: Path, values: Mapping[str, str], mode: int) -> None:
    """Write each value to a file of its name, whole or not at all; one that says so already is left alone."""
    for name, text in values.items():
        if _text(folder / name) == text:
            continue
        unfinished = folder / f".{name}"
        unfinished.write_text(text, encoding="utf-8")
        unfinished.chmod(mode)
        unfinished.replace(folder / name)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def main() -> None:
    """Make what is missing in the folder that is named, for its owner alone, and name what was made."""
    if len(sys.argv) != 2 or (access := os.environ.get("PILOTHOUSE_ACCESS", "open")) not in ("open", "keys"):
        sys.exit("usage: [PILOTHOUSE_ACCESS=open|keys] python3 -m stack.secret_files FOLDER")
    folder = Path(sys.argv[1])
    os.umask(0o077)
    folder.mkdir(parents=True, exist_ok=True)
    before = read(folder)
    values = completed(before)
    made = values | {API_KEYS: before.get(API_KEYS) or api_keys(values, access)}
    write(folder, made, 0o600)
    for name in sorted(made.keys() - before.keys()):
        print(f"{folder / name} made")


if __name__ == "__main__":
    main()
