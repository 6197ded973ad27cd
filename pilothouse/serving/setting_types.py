"""Types of settings that name something outside of the program: an address, names of hosts, a file, a folder.

What is wrong with one is said when the settings are read, so that a service stops at its start.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from pilothouse.serving.hosts import read_names


def _check_address(text: str) -> str:
    try:
        found = urlsplit(text)
        whole = found.scheme in ("http", "https") and bool(found.hostname) and found.port != 0
    except ValueError:
        whole = False
    if not whole:
        raise ValueError("must be an address as http://127.0.0.1:8001")
    return text


def _check_file(path: Path) -> Path:
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise ValueError(f"must be a file that can be read: {error.strerror}") from None


def _check_folder(path: Path) -> Path:
    if not path.is_dir():
        raise ValueError("must be a folder that is there")
    return path


def writable_folder(path: Path) -> str | None:
    """Why nothing can be written there, in words; None when it can. The folder is made where it is not there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return error.strerror or type(error).__name__
    return None if os.access(path, os.W_OK | os.X_OK) else "permission denied"


def _check_names(text: str) -> str:
    return ",".join(read_names(text))


Address = Annotated[str, AfterValidator(_check_address)]
ReadableFile = Annotated[Path, AfterValidator(_check_file)]
ExistingFolder = Annotated[Path, AfterValidator(_check_folder)]
HostNames = Annotated[str, AfterValidator(_check_names)]
