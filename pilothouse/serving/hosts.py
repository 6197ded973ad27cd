"""By which names a service may be asked, and which web pages may call it: `PILOTHOUSE_ALLOWED_HOSTS`.

A browser carries out what any web page says, also towards services that only its machine reaches. A page whose own name
was made to lead here (DNS rebinding) is known by the `Host` that it asks for, any other page by its `Origin`, and one
that loads us into itself by `Sec-Fetch-Site` (https://www.w3.org/TR/fetch-metadata/). Programs send none of these but
`Host`. What is allowed, and why: docs/access.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from pilothouse.errors import PilothouseError
from pilothouse.serving.problem import Entry, ErrorTable, response_of

_AUTHORITY = r"(\[[^\[\]]+\]|[^\[\]:/?#@\\\s]+)(?::([0-9]*))?"  # RFC 3986, without userinfo
_HOST = re.compile(_AUTHORITY)
_ORIGIN = re.compile(rf"https?://{_AUTHORITY}")
_NAME = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_DEFAULT_PORTS = frozenset({"", "80", "443"})  # TLS may end before us: nobody says which of the two was meant
_SHOWN = 100  # characters of a caller's text in a sentence


class ForeignHostError(PilothouseError):
    def __init__(self, host: str) -> None:
        super().__init__(
            f"this service was asked as {host[:_SHOWN]!r}, which is none of its names; "
            "if it is one, add it to PILOTHOUSE_ALLOWED_HOSTS"
        )


class ForeignOriginError(PilothouseError):
    def __init__(self, origin: str) -> None:
        super().__init__(
            f"a page of {origin[:_SHOWN]!r} may not call this service; "
            "if it is one of yours, add its host to PILOTHOUSE_ALLOWED_HOSTS"
        )


ERRORS: ErrorTable = {
    ForeignHostError: Entry(421, "foreign-host", "Not a name of this service"),
    ForeignOriginError: Entry(403, "foreign-origin", "A page of another site"),
}


def read_names(text: str) -> Iterator[str]:
    """The names of a list with commas, as a browser writes them (lower case, punycode). Raises ValueError."""
    for name in filter(None, (part.strip().lower().rstrip(".") for part in text.split(","))):
        try:
            ascii_name = name.encode("idna").decode()
        except UnicodeError:
            ascii_name = ""
        if name != "*" and not _is_address(name) and not _NAME.fullmatch(ascii_name):
            raise ValueError("must be names with commas, as example.com or *.example.com, without scheme and port")
        yield name if name == "*" or _is_address(name) else ascii_name


class AllowedHosts:
    """What the setting allows, and the name in the service's own address. `check` remembers what it let pass, so that
    it costs a prediction little."""

    def __init__(self, names: str = "", address: str = "") -> None:
        listed = frozenset(read_names(names))
        self._own = frozenset({"localhost", urlsplit(address).hostname or "localhost"})
        self._any = "*" in listed
        self._endings = (".localhost", *(name[1:] for name in listed if name.startswith("*.")))
        self._names = frozenset(name for name in listed if "*" not in name)
        self.check: Callable[[str | None, str | None], None] = lru_cache(maxsize=1024)(self._check)

    def _check(self, host: str | None, origin: str | None) -> None:
        """Raises ForeignHostError or ForeignOriginError. Browsers always send a `Host`; who sends none, as an old
        program by HTTP/1.0, is none."""
        asked = _HOST.fullmatch(host or "")
        if host is not None and not self._any and not (asked and self._is_ours(_plain(asked[1]))):
            raise ForeignHostError(host)
        if origin is None:
            return
        page = _ORIGIN.fullmatch(origin.lower())
        if page is None or not (_plain(page[1]) in self._names or (asked and _is_same(page, asked))):
            raise ForeignOriginError(origin)

    def _is_ours(self, name: str) -> bool:
        """An address is no name that somebody else could make lead here, and no more is localhost."""
        return name in self._own or name in self._names or name.endswith(self._endings) or _is_address(name)


def _plain(host: str) -> str:
    return host.lower().removesuffix(".").strip("[]")


def _is_address(host: str) -> bool:
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


def _is_same(page: re.Match[str], asked: re.Match[str]) -> bool:
    """Another port is another program, whose pages are not ours."""
    ports = page[2] or "", asked[2] or ""
    return _plain(page[1]) == _plain(asked[1]) and (ports[0] == ports[1] or _DEFAULT_PORTS.issuperset(ports))


class HostGuard:
    """ASGI middleware that refuses requests and WebSockets by foreign names and of foreign pages."""

    def __init__(self, app: ASGIApp, hosts: AllowedHosts) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            headers = Headers(scope=scope)
            try:
                self._hosts.check(headers.get("host"), headers.get("origin"))
                _check_loading(headers)
            except PilothouseError as error:
                await response_of(ERRORS, error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _check_loading(headers: Headers) -> None:
    """Pictures, scripts and frames of another site come without an `Origin`. A link to us is followed. Raises
    ForeignOriginError."""
    site, into = headers.get("sec-fetch-site"), headers.get("sec-fetch-dest")
    if site in ("cross-site", "same-site") and "origin" not in headers and into != "document":
        raise ForeignOriginError(headers.get("referer", site))
