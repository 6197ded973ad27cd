"""What the tests of the page share: stand-ins for the other services, and pages run against them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx2
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from services.frontend.clients import cache
from testkit.frontend.manifests import houses, pneumonia
from testkit.frontend.proxied import DriftStandIn, page_server
from testkit.frontend.stand_in import StandIn
from testkit.ports import closed_address
from testkit.serving import serving

SERVICES = ("INFERENCE", "COLLECTOR", "DRIFT")
Visit = Callable[..., AppTest]


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """All three services, answering; the page's settings point at them."""
    services = StandIn(houses(), pneumonia())
    cache.forget()
    with serving(services.app) as services.url:
        for name in SERVICES:
            monkeypatch.setenv(f"PILOTHOUSE_{name}_URL", services.url)
        yield services
        st.cache_resource.clear()


@pytest.fixture
def stand_in_url(stand_in: StandIn) -> str:
    return stand_in.url


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Point the page at a port where nobody listens, for one service."""

    def send_away(service: str) -> None:
        cache.forget()
        monkeypatch.setenv(f"PILOTHOUSE_{service.upper()}_URL", closed_address())

    return send_away


@pytest.fixture
def visit() -> Visit:
    """Open one page, as its address names it; `query` is what stands behind the question mark."""

    def open_page(path: str, **query: str) -> AppTest:
        page = AppTest.from_function(_show, default_timeout=20, kwargs={"path": path})
        page.query_params.update(query)
        return page.run()

    return open_page


@pytest.fixture
def drift() -> DriftStandIn:
    """As much of a drift service as the proxy needs."""
    return DriftStandIn()


@pytest.fixture
def served(drift: DriftStandIn) -> Iterator[httpx2.Client]:
    """A client of the page's server before it; `metrics` are the server's."""
    with serving(drift.app) as url, page_server(url, api_key="page-key") as (client, metrics):
        client.metrics = metrics
        yield client


def _show(path: str) -> None:
    from services.frontend.views.pages import PAGES

    entries = {entry.path: entry for group in PAGES.values() for entry in group}
    entries[path].show()
