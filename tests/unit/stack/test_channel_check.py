"""Why a channel cannot be used, tried on real servers of the loopback."""

import socket
import ssl
import subprocess
import time

import pytest

from stack.alert_channels import channels
from stack.alert_settings import AlertSettings
from stack.channel_check import check, why_not
from testkit.ports import free_port
from testkit.stack.receivers import Mailbox, mail_server, web_server


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Of the name localhost, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
               "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "key", "-out", "cert"]  # fmt: skip
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


def refusal(mailbox, **settings):
    """What the check says of mail to ann by this server."""
    given = {"email_to": "ann@example.com", "smtp": f"localhost:{mailbox.port}"} | settings
    (channel,) = channels(AlertSettings(**given))
    return why_not(channel)


LOGIN = {"smtp_user": "ann", "smtp_password": "right"}


def test_a_server_that_encrypts_and_knows_the_password_takes_it_and_gets_no_message(certificate, monkeypatch):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate / "cert", certificate / "key")
    with mail_server(Mailbox(password="right", tls=tls)) as mailbox:
        assert "certificate" in refusal(mailbox, **LOGIN)  # signed by nobody that is known
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert"))
        assert refusal(mailbox, **LOGIN) is None
        said = refusal(mailbox, **LOGIN | {"smtp_password": "wrong"})
        why = "refuses the user or the password: 535 5.7.8 Authentication credentials invalid"
        assert said == f"localhost:{mailbox.port} {why}"
        assert mailbox.messages == []


def test_a_wrong_password_where_nothing_is_encrypted():
    with mail_server(Mailbox(password="right")) as mailbox:
        assert refusal(mailbox, smtp_tls="false", **LOGIN) is None
        assert "535" in refusal(mailbox, smtp_tls="false", **LOGIN | {"smtp_password": "wrong"})
        assert "530" in refusal(mailbox, smtp_tls="false")  # it wants to know who it is


def test_a_server_without_encryption_is_asked_for_it():
    with mail_server(Mailbox()) as mailbox:
        assert "STARTTLS" in refusal(mailbox)
        assert refusal(mailbox, smtp_tls="false") is None


def test_somebody_whom_the_server_does_not_know_is_named():
    with mail_server(Mailbox(refuses="bob@example.com")) as mailbox:
        said = refusal(mailbox, smtp_tls="false", email_to="ann@example.com, bob@example.com")
        assert said.endswith("refuses bob@example.com: 550 5.1.1 nobody of this name here")


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://no-such-host.invalid/x", "no-such-host.invalid:80: there is no such host"),
        ("http://127.0.0.1:{closed}/x", "127.0.0.1:{closed} cannot be reached: Connection refused"),
        ("https://127.0.0.1:{web}/x", "127.0.0.1:{web} cannot be spoken to over TLS"),
    ],
)
def test_an_address_that_leads_nowhere(address, why):
    with web_server() as web:
        ports = {"closed": free_port(), "web": web.url.rpartition(":")[2]}
        (channel,) = channels(AlertSettings(webhook_url=address.format(**ports)))
        assert why_not(channel).startswith(why.format(**ports))


def test_an_address_that_answers_is_not_posted_to():
    with web_server() as web:
        (channel,) = channels(AlertSettings(webhook_url=f"{web.url}/x"))
        assert why_not(channel) is None
        assert web.posted == []


def test_those_that_do_not_answer_are_waited_for_together():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        asked = channels(AlertSettings(email_to="a@b.example", smtp=place, slack_url=f"https://{place}"))
        begun = time.monotonic()
        mail, slack = (c.why_not for c in check(asked, seconds=1))
        assert time.monotonic() - begun < 2
    assert (slack, "timed out" in mail) == (f"{place} does not answer in time", True)
