"""Another version of a model: in a browser, on the running stack."""

import httpx2
from playwright.sync_api import expect

from pilothouse.client import Client
from testkit.waiting import wait_for

SECONDS = 1000
WAIT = 20 * SECONDS


def stats(addresses, model="house-prices", version="1"):
    models = httpx2.get(f"{addresses['collector']}/v1/stats").json()["models"]
    return next(m for m in models if (m["model"], m["version"]) == (model, version))


def test_a_version_shadows_then_answers_then_no_longer(visit, addresses):
    page = visit("/models?model=house-prices&version=1")
    page.get_by_role("button", name="Let it shadow").click()
    expect(page.get_by_text("Version 1b in the shadow of version 1")).to_be_visible(timeout=WAIT)
    with Client(addresses["inference"]) as client:
        client.predict("house-prices", list(client.manifest("house-prices", "1").examples))
    wait_for(lambda: stats(addresses, version="1b")["records"] >= 4)
    page.reload()
    same = page.get_by_test_id("stMetric").filter(has_text="Apart, on average").get_by_test_id("stMetricValue")
    expect(same).to_have_text("0 USD per m²", timeout=WAIT)
    page.get_by_role("button", name="Have it answer").click()
    expect(page.get_by_role("button", name="Have it answer")).to_have_count(1, timeout=WAIT)
    wait_for(lambda: active(addresses) == "1b")
    page.reload()
    page.get_by_role("button", name="Have it answer").click()
    wait_for(lambda: active(addresses) == "1")


def active(addresses):
    models = httpx2.get(f"{addresses['inference']}/models").json()["models"]
    return next(m["version"] for m in models if m["name"] == "house-prices" and m["state"] == "active")
