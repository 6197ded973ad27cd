"""One HTTP connection pool to one other service, whose failures are all of three kinds (see errors)."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar, cast

import httpx2
import msgspec
from pydantic import BaseModel, TypeAdapter, ValidationError

from pilothouse.errors import Fault
from pilothouse.manifest import Manifest
from services.frontend.errors import ServiceAway, ServiceOdd, ServiceRefused
from services.frontend.metrics import PageMetrics

Answer = TypeVar("Answer")
CONNECT_SECONDS = 1.5
_PASSWORD = re.compile(r"//[^/@]*@")


class Connection:
    """`name` is what people call the service. Safe to share between threads.

    Proxies from the environment are not used: these services are our own.
    """

    def __init__(
        self,
        name: str,
        url: str,
        key: str | None,
        *,
        timeout_seconds: float,
        metrics: PageMetrics,
        identity: httpx2.Auth | None = None,
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.name, self.url = name, _shown(url.rstrip("/"))
        self._timeout_seconds = timeout_seconds
        self._metrics = metrics
        self._http = httpx2.Client(base_url=url.rstrip("/"), headers=headers, trust_env=False, auth=identity)

    def read(
        self,
        kind: type[Answer],
        path: str,
        params: Mapping[str, Any] | None = None,
        timeout_seconds: float | None = None,
    ) -> Answer:
        """GET `path` as `kind`. Raises ServiceAway, ServiceRefused or ServiceOdd."""
        return self.decode(kind, self.send("GET", path, params=params, timeout_seconds=timeout_seconds))

    def decode(self, kind: type[Answer], response: httpx2.Response) -> Answer:
        """The body as `kind`; keys that it does not know are ignored. Raises ServiceOdd when it is something else."""
        try:
            return _decode(kind, response.content)
        except (ValidationError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._odd(response, error) from error

    def manifest(self, path: str) -> Manifest:
        """A manifest, without what the service adds to it (links, schemas). Raises as `read` does."""
        response = self.send("GET", path)
        body = self.decode(dict[str, Any], response)
        known = {field.alias or name for name, field in Manifest.model_fields.items()}
        try:
            return Manifest.model_validate({k: v for k, v in body.items() if k in known})
        except ValidationError as error:
            raise self._odd(response, error) from error

    def send(
        self, method: str, path: str, *, timeout_seconds: float | None = None, key: str | None = None, **request: Any
    ) -> httpx2.Response:
        """A successful response. Parameters that are None are left out; `key` is sent in place of the page's own.

        Before a call that may take long, the service is asked whether it lives, so that one that hangs costs no more
        than a quick call's time. Raises ServiceAway or ServiceRefused.
        """
        if key:
            request["headers"] = {"Authorization": f"Bearer {key}"} | dict(request.get("headers") or {})
        request["params"] = {k: v for k, v in (request.get("params") or {}).items() if v is not None}
        begun, outcome = time.perf_counter(), "away"
        try:
            response = self._request(method, path, timeout_seconds or self._timeout_seconds, **request)
            outcome = "answered" if response.is_success else "refused"
        except httpx2.HTTPError as error:
            raise ServiceAway(self.name, self.url, reason(error)) from error
        finally:
            self._metrics.called(self.name, outcome, time.perf_counter() - begun)
        if not response.is_success:
            raise self._refusal(response)
        return response

    def close(self) -> None:
        self._http.close()

    def _request(self, method: str, path: str, seconds: float, **request: Any) -> httpx2.Response:
        if seconds > self._timeout_seconds:
            self._http.get("/health/live", timeout=httpx2.Timeout(self._timeout_seconds, connect=CONNECT_SECONDS))
        timeout = httpx2.Timeout(seconds, connect=CONNECT_SECONDS)
        return self._http.request(method, path, timeout=timeout, **request)

    def _refusal(self, response: httpx2.Response) -> ServiceRefused:
        try:
            problem = _Problem.model_validate_json(response.content)
        except ValidationError:
            problem = _Problem(detail=response.text[:200])
        title = problem.title or response.reason_phrase
        url, status = _shown(response.url), response.status_code
        return ServiceRefused(self.name, url, status, title=title, detail=problem.detail, faults=problem.errors)

    def _odd(self, response: httpx2.Response, error: Exception) -> ServiceOdd:
        said = _first(error) if isinstance(error, ValidationError) else str(error)
        return ServiceOdd(self.name, _shown(response.url), response.status_code, said)


class _Problem(BaseModel):
    """RFC 9457."""

    title: str = ""
    detail: str = ""
    errors: list[Fault] = []


def _shown(url: object) -> str:
    """An address for people and logs: without the password that may stand in it."""
    return _PASSWORD.sub("//", str(url))


def _decode(kind: type[Answer], body: bytes) -> Answer:
    """Wire types are of pydantic or of msgspec."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return msgspec.json.decode(body, type=kind)
    answer: Answer = _adapter(cast(Any, kind)).validate_json(body)
    return answer


@lru_cache(maxsize=64)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, and where."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return ": ".join(part for part in (".".join(map(str, first["loc"])), first["msg"]) if part)


def reason(error: httpx2.HTTPError) -> str:
    """Why there was no answer, for people."""
    if isinstance(error, httpx2.TimeoutException):
        return "no answer in time"
    return re.sub(r"^\[Errno -?\d+\] ", "", str(error)) or type(error).__name__
