"""A service is killed and comes back: its part of the page says so, the rest goes on, and so does that part after."""

import os
import re
import signal

import pytest
from playwright.sync_api import expect

from pilothouse.client import Client
from testkit.browser.chromium import open_page, settle
from testkit.browser.stack import own_stack
from testkit.stack.processes import alive
from testkit.waiting import wait_for

SECONDS = 1000
WAIT = 30 * SECONDS


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """A stack whose services may be stopped, with one prediction in its log."""
    with own_stack(tmp_path_factory.mktemp("outage")) as (stack, addresses):
        with Client(addresses["inference"]) as client:
            client.predict("house-prices", list(client.manifest("house-prices").examples))
        yield stack, addresses


def service(stack, name):
    """The living process of a service; None while there is none."""
    found = [p for p in stack.tree() if alive(p) and f"services.{name}" in p.cmdline()]
    return found[0] if found else None


def test_a_killed_collector_takes_its_part_only_and_comes_back(browser, stack):
    """The supervisor starts what dies again, so it is stopped first: a service that hangs is away too."""
    processes, addresses = stack
    with open_page(browser) as (page, _):
        page.goto(f"{addresses['frontend']}/?model=house-prices")
        expect(page.get_by_test_id("stDataFrame")).to_be_visible(timeout=WAIT)
        collector = service(processes, "collector")
        collector.suspend()
        try:
            expect(page.get_by_text("The last predictions cannot be shown.")).to_be_visible(timeout=WAIT)
            expect(page.get_by_text("The collector service does not answer at")).to_be_visible()
            expect(page.get_by_test_id("stDataFrame")).to_have_count(0)
            page.get_by_test_id("stBaseButton-primaryFormSubmit").click()
            price = page.get_by_test_id("stMetricValue")
            expect(price).to_have_text(re.compile("USD per m²$"), timeout=WAIT)
        finally:
            os.kill(collector.pid, signal.SIGKILL)
        wait_for(lambda: (now := service(processes, "collector")) and now.pid != collector.pid, seconds=60)
        log = page.get_by_test_id("stDataFrame").last
        expect(log).to_be_visible(timeout=2 * WAIT)
        expect(page.get_by_text("The last predictions cannot be shown.")).to_have_count(0)
        made = price.inner_text().split()[0]  # while the collector was away: it waited in the spool
        expect(log.locator("td").filter(has_text=re.compile(f"^{made}$")).first).to_be_attached(timeout=2 * WAIT)


@pytest.mark.parametrize(
    ("path", "part"),
    [("/drift", "The drift verdict cannot be shown."), ("/performance", "The performance cannot be shown.")],
)
def test_a_page_whose_service_hangs_says_so_soon_and_comes_back_on_a_press(browser, stack, path, part):
    """A stopped process takes connections and answers none: a score may take half a minute, but not to begin with."""
    processes, addresses = stack
    drift = service(processes, "drift")
    drift.suspend()
    try:
        with open_page(browser) as (page, _):
            page.goto(f"{addresses['frontend']}{path}?model=house-prices")
            expect(page.get_by_text(part)).to_be_visible(timeout=25 * SECONDS)
            settle(page)
            expect(page.get_by_test_id("stSpinner")).to_have_count(0)
            drift.resume()
            page.get_by_role("button", name="Try again").click()
            expect(page.get_by_text(part)).to_have_count(0, timeout=WAIT)
            expect(page.get_by_text(re.compile("rows that|labels that|Nothing to|ask again soon")).first).to_be_visible(
                timeout=WAIT
            )
    finally:
        drift.resume()


def test_live_says_which_service_is_away_until_it_is_back(browser, stack):
    processes, addresses = stack
    with open_page(browser) as (page, _):
        page.goto(f"{addresses['frontend']}/live")
        expect(page.get_by_text("All services are ready.")).to_be_visible(timeout=WAIT)
        drift = service(processes, "drift")
        drift.suspend()
        try:
            expect(page.get_by_text("2 of 3 services are ready.")).to_be_visible(timeout=WAIT)
            expect(page.get_by_text("no answer in time")).to_be_visible()
        finally:
            drift.resume()
        page.get_by_role("button", name="Check again").click()
        expect(page.get_by_text("All services are ready.")).to_be_visible(timeout=WAIT)
