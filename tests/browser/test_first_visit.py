"""The first visit, before anything was predicted. This module comes first: the stack's log is still empty."""

import pytest
from playwright.sync_api import expect

MILLISECONDS = 20_000


@pytest.mark.parametrize("path", ["/", "/records", "/drift", "/performance"])
def test_every_page_that_lives_on_records_says_how_to_get_some(visit, path):
    page = visit(path)
    expect(page.get_by_text("make demo")).to_be_visible(timeout=MILLISECONDS)


def test_live_says_that_all_is_ready(visit):
    expect(visit("/live").get_by_text("All services are ready.")).to_be_visible(timeout=MILLISECONDS)
