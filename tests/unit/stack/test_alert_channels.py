"""Which channels the settings make; a wrong one is a sentence, and the others stay."""

import json
import shutil
import subprocess

import pytest
import yaml

from stack.alert_channels import channels
from stack.alert_settings import AlertSettings
from stack.alertmanager import sentences, write

MAIL = {"email_to": "ann@example.com, bob@example.com", "smtp": "127.0.0.1:1"}
EVERY = MAIL | {
    "slack_url": "http://127.0.0.1:1/services/T/B/secret",
    "pagerduty_key": "secret-key",
    "pagerduty_url": "http://127.0.0.1:1/v2/enqueue",
    "teams_url": "http://127.0.0.1:1/workflows/secret",
    "webhook_url": "http://127.0.0.1:1/hook?token=secret",
}


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch):
    for name in AlertSettings.model_fields:
        monkeypatch.delenv(f"PILOTHOUSE_ALERT_{name.upper()}", raising=False)


def made(**settings):
    return {c.integration: c for c in channels(AlertSettings(**settings))}


def test_nothing_is_asked_for_and_nothing_is_made():
    assert made() == {}


def test_several_at_once_and_none_shows_its_secret():
    found = made(**EVERY)
    assert list(found) == ["email", "slack", "pagerduty", "msteamsv2", "webhook"]
    assert not any("secret" in channel.target for channel in found.values())
    assert found["email"].target == "ann@example.com, bob@example.com by 127.0.0.1:1"


def test_variables_have_the_names_that_are_documented(monkeypatch):
    monkeypatch.setenv("PILOTHOUSE_ALERT_WEBHOOK_URL", "http://hooks.example/x")
    assert made()["webhook"].configuration == {"url": "http://hooks.example/x"}


def test_a_secret_may_stand_in_a_file_and_an_empty_file_is_none(tmp_path):
    (tmp_path / "url").write_text("http://hooks.example/x\n")
    assert made(webhook_url_file=str(tmp_path / "url"))["webhook"].configuration["url"] == "http://hooks.example/x"
    assert made(webhook_url_file="/dev/null") == {}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, ("ann@example.com", True)),
        ({"smtp_user": "post@example.com", "smtp_password": "p"}, ("post@example.com", True)),
        ({"smtp_user": "post", "smtp_password": "p", "email_from": "me@example.com"}, ("me@example.com", True)),
        ({"smtp_tls": "false"}, ("ann@example.com", False)),
        ({"smtp": "127.0.0.1:465"}, ("ann@example.com", False)),  # encrypted from the start
    ],
)
def test_who_sends_mail_and_whether_starttls_is_demanded(given, sent):
    configuration = made(**(MAIL | given))["email"].configuration
    assert (configuration["from"], configuration["require_tls"]) == sent


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"smtp": "mail.example.com"}, "PILOTHOUSE_ALERT_SMTP='mail.example.com': must be a host and a port"),
        ({"smtp": "mail:many"}, "PILOTHOUSE_ALERT_SMTP='mail:many': must be a host and a port"),
        ({"smtp": None}, "PILOTHOUSE_ALERT_SMTP='': must be a host and a port"),
        ({"email_to": "ann"}, "PILOTHOUSE_ALERT_EMAIL_TO='ann': must be addresses of e-mail"),
        ({"smtp": "ma il:25"}, "PILOTHOUSE_ALERT_SMTP='ma il:25': must be a host and a port"),
        ({"smtp": "ann@mail:25"}, "PILOTHOUSE_ALERT_SMTP='ann@mail:25': must be a host and a port"),
        (
            {"email_to": "a@example.com; b@example.com"},
            "PILOTHOUSE_ALERT_EMAIL_TO='a@example.com; b@example.com': must be addresses of e-mail with commas between",
        ),
        ({"email_to": None}, "PILOTHOUSE_ALERT_EMAIL_TO='': must be addresses of e-mail"),
        ({"smtp_tls": "perhaps"}, "PILOTHOUSE_ALERT_SMTP_TLS='perhaps': must be true or false"),
        ({"smtp_user": "ann"}, "PILOTHOUSE_ALERT_SMTP_PASSWORD: is not set, and ann logs in at 127.0.0.1"),
        (
            {"smtp_user": "ann", "smtp_password_file": "/no/such"},
            "PILOTHOUSE_ALERT_SMTP_PASSWORD_FILE='/no/such': cannot",
        ),
    ],
)
def test_mail_that_cannot_be_sent_is_a_sentence_and_the_others_go_on(given, sentence):
    found = made(**(EVERY | given))
    assert found["email"].fault.startswith(sentence)
    assert found["email"].configuration == {}
    assert [name for name, channel in found.items() if channel.fault] == ["email"]


@pytest.mark.parametrize(
    "url",
    [
        "hooks.example/secret",
        "ftp://hooks.example/secret",
        "https://",
        "http://x:99999/secret",
        # with these Alertmanager would not start
        "https://hooks.example/50%off/secret",
        "https://hooks example/secret",
        "https://{hooks}.example/secret",
        "https://hooks.example/secret\x7f",
    ],
)
@pytest.mark.parametrize("name", ["slack_url", "teams_url", "webhook_url"])
def test_an_address_that_is_none_is_a_sentence_without_the_secret(name, url):
    ((channel),) = made(**{name: url}).values()
    assert (
        channel.fault
        == f"PILOTHOUSE_ALERT_{name.upper()}: must be an address that begins with https:// (what is set is none)"
    )


def test_what_stands_around_an_address_and_names_beside_those_of_people_are_understood():
    assert made(slack_url=" https://hooks.example/x ")["slack"].configuration["api_url"] == "https://hooks.example/x"
    found = made(**MAIL | {"email_to": "Ann Smith <ann@example.com>, bob@example.com", "smtp": "[::1]:25"})["email"]
    assert found.configuration["to"] == "Ann Smith <ann@example.com>, bob@example.com"
    assert found.configuration["smarthost"] == "[::1]:25"


def test_teams_needs_a_newer_alertmanager():
    (old,) = channels(AlertSettings(teams_url="https://x.example/y"), (0, 25))
    assert old.fault == "PILOTHOUSE_ALERT_TEAMS_URL: needs Alertmanager 0.28, and 0.25 is installed: nothing is sent"


@pytest.mark.skipif(shutil.which("amtool") is None, reason="no amtool (Debian: prometheus-alertmanager)")
def test_alertmanager_understands_what_is_written(tmp_path):
    version = subprocess.run(["amtool", "--version"], capture_output=True, text=True, check=True).stdout
    every = EVERY if "version 0.25" not in version else {k: v for k, v in EVERY.items() if k != "teams_url"}
    every |= {"smtp": "[::1]:25", "webhook_url": "https://höoks.example:8443/50%25?a=b%20c#d"}
    write(tmp_path, channels(AlertSettings(**every, smtp_user="ann", smtp_password="p")))
    done = subprocess.run(
        ["amtool", "check-config", tmp_path / "alertmanager.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "1 templates" in done.stdout
    receiver = yaml.safe_load((tmp_path / "alertmanager.yml").read_text())["receivers"][0]
    assert all(c["send_resolved"] for name, configs in receiver.items() if name != "name" for c in configs)


def test_the_inbox_always_gets_everything(tmp_path):
    write(tmp_path, channels(AlertSettings(webhook_url="http://127.0.0.1:1/x")))
    (receiver,) = yaml.safe_load((tmp_path / "alertmanager.yml").read_text())["receivers"]
    assert [c["url"] for c in receiver["webhook_configs"]] == [
        "http://collector:8001/v1/alerts",
        "http://127.0.0.1:1/x",
    ]


def test_what_has_secrets_is_for_its_owner_alone_and_what_the_page_reads_has_none(tmp_path):
    write(tmp_path, channels(AlertSettings(**EVERY)), inbox="http://127.0.0.1:8001/v1/alerts")
    assert (tmp_path / "alertmanager.yml").stat().st_mode & 0o777 == 0o600
    public = (tmp_path / "public/channels.json").read_text()
    assert "secret" not in public
    assert {c["integration"] for c in json.loads(public)["channels"]} == {
        "email",
        "slack",
        "pagerduty",
        "msteamsv2",
        "webhook",
    }


def test_the_terminal_says_where_alerts_go_and_why_they_do_not(tmp_path):
    said = sentences(write(tmp_path, channels(AlertSettings(**MAIL))))
    assert said == [
        "Alerts go to the page alone (docs/monitoring.md).",
        "Alerts do not go out by email: 127.0.0.1:1 cannot be reached: Connection refused",
    ]
