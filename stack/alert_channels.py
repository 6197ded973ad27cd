"""The channels that alerts are sent by, made of the settings: what Alertmanager is told of each, and where it leads.

A channel whose settings are wrong is left out, with a sentence that names the variable. The others work.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

from stack.alert_settings import AlertSettings

_PREFIX = "PILOTHOUSE_ALERT_"
IMPLICIT_TLS_PORT = 465
TEAMS_SINCE = (0, 28)
# Alertmanager does not start with an address that it cannot read, and then no channel works. It is written in Go,
# which is stricter than Python: no blanks, no other characters in a host, and a % begins two hexadecimal digits
_URL = re.compile(r"(?:[^%\s\x00-\x1f\x7f]|%[0-9a-fA-F]{2})+")
_HOST = re.compile(r"[\w.:-]+")
_PERSON = re.compile(r"(?:[^<>@;]*<)?[^\s<>@;]+@[^\s<>@;]+>?")


@dataclass(frozen=True, slots=True)
class Channel:
    """`integration` is what Alertmanager's metrics call it, and `integration`_configs its place in a receiver.

    `target` is for people and has no secret. Without `configuration` the channel is left out, and `fault` says why.
    """

    integration: str
    target: str = ""
    configuration: dict[str, Any] = field(default_factory=dict)
    fault: str | None = None


class ChannelFault(ValueError):
    """What is wrong with a setting, as a sentence that names it."""

    def __init__(self, name: str, what: str, value: str | None = None) -> None:
        shown = "" if value is None else f"={value!r}"
        super().__init__(f"{_PREFIX}{name.upper()}{shown}: {what}")


def channels(settings: AlertSettings, version: tuple[int, ...] = TEAMS_SINCE) -> list[Channel]:
    """Every channel that is asked for; `version` is Alertmanager's."""
    found = (_made(name, make, settings, version) for name, make in _CHANNELS.items())
    return [channel for channel in found if channel]


_Make = Callable[[AlertSettings, tuple[int, ...]], Channel | None]


def _made(integration: str, make: _Make, settings: AlertSettings, version: tuple[int, ...]) -> Channel | None:
    try:
        return make(settings, version)
    except ChannelFault as fault:
        return Channel(integration, fault=str(fault))


def _email(settings: AlertSettings, _: tuple[int, ...]) -> Channel | None:
    if not settings.email_to and not settings.smtp:
        return None
    people = _people(settings.email_to)
    host, port = _host_and_port(settings.smtp)
    server = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    configuration: dict[str, Any] = {
        "to": ", ".join(people),
        "from": settings.email_from or _sender(settings, people),
        "smarthost": server,
        "require_tls": _yes("smtp_tls", settings.smtp_tls) and port != IMPLICIT_TLS_PORT,
        "headers": {"Subject": '{{ template "pilothouse.subject" . }}'},
        "html": '{{ template "pilothouse.html" . }}',
        "text": '{{ template "pilothouse.text" . }}',
    }
    if settings.smtp_user:
        password = _secret(settings, "smtp_password")
        if not password:
            raise ChannelFault("smtp_password", f"is not set, and {settings.smtp_user} logs in at {host}")
        configuration |= {"auth_username": settings.smtp_user, "auth_password": password}
    return Channel("email", f"{configuration['to']} by {server}", configuration)


def _people(addresses: str | None) -> list[str]:
    people = [person.strip() for person in (addresses or "").split(",") if person.strip()]
    if not people or not all(_PERSON.fullmatch(person) for person in people):
        what = "must be addresses of e-mail with commas between, as ann@example.com"
        raise ChannelFault("email_to", what, addresses or "")
    return people


def _sender(settings: AlertSettings, people: list[str]) -> str:
    user = settings.smtp_user or ""
    return user if "@" in user else people[0]


def _host_and_port(text: str | None) -> tuple[str, int]:
    try:
        found = urlsplit(f"//{text or ''}")
        if found.port and found.netloc == text and not found.username and _HOST.fullmatch(found.hostname or ""):
            return found.hostname or "", found.port
    except ValueError:
        pass
    raise ChannelFault("smtp", "must be a host and a port, as mail.example.com:587", text or "")


def _yes(name: str, text: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.lower() not in words:
        raise ChannelFault(name, "must be true or false", text)
    return words[text.lower()]


def _slack(settings: AlertSettings, _: tuple[int, ...]) -> Channel | None:
    if not (url := _secret(settings, "slack_url")):
        return None
    return Channel("slack", _address("slack_url", url).netloc, {
        "api_url": url,
        "username": "Pilothouse",
        "color": '{{ template "pilothouse.colour" . }}',
        "title": '{{ template "pilothouse.subject" . }}',
        "title_link": '{{ template "pilothouse.page" . }}',
        "fallback": '{{ template "pilothouse.subject" . }}',
        "text": '{{ template "pilothouse.slack" . }}',
    })  # fmt: skip


def _pagerduty(settings: AlertSettings, _: tuple[int, ...]) -> Channel | None:
    if not (key := _secret(settings, "pagerduty_key")):
        return None
    return Channel("pagerduty", _address("pagerduty_url", settings.pagerduty_url).netloc, {
        "routing_key": key,
        "url": settings.pagerduty_url,
        "client": "Pilothouse",
        "client_url": '{{ template "pilothouse.page" . }}',
        "description": '{{ template "pilothouse.subject" . }}',
        "severity": '{{ template "pilothouse.severity" . }}',
        # else Alertmanager adds its own lists of labels, with links to Prometheus by this machine's name
        "details": {"what": '{{ template "pilothouse.text" . }}', "firing": "", "resolved": ""},
    })  # fmt: skip


def _teams(settings: AlertSettings, version: tuple[int, ...]) -> Channel | None:
    if not (url := _secret(settings, "teams_url")):
        return None
    if version < TEAMS_SINCE:
        installed, needed = (".".join(map(str, v)) for v in (version, TEAMS_SINCE))
        raise ChannelFault("teams_url", f"needs Alertmanager {needed}, and {installed} is installed: nothing is sent")
    return Channel("msteamsv2", _address("teams_url", url).netloc, {
        "webhook_url": url,
        "title": '{{ template "pilothouse.subject" . }}',
        "text": '{{ template "pilothouse.teams" . }}',
    })  # fmt: skip


def _webhook(settings: AlertSettings, _: tuple[int, ...]) -> Channel | None:
    if not (url := _secret(settings, "webhook_url")):
        return None
    return Channel("webhook", _address("webhook_url", url).netloc, {"url": url})


def _secret(settings: AlertSettings, name: str) -> str | None:
    """Given directly, or as a file; None where neither is, or where the file is empty."""
    given: SecretStr | None = getattr(settings, name)
    if given:
        return given.get_secret_value().strip() or None
    path: str | None = getattr(settings, f"{name}_file")
    if not path:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ChannelFault(f"{name}_file", f"cannot be read: {why}", os.fspath(path)) from None


def _address(name: str, url: str) -> SplitResult:
    """Says nothing of the value, which is a secret. The part before an @ in it would be shown as its target."""
    try:
        found = urlsplit(url)
        web = found.scheme in ("http", "https") and found.port != 0 and not found.username
        if web and _HOST.fullmatch(found.hostname or "") and _URL.fullmatch(url):
            return found
    except ValueError:
        pass
    raise ChannelFault(name, "must be an address that begins with https:// (what is set is none)")


_CHANNELS: dict[str, _Make] = {
    "email": _email,
    "slack": _slack,
    "pagerduty": _pagerduty,
    "msteamsv2": _teams,
    "webhook": _webhook,
}
