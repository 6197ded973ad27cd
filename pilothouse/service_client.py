"""What the clients of the services share: a connection with a key, which is closed in the end."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import httpx2

from pilothouse.errors import RemoteError


class ServiceClient:
    """A client of one service. Close it, or use it as a context manager."""

    def __init__(self, url: str, api_key: str | None, timeout_seconds: float, auth: httpx2.Auth | None) -> None:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._url = url.rstrip("/")
        self._http = httpx2.Client(headers=headers, timeout=timeout_seconds, auth=auth)

    def _ask(self, method: str, path: str, **request: Any) -> httpx2.Response:
        """Raises RemoteError when nothing is answered."""
        url = f"{self._url}{path}"
        try:
            return self._http.request(method, url, **request)
        except httpx2.HTTPError as error:
            raise RemoteError(url, None, str(error) or type(error).__name__) from error

    def close(self) -> None:
        """Close the connection; the client cannot be used any more."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
