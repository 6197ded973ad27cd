"""A service is killed and comes back: its part of the page says so, the rest goes on, and so does that part after."""

import os
import signal

import pytest
from playwright.sync_api import expect

from pilothouse.client import Client
from tests.browser.chromium import open_page, settle
from tests.browser.stack import own_stack
from tests.stack.processes import alive, wait_for

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
            page.get_by_test_id("stBaseButton-primaryFormSubmit").click()
            expect(page.get_by_test_id("stMetricValue")).to_be_visible(timeout=WAIT)
        finally:
            os.kill(collector.pid, signal.SIGKILL)
        wait_for(lambda: (now := service(processes, "collector")) and now.pid != collector.pid, seconds=60)
        expect(page.get_by_text("The last predictions cannot be shown.")).to_have_count(0, timeout=2 * WAIT)
        settle(page)


def test_live_says_which_service_is_away_until_it_is_back(browser, stack):
    processes, addresses = stack
    with open_page(browser) as (page, _):
        page.goto(f"{addresses['frontend']}/live")
        expect(page.get_by_text("All services are ready.")).to_be_visible(timeout=WAIT)
        drift = service(processes, "drift")
        drift.suspend()
        try:
            expect(page.get_by_text("2 of 3 services are ready.")).to_be_visible(timeout=WAIT)
        finally:
            drift.resume()
        page.get_by_role("button", name="Check again").click()
        expect(page.get_by_text("All services are ready.")).to_be_visible(timeout=WAIT)
