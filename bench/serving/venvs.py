"""An environment of its own for each peer, below a cache folder, from its pinned requirements."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

PEERS = Path(__file__).with_name("peers")


def make(name: str, cache: Path) -> Path:
    """The folder of the peer's programs. Raises RuntimeError with what pip said when it cannot be installed."""
    wanted = PEERS / name / "requirements.txt"
    digest = hashlib.sha256(wanted.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = cache / f"{name}-{digest}"
    programs = folder / "bin"
    if (folder / "complete").exists():
        return programs
    print(f"Installing {name} into {folder}", flush=True)
    pip: list[str | Path] = [
        programs / "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        wanted,
    ]
    for command in ([sys.executable, "-m", "venv", "--clear", str(folder)], pip):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"it could not be installed: {done.stderr.strip().splitlines()[-1:]}")
    (folder / "complete").touch()
    return programs
