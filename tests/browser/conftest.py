"""The real stack as processes, Chromium, and a visitor's page that has to stay on this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from testkit.browser.chromium import LOOKS, Look, find_chromium, open_browser, open_page
from testkit.browser.stack import own_stack

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models of the repository, and a version of the house prices that another package of the same graph makes."""
    folder = tmp_path_factory.mktemp("models") / "models"
    shutil.copytree(ROOT / "models", folder)
    second = folder / "house-prices" / "1b"
    shutil.copytree(folder / "house-prices" / "1", second)
    manifest = second / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("\nversion: '1'\n", "\nversion: 1b\n"))
    return folder


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[dict[str, str]]:
    """Where each service of a stack that is ready listens. Its log is empty at first."""
    state = tmp_path_factory.mktemp("state")
    roles = state / "roles.json"
    roles.write_text('{"house-prices": {"active": "1"}}')
    with own_stack(state, PILOTHOUSE_MODELS=str(models)) as (_, found):
        yield found


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
