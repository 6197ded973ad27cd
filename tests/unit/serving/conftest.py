"""A server in each of its two ways."""

import pytest

from tests.unit.serving.echoing import make


@pytest.fixture(params=["asgi", "rsgi"])
def way(request):
    return request.param


@pytest.fixture
def port(way):
    server = make(way)
    yield server.port
    assert server.stop()
