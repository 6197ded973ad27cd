"""An archive in Google Cloud Storage or S3, by obstore (imported where there is one: it is 13 MB)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from pilothouse.errors import ArchiveAwayError

CONNECT_SECONDS, REQUEST_SECONDS, RETRIES = 5, 60, 3
_S3_ERROR = re.compile(r"<Code>([^<]*)</Code>(?:<Message>([^<]*)</Message>)?")
# obstore asks the machine for credentials when nobody has given it any
_NO_CREDENTIALS = re.compile(r"/latest/api/token|/latest/meta-data|computeMetadata|credential", re.IGNORECASE)
_WHERE_FROM = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS, or run as a service account",
}
_TIMING = re.compile(r" in [0-9.]+(?:ns|µs|ms|s)\b")  # which would make the same trouble look like news each time


class BucketArchive:
    """Google Cloud Storage or S3. An object is there when its last part is, and not before."""

    def __init__(self, address: str) -> None:
        import obstore  # only where there is an archive in a bucket
        from obstore.store import from_url

        self.address = address.rstrip("/")
        self._obstore = obstore
        options: dict[str, Any] = {"connect_timeout": f"{CONNECT_SECONDS}s", "timeout": f"{REQUEST_SECONDS}s"}
        if address.startswith("s3:"):
            options["allow_http"] = True  # an S3 of one's own, named by AWS_ENDPOINT_URL, may have no certificate
        retries: Any = {"max_retries": RETRIES, "retry_timeout": timedelta(seconds=REQUEST_SECONDS)}
        self._store: Any = from_url(self.address, client_options=options, retry_config=retries)

    async def check(self) -> None:
        try:
            await self._obstore.list_with_delimiter_async(self._store)
        except Exception as error:
            raise self._away(error) from error

    async def put(self, path: str, parts: AsyncIterator[bytes]) -> int:
        counted = _Counted(parts)
        try:
            await self._obstore.put_async(self._store, path, counted.read())
        except Exception as error:
            if counted.failed is not None:
                raise counted.failed from None
            raise self._away(error) from error
        return counted.size

    def open(self, path: str) -> Any:
        import pyarrow as pa

        try:
            return pa.PythonFile(_Reader(self._obstore.open_reader(self._store, path)), mode="r")
        except FileNotFoundError:
            raise
        except Exception as error:
            raise self._away(error) from error

    def _away(self, error: Exception) -> ArchiveAwayError:
        return ArchiveAwayError(f"{self.address}: {_why(error, self.address[:2])}")


class _Counted:
    """Counts what passes, and remembers an error of ours, which would come back as the store's."""

    def __init__(self, parts: AsyncIterator[bytes]) -> None:
        self._parts, self.size = parts, 0
        self.failed: Exception | None = None

    async def read(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._parts:
                self.size += len(part)
                yield part
        except Exception as error:
            self.failed = error
            raise


class _Reader:
    """obstore's file as Python's own files are: bytes, and `closed`."""

    def __init__(self, file: Any) -> None:
        self._file, self.closed = file, False

    def read(self, size: int = -1) -> bytes:
        return bytes(self._file.read(None if size < 0 else size))

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        self.closed = True

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def _why(error: Exception, scheme: str) -> str:
    """The one line of obstore's that matters."""
    text = _TIMING.sub("", str(error).partition("\n\nDebug source")[0])
    if found := _S3_ERROR.search(text):
        return ": ".join(part for part in found.groups() if part)
    if _NO_CREDENTIALS.search(text):
        return f"no credentials were found; {_WHERE_FROM[scheme]}"
    return " ".join(text.split())[:300] or type(error).__name__
