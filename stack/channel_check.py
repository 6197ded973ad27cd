"""Whether a channel can be used: asked once, when Alertmanager's configuration is written.

Alertmanager says that a message was not sent, and only its log says why. So the mail server is spoken to as far as it
goes without a message, and whether the others can be reached is tried. Nothing is posted.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.utils import parseaddr
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from pilothouse.wire.alerts import AlertChannel
from stack.alert_channels import IMPLICIT_TLS_PORT, Channel

_SECONDS = 5
_URLS = {"slack": "api_url", "pagerduty": "url", "msteamsv2": "webhook_url", "webhook": "url"}
_ACCEPTED = 250


def check(channels: list[Channel], seconds: float = _SECONDS) -> list[AlertChannel]:
    """What is known of each, in their order. A server may take `seconds` for each of its answers."""
    with ThreadPoolExecutor(max_workers=max(len(channels), 1)) as pool:
        reasons = list(pool.map(lambda channel: why_not(channel, seconds), channels))
    return [AlertChannel(c.integration, c.target, why) for c, why in zip(channels, reasons, strict=True)]


def why_not(channel: Channel, seconds: float = _SECONDS) -> str | None:
    """Why no message arrives by this channel, in words; None where nothing speaks against it."""
    if channel.fault:
        return channel.fault
    configuration = channel.configuration
    if channel.integration == "email":
        host, _, port = configuration["smarthost"].rpartition(":")
        return _refusal(f"{host}:{port}", lambda: _speak(host.strip("[]"), int(port), configuration, seconds))
    url = urlsplit(configuration[_URLS[channel.integration]])
    host, secure = url.hostname or "", url.scheme == "https"
    number = url.port or (443 if secure else 80)
    return _refusal(f"{host}:{number}", lambda: _connect(host, number, seconds, secure=secure))


def _refusal(where: str, attempt: Callable[[], None]) -> str | None:
    try:
        attempt()
    except smtplib.SMTPException as error:
        return f"{where} {_smtp_words(error)}"
    except socket.gaierror as error:
        unknown = error.errno == socket.EAI_NONAME
        return f"{where}: {'there is no such host' if unknown else 'its name cannot be looked up'} ({error.strerror})"
    except TimeoutError:
        return f"{where} does not answer in time"
    except ssl.SSLError as error:
        return f"{where} cannot be spoken to over TLS: {getattr(error, 'verify_message', '') or error.reason}"
    except OSError as error:
        return f"{where} cannot be reached: {error.strerror or error}"
    return None


def _smtp_words(error: smtplib.SMTPException) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"refuses the user or the password: {_said(error.smtp_code, error.smtp_error)}"
    if isinstance(error, smtplib.SMTPSenderRefused):
        return f"refuses the sender {error.sender}: {_said(error.smtp_code, error.smtp_error)}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "refuses " + "; ".join(f"{who}: {_said(*answer)}" for who, answer in error.recipients.items())
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return f"cannot do what is asked: {error}"
    return f"does not speak SMTP as it should: {error}"


def _said(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"


def _speak(host: str, port: int, configuration: dict[str, Any], seconds: float) -> None:
    """Up to the recipients, and then forget it."""
    tls = ssl.create_default_context()
    implicit = port == IMPLICIT_TLS_PORT
    open_server = partial(smtplib.SMTP_SSL, context=tls) if implicit else smtplib.SMTP
    with open_server(host, port, timeout=seconds) as server:
        server.ehlo()
        if not implicit and (configuration["require_tls"] or server.has_extn("starttls")):
            server.starttls(context=tls)
            server.ehlo()
        if user := configuration.get("auth_username"):
            server.login(user, configuration["auth_password"])
        _name_people(server, configuration["from"], configuration["to"].split(", "))


def _name_people(server: smtplib.SMTP, sender: str, people: list[str]) -> None:
    code, text = server.mail(parseaddr(sender)[1])
    if code != _ACCEPTED:
        raise smtplib.SMTPSenderRefused(code, text, sender)
    answers = {person: server.rcpt(parseaddr(person)[1]) for person in people}
    refused = {person: answer for person, answer in answers.items() if answer[0] not in (_ACCEPTED, _ACCEPTED + 1)}
    server.rset()
    if refused:
        raise smtplib.SMTPRecipientsRefused(refused)


def _connect(host: str, port: int, seconds: float, *, secure: bool) -> None:
    with socket.create_connection((host, port), timeout=seconds) as connection:
        if secure:
            with ssl.create_default_context().wrap_socket(connection, server_hostname=host):
                pass
