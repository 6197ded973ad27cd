"""ID tokens of Google's for calls to another Cloud Run service, from the metadata server of where we run.

The token goes in `X-Serverless-Authorization`, which Cloud Run looks at first, so that `Authorization` is left to the
receiver's own API keys. See https://cloud.google.com/run/docs/authenticating/service-to-service and
https://cloud.google.com/docs/authentication/get-id-token#metadata-server. Why not google-auth: ADR 14.
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from urllib.parse import urlsplit

import httpx2

HEADER = "X-Serverless-Authorization"
_PATH = "/computeMetadata/v1/instance/service-accounts/default/identity"
_EARLY_SECONDS = 300.0  # a token is replaced so long before it expires
_TIMEOUT_SECONDS = 5.0
_LOCAL = {"localhost", "127.0.0.1", "::1"}


class IdentityError(httpx2.TransportError):
    """There is no ID token, so the call was not made."""


class IdentityToken(httpx2.Auth):
    """Puts a token for `audience` (scheme and host of the receiver) on every request. Safe to share between threads."""

    def __init__(self, audience: str, metadata_host: str, clock: Callable[[], float] = time.time) -> None:
        self._audience, self._host, self._clock = audience, metadata_host, clock
        self._token, self._expires = "", 0.0
        self._lock = threading.Lock()

    def sync_auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers[HEADER] = f"Bearer {self.token()}"
        yield request

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        token = self._token if self._left() > _EARLY_SECONDS else await asyncio.to_thread(self.token)
        request.headers[HEADER] = f"Bearer {token}"
        yield request

    def token(self) -> str:
        """The token that we have while it is good for a while, else a new one. Raises IdentityError."""
        with self._lock:
            if self._left() <= _EARLY_SECONDS:
                try:
                    self._token, self._expires = self._fetch()
                except (httpx2.HTTPError, ValueError, LookupError, TypeError) as error:
                    if self._left() <= 0:
                        raise IdentityError(
                            f"no ID token for {self._audience}: the metadata server {self._host} "
                            f"does not give one ({type(error).__name__}: {error})"
                        ) from error
            return self._token

    def _left(self) -> float:
        return self._expires - self._clock()

    def _fetch(self) -> tuple[str, float]:
        """A token, and when it expires in seconds since the epoch."""
        query, headers = {"audience": self._audience, "format": "standard"}, {"Metadata-Flavor": "Google"}
        with httpx2.Client(timeout=_TIMEOUT_SECONDS, trust_env=False) as http:  # never by a proxy
            answer = http.get(f"http://{self._host}{_PATH}", params=query, headers=headers)
        token = answer.text.strip()
        if answer.status_code != 200:
            raise ValueError(f"it answered {answer.status_code}: {token[:200]}")
        payload = token.split(".")[1]
        return token, float(json.loads(base64.urlsafe_b64decode(payload + "=="))["exp"])


def identity_for(url: str, metadata_host: str | None) -> IdentityToken | None:
    """The token for calls to `url`; None where none is wanted: not on Cloud Run (`metadata_host` is None), to a
    container beside us, or to a service without TLS."""
    parts = urlsplit(url)
    if metadata_host is None or parts.scheme != "https" or parts.hostname in _LOCAL:
        return None
    return IdentityToken(f"{parts.scheme}://{parts.netloc}", metadata_host)
