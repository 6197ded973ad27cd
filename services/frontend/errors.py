"""What can go wrong between the page and the other services, and in what is passed on between them and a caller.

PilothouseError
├── RemoteError
│   ├── ServiceAway     it did not answer: not started, unreachable, or too slow
│   ├── ServiceRefused  it answered with a problem (RFC 9457): `title`, `detail`, and a fault for each bad field
│   └── ServiceOdd      it answered something that is not what was agreed
├── MethodError         what is only read was asked for otherwise
├── NoReportError       an address that cannot be one of a report
├── AddressError        an address that cannot be passed on
└── PageEndsError       the page's server ends while a caller waits
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import TypeVar

from pilothouse.errors import Fault, PilothouseError, RemoteError

Answer = TypeVar("Answer")


class ServiceError(RemoteError):
    """A call to `service` that gave no answer one can use."""

    def __init__(self, service: str, url: str, status: int | None, detail: str) -> None:
        super().__init__(url, status, detail)
        self.service = service


class ServiceAway(ServiceError):
    """Nobody answered in time."""

    def __init__(self, service: str, url: str, detail: str) -> None:
        super().__init__(service, url, None, detail)


class ServiceRefused(ServiceError):
    """A 4xx or 5xx answer. `faults` name the fields that were wrong."""

    def __init__(self, service: str, url: str, status: int, *, title: str, detail: str, faults: list[Fault]) -> None:
        super().__init__(service, url, status, detail or title)
        self.title, self.faults = title, faults


class ServiceOdd(ServiceError):
    """A 2xx answer of another shape: most likely the versions of two services differ."""


class MethodError(PilothouseError):
    def __init__(self, method: str) -> None:
        super().__init__(f"{method[:20]}: this address is only read, by GET")


class NoReportError(PilothouseError):
    def __init__(self) -> None:
        super().__init__("the address of a report ends in its id")


class AddressError(PilothouseError):
    """The message says why."""


class PageEndsError(PilothouseError):
    def __init__(self) -> None:
        super().__init__("the page's server ends or starts again")


def none_if_missing(ask: Callable[[], Answer], missing: Container[int] = (404,)) -> Answer | None:
    """What `ask` answers; None where the service refuses with one of the statuses that mean that there is none."""
    try:
        return ask()
    except ServiceRefused as refusal:
        if refusal.status in missing:
            return None
        raise
