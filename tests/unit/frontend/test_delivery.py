"""The page says of each channel whether messages arrive, when the last one went, and why one did not."""

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from pilothouse.wire.alerts import AlertChannel
from services.frontend.views.alerts import delivery
from services.frontend.views.alerts.delivery import Deliveries

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
MAIL = AlertChannel("email", "ops@example.org")
METRICS = """
alertmanager_notification_requests_total{integration="email"} 7
alertmanager_notification_requests_failed_total{integration="email"} 3
alertmanager_notification_requests_total{integration="slack"} 2
alertmanager_notification_requests_failed_total{integration="slack"} 2
alertmanager_notifications_failed_total{integration="slack",reason="clientError"} 1
alertmanager_notifications_failed_total{integration="slack",reason="other"} 0
"""
CONFIGURATION = """
route: {receiver: all}
receivers:
- name: all
  email_configs: [{to: ops@example.org, auth_password: <secret>}]
  slack_configs: [{api_url: <secret>, channel: '#ops'}]
  pagerduty_configs: [{routing_key: <secret>, url: https://events.pagerduty.com/v2/enqueue}]
  webhook_configs:
  - {url: http://collector:8001/v1/alerts}
  - url: https://user:key@hooks.example.org/x?token=abc
"""


def test_successes_are_the_attempts_that_did_not_fail():
    found = delivery.read_deliveries(METRICS)
    assert (found.sent, found.failed) == ({"email": 4, "slack": 0}, {"email": 3, "slack": 2})
    assert found.reasons == {"slack": "it was refused: is the address, or the key, right?"}


def test_another_text_says_nothing_of_deliveries():
    """As where a proxy answers for Alertmanager."""
    assert delivery.read_deliveries("<!doctype html><p>Sign in {") == Deliveries()


def test_the_channels_of_a_configuration_come_without_secrets_and_without_the_inbox():
    found = [(c.integration, c.target) for c in delivery.configured(CONFIGURATION)]
    assert found == [
        ("email", "ops@example.org"), ("slack", "#ops"), ("pagerduty", "events.pagerduty.com"),
        ("webhook", "hooks.example.org"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "receivers: 3", "receivers: [{name: x, email_configs: [3]}]", "{", "[a]"])
def test_a_configuration_of_another_shape_has_no_channels(text):
    assert delivery.configured(text) == []


def ago(minutes):
    return {"email": NOW - timedelta(minutes=minutes)}


@pytest.mark.parametrize(
    ("channel", "deliveries", "pill", "sentence"),
    [
        (MAIL, Deliveries(), "Not used yet", "Nothing was sent yet: send a test message."),
        (MAIL, Deliveries({"email": 2}), "Arrives", "2 messages went."),
        (MAIL, Deliveries({"email": 2}, last_sent=ago(3)), "Arrives", "The last message went 3 min ago."),
        (MAIL, Deliveries({"email": 0}, {"email": 4}), "Does not arrive",
         "4 attempts failed, and none succeeded. Alertmanager's log says why."),
        (MAIL, Deliveries({"email": 2}, {"email": 4}, last_sent=ago(60), last_failed=ago(1)), "Does not arrive",
         "The last message failed 1 min ago. Alertmanager's log says why."),
        (MAIL, Deliveries({"email": 2}, {"email": 4}, last_sent=ago(1), last_failed=ago(60)), "Arrives",
         "The last message went 1 min ago; 4 attempts failed before."),
        (AlertChannel("email", "x", "the password is wrong"), Deliveries({}, {"email": 4}), "Does not arrive",
         "4 attempts failed, and none succeeded: the password is wrong."),
        (AlertChannel("slack", "x", "PILOTHOUSE_ALERT_SLACK_URL: must be an address"), Deliveries(), "Does not arrive",
         "Nothing was sent yet: PILOTHOUSE_ALERT_SLACK_URL: must be an address."),
    ],
)  # fmt: skip
def test_a_channel_says_whether_its_last_message_arrived(channel, deliveries, pill, sentence):
    said = delivery.headline(channel, deliveries, NOW)
    assert (said.pill, said.sentence) == (pill, sentence)


def test_of_webhooks_a_failure_counts_though_the_inbox_went_on():
    """Both are counted as one."""
    times = {"last_sent": {"webhook": NOW}, "last_failed": {"webhook": NOW - timedelta(minutes=2)}}
    said = delivery.headline(AlertChannel("webhook", "x"), Deliveries({"webhook": 9}, {"webhook": 1}, **times), NOW)
    assert said.pill == "Does not arrive"
    assert "the inbox's too" in said.sentence


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool (Debian: prometheus)")
def test_a_message_that_went_after_failing_for_a_while_has_arrived(tmp_path):
    """But a webhook may be the inbox. After two minutes five attempts fail, then two more, and one goes."""
    counts = {delivery._REQUESTS: "0x3 5 8x20", delivery._FAILED: "0x3 5 7x20"}
    series = [
        {"series": f'{name}{{integration="{channel}"}}', "values": values}
        for name, values in counts.items()
        for channel in ("email", "webhook")
    ]
    arrived = [{"labels": '{integration="email"}', "value": 1}, {"labels": '{integration="webhook"}', "value": 0}]
    query = {
        "expr": f"{delivery.LAST_SENT} > bool {delivery.LAST_FAILED}",
        "eval_time": "8m",
        "exp_samples": arrived,
    }
    story = {"interval": "30s", "input_series": series, "promql_expr_test": [query]}
    (tmp_path / "story.yml").write_text(json.dumps({"tests": [story]}))
    done = subprocess.run(
        ["promtool", "test", "rules", tmp_path / "story.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
