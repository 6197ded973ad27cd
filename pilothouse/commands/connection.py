"""Where the running stack is and the key that it wants: from the environment, or the `.env` that the stack reads."""

from __future__ import annotations

import os
from pathlib import Path

from dotenv import dotenv_values

from pilothouse.errors import PilothouseError

PORTS = {"inference": 8000, "collector": 8001, "drift": 8002, "frontend": 8501}
PROMETHEUS_PORT = 9090


def variable(name: str) -> str | None:
    """A variable of the environment, else of the `.env` in the present folder."""
    return os.environ.get(name) or dotenv_values(".env").get(name) or None


def address(program: str) -> str:
    """Of a service or "prometheus", as seen from here: PILOTHOUSE_DRIFT_URL, else the port that DRIFT_PORT says."""
    name = program.upper()
    if url := variable(f"PILOTHOUSE_{name}_URL"):
        return url.rstrip("/")
    port = variable(f"{name}_PORT") or str(PORTS.get(program, PROMETHEUS_PORT))
    first = port.partition("-")[0]  # several containers of one service have a range of ports
    return f"http://{reachable(variable('PILOTHOUSE_HOST') or '127.0.0.1')}:{first}"


def page_address() -> str:
    """The page as people reach it: PILOTHOUSE_PUBLIC_URL, else the port that FRONTEND_PORT says."""
    return (variable("PILOTHOUSE_PUBLIC_URL") or address("frontend")).rstrip("/")


def reachable(host: str) -> str:
    """The address at which to call a program that listens on `host`: nobody can connect to "every interface"."""
    return "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - compared with, not listened on


def api_key() -> str | None:
    """PILOTHOUSE_API_KEY, else what the file holds that PILOTHOUSE_API_KEY_FILE names. Raises PilothouseError."""
    path = variable("PILOTHOUSE_API_KEY_FILE")
    if (key := variable("PILOTHOUSE_API_KEY")) or path is None:
        return key
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise PilothouseError(f"PILOTHOUSE_API_KEY_FILE={path} cannot be read: {error.strerror}") from error


def headers(key: str | None) -> dict[str, str]:
    """The headers of a call with this key."""
    return {"Authorization": f"Bearer {key}"} if key else {}
