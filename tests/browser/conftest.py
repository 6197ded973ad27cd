"""The real stack as processes, Chromium, and a visitor's page that has to stay on this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.chromium import LOOKS, Look, find_chromium, open_browser, open_page
from tests.stack.processes import Stack, free_ports

SERVICES = ("inference", "collector", "drift", "frontend")


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Where each service of a stack that is ready listens. Its log is empty at first."""
    ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
    environment = {f"{name.upper()}_PORT": str(port) for name, port in ports.items()}
    environment["PILOTHOUSE_STATE"] = str(tmp_path_factory.mktemp("state"))
    with Stack(sys.executable, "-m", "pilothouse.stack", environment=environment) as stack:
        stack.until("Ctrl-C stops", seconds=90)
        yield {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser a module: while it is open, no test of the same process can run an event loop."""
    path = find_chromium()
    if path is None and os.environ.get("PILOTHOUSE_REQUIRE_BROWSER") == "1":
        pytest.fail("PILOTHOUSE_REQUIRE_BROWSER=1, and no `chromium` is on the PATH")
    if path is None:
        pytest.skip("no `chromium` on the PATH (Debian: apt-get install chromium)")
    with open_browser(path) as browser:
        yield browser


@pytest.fixture
def visit(browser: Browser, addresses: dict[str, str]) -> Iterator[Callable[..., Page]]:
    """Open a path of the page as a fresh visitor. Fails afterwards if anything was asked of another machine, or if a
    script of the page broke."""
    with ExitStack() as stack:
        asked: list[list[str]] = []
        broken: list[str] = []

        def open_path(path: str, look: Look = LOOKS[0]) -> Page:
            page, outside = stack.enter_context(open_page(browser, look))
            asked.append(outside)
            page.on("pageerror", lambda error: broken.append(str(error)))
            page.goto(addresses["frontend"] + path)
            return page

        yield open_path
        assert [url for outside in asked for url in outside] == []
        assert broken == []
