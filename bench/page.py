"""How long people wait: `python -m bench.page ADDRESS [?model=...]`, on a running stack with any number of records.

A fresh visitor of every page: until the title and the first of what is under it can be read. Within a visit, the switch
from page to page: from the click until the script has run to its end. In Debian's Chromium on the same machine; the
median and the worst of the rounds.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

from playwright.sync_api import Browser, Page

from testkit.browser.chromium import find_chromium, open_browser, open_page

ROUNDS = 5
PATHS = {"Predict": "/", "Live": "/live", "Drift": "/drift", "Performance": "/performance", "Records": "/records",
         "Alerts": "/alerts", "Models": "/models"}  # fmt: skip
_READABLE = """title => [...document.querySelectorAll('h1')].some(h => h.innerText.trim() === title)
  && document.querySelector('[data-testid="stMain"]').innerText.length > 120"""
_DRAWN = f"""title => ({_READABLE})(title)
  && document.querySelector('[data-testid="stApp"]').dataset.testScriptState === 'notRunning'"""


def timed(act: Callable[[], object], page: Page, title: str, condition: str = _DRAWN) -> float:
    """Seconds until the page with that title stands."""
    begun = time.perf_counter()
    act()
    page.wait_for_function(condition, arg=title, timeout=120_000, polling=20)
    return time.perf_counter() - begun


def first_views(browser: Browser, address: str, query: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {title: [] for title in PATHS}
    for _ in range(ROUNDS):
        for title, path in PATHS.items():
            with open_page(browser) as (page, _outside):
                url = f"{address}{path}{query}"
                found[title].append(timed(partial(page.goto, url, wait_until="commit"), page, title, _READABLE))
    return found


def switches(browser: Browser, address: str, query: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {title: [] for title in PATHS}
    with open_page(browser) as (page, _):
        timed(lambda: page.goto(f"{address}/alerts{query}"), page, "Alerts")
        for _round in range(ROUNDS + 1):
            for title in PATHS:
                link = page.get_by_test_id("stSidebarNavLink").filter(has_text=title)
                found[title].append(timed(link.click, page, title))
    return {title: seconds[1:] for title, seconds in found.items()}


def main() -> None:
    path = find_chromium()
    if path is None or len(sys.argv) < 2:
        sys.exit(__doc__ if path else "no `chromium` on the PATH (Debian: apt-get install chromium)")
    address, query = sys.argv[1].rstrip("/"), sys.argv[2] if len(sys.argv) > 2 else ""
    with open_browser(path) as browser:
        measured = {"first view": first_views(browser, address, query), "switch": switches(browser, address, query)}
    print("| page | first view, s (worst) | switch, s (worst) |\n|---|---|---|")
    for title in PATHS:
        cells = [f"{statistics.median(m[title]):.2f} ({max(m[title]):.2f})" for m in measured.values()]
        print(f"| {title} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
