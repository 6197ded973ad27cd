"""The archive of old days: where a day's records lie, and the store that they lie in.

One Parquet file for each model version and day, at a name that says which (`model=/version=/day=`, as Hive partitions
are named), replaced as a whole or not at all: whoever reads sees a day complete, or not yet.

    gs://BUCKET/PREFIX     Google Cloud Storage; credentials as Google's own tools find them
    s3://BUCKET/PREFIX     S3 and what speaks it; AWS_ACCESS_KEY_ID, AWS_REGION, AWS_ENDPOINT_URL and so on
    file:///FOLDER         files
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Protocol
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator

from pilothouse.archive_bucket import BucketArchive
from pilothouse.errors import ArchiveAddressError, ArchiveAwayError

FILE = "records.parquet"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _setting(address: str) -> str:
    try:
        return check_address(address)
    except ArchiveAddressError as error:
        raise ValueError(str(error)) from None


ArchiveAddress = Annotated[str, AfterValidator(_setting)]


class Archive(Protocol):
    """Every call may raise ArchiveAwayError."""

    @property
    def address(self) -> str:
        """Where it is, as the setting has it: gs://, s3:// or file://."""
        ...

    async def check(self) -> None:
        """Look at it, to see whether it is there and lets us in."""
        ...

    async def put(self, path: str, parts: AsyncIterator[bytes]) -> int:
        """Replace the object by these bytes when the last has come, or leave it as it was; how many they are."""
        ...

    def open(self, path: str) -> Any:
        """A file for reading, as pyarrow takes one; raises FileNotFoundError. Blocks."""
        ...


def day_path(model: str, version: str, day: int) -> str:
    """Where the records of a day (since 1970-01-01) lie."""
    return f"model={model}/version={version}/day={day_text(day)}/{FILE}"


def day_text(day: int) -> str:
    """The day as in a path: 2026-11-20. `day` is in days since 1970-01-01."""
    return f"{_EPOCH + timedelta(days=day):%Y-%m-%d}"


def day_number(text: str) -> int:
    """Days since 1970-01-01. Raises ValueError."""
    return (datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) - _EPOCH).days


def open_archive(address: str) -> Archive:
    """Nothing is reached yet. Raises ArchiveAddressError."""
    found = urlsplit(check_address(address))
    return FolderArchive(Path(unquote(found.path))) if found.scheme == "file" else BucketArchive(address)


def check_address(address: str) -> str:
    """The address, when it is one and what it takes is installed. Raises ArchiveAddressError."""
    found = urlsplit(address)
    if found.scheme == "file" and not found.netloc and found.path not in ("", "/"):
        return address
    if found.scheme in ("gs", "s3") and found.netloc and not found.query:
        if find_spec("obstore") is None:
            raise ArchiveAddressError("gs:// and s3:// need obstore: pip install 'pilothouse[archive]'")
        return address
    raise ArchiveAddressError(
        f"{address!r} is no archive: write gs://BUCKET/PREFIX, s3://BUCKET/PREFIX or file:///FOLDER"
    )


class FolderArchive:
    """Files. What is being written has a name that no reader takes for a day; what is there survives a power cut."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def address(self) -> str:
        return f"file://{self._root}"

    async def check(self) -> None:
        await asyncio.to_thread(self._make, self._root)

    async def put(self, path: str, parts: AsyncIterator[bytes]) -> int:
        target = self._root / path
        await asyncio.to_thread(self._make, target.parent)
        for left in target.parent.glob(f".{FILE}.*"):  # by a process that was killed: one writes at a time
            left.unlink(missing_ok=True)
        draft = target.with_name(f".{FILE}.{secrets.token_hex(4)}")
        try:
            with draft.open("xb") as file:
                async for part in parts:
                    await asyncio.to_thread(file.write, part)
                await asyncio.to_thread(_settle, file)
                size = file.tell()
            await asyncio.to_thread(_publish, draft, target, self._root)
        except OSError as error:
            raise ArchiveAwayError(f"{self.address}: {error.strerror or error}") from error
        finally:
            draft.unlink(missing_ok=True)
        return size

    def open(self, path: str) -> Any:
        return (self._root / path).open("rb")

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError(13, "permission denied")
        except OSError as error:
            raise ArchiveAwayError(f"{self.address}: {error.strerror or error}") from error


def _settle(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def _publish(draft: Path, target: Path, root: Path) -> None:
    """The name and the folders above it are made durable too."""
    draft.replace(target)
    folder = target.parent
    while True:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        if folder in (root, folder.parent):
            return
        folder = folder.parent
