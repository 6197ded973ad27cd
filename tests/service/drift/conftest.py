"""A real collector over HTTP for the drift service."""

import pytest

from testkit.drift.stack import running_collector


@pytest.fixture(scope="module")
def collector(tmp_path_factory):
    with running_collector(tmp_path_factory.mktemp("collector")) as collector:
        yield collector


@pytest.fixture
def fresh_collector(tmp_path):
    """One of the test's own, that it may stop."""
    with running_collector(tmp_path / "collector") as collector:
        yield collector
