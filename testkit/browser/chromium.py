"""Debian's Chromium, driven by Playwright: opened, watched for requests to the outside, and photographed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
_RELOAD = """addEventListener('error', event => {
  if (['SCRIPT', 'LINK'].includes(event.target?.tagName) && !document.querySelector('[data-testid="stApp"]'))
    setTimeout(() => location.reload(), 300)
}, true)"""
_LOCAL = {"127.0.0.1", "localhost", "::1", None}


@dataclass(frozen=True)
class Look:
    """A way of looking at a page."""

    name: str
    width: int
    height: int
    scheme: Literal["light", "dark"]


LOOKS = (Look("light", 1280, 900, "light"), Look("dark", 1280, 900, "dark"), Look("narrow", 390, 844, "light"))


def find_chromium() -> str | None:
    return shutil.which("chromium")


@contextmanager
def open_browser(path: str, *arguments: str) -> Iterator[Browser]:
    """`arguments` are switches beside those that every browser here has."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *arguments])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_page(browser: Browser, look: Look = LOOKS[0]) -> Iterator[tuple[Page, list[str]]]:
    """A fresh visitor's page, and a growing list of the addresses outside this machine that it asked for.

    When a network interface of the machine comes or goes, as in tests that make some, Chromium gives up what it is
    loading (ERR_NETWORK_CHANGED); then, as a visitor would, the page is loaded again.
    """
    context = browser.new_context(
        viewport={"width": look.width, "height": look.height}, color_scheme=look.scheme, reduced_motion="reduce"
    )
    context.add_init_script(_RELOAD)
    page = context.new_page()
    outside: list[str] = []
    page.on("request", lambda request: None if _is_local(request.url) else outside.append(request.url))
    try:
        yield page, outside
    finally:
        context.close()


def settle(page: Page, seconds: float = 30) -> None:
    """Wait until the script has run and nothing is being drawn."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=seconds * 1000)
    page.wait_for_function('!document.querySelector(\'[data-testid="stSkeleton"], [data-stale="true"]\')')
    page.wait_for_timeout(300)


def photograph(browser: Browser, address: str, paths: dict[str, str], folder: Path) -> list[Path]:
    """A picture of every page in every look: `paths` are names and the paths below `address`."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = []
    for look in LOOKS:
        with open_page(browser, look) as (page, _):
            for name, path in paths.items():
                page.goto(f"{address}{path}")
                settle(page, 120)
                taken.append(folder / f"{name}-{look.name}.png")
                _fit(page, look)
                page.screenshot(path=taken[-1])
    return taken


def _fit(page: Page, look: Look) -> None:
    """Grow the window until the whole page is seen: Streamlit scrolls inside of it."""
    page.set_viewport_size({"width": look.width, "height": look.height})
    inside = '[data-testid="stMain"]'
    height = page.eval_on_selector(inside, "e => e.scrollHeight")
    page.set_viewport_size({"width": look.width, "height": min(max(int(height), look.height), 6000)})
    page.wait_for_timeout(700)


def _is_local(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("data", "blob", "about") or parts.hostname in _LOCAL
