"""What the page knows of the channels, and says as a metric."""

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from pilothouse.wire.alerts import AlertChannel, AlertChannels
from services.frontend.alert_channels import AlertChannelMetrics, read_channels

STATE = AlertChannels(
    "2026-11-27T12:00:00+00:00",
    [AlertChannel("email", "ann@example.com by mail:587", "mail:587 refuses the password"), AlertChannel("slack", "s")],
)


def works(registry, integration):
    return registry.get_sample_value("pilothouse_page_alert_channel_works", {"integration": integration})


def test_a_channel_works_or_does_not_and_the_file_is_read_anew(tmp_path):
    path, registry = tmp_path / "channels.json", CollectorRegistry()
    AlertChannelMetrics(registry, path)
    assert works(registry, "email") is None
    path.write_bytes(msgspec.json.encode(STATE))
    assert (works(registry, "email"), works(registry, "slack")) == (0, 1)
    path.write_bytes(msgspec.json.encode(AlertChannels("2026-11-27T12:01:00+00:00", [AlertChannel("email", "ann")])))
    assert (works(registry, "email"), works(registry, "slack")) == (1, None)


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"channels": 1}', b"\xff"])
def test_a_file_that_is_missing_or_damaged_says_nothing(tmp_path, content):
    path = tmp_path / "channels.json"
    if content is not None:
        path.write_bytes(content)
    assert read_channels(path) is None
    assert read_channels(None) is None
