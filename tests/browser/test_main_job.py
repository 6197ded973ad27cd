"""The main job, as a person does it in a browser, on the running stack with real models and real data."""

import re
import time
from pathlib import Path

import httpx2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from demo.scenes import fashion_scenes, house_scenes
from pilothouse.client import Client
from testkit.browser.chromium import LOOKS, photograph, settle
from testkit.browser.screenshots import PAGES

EXAMPLES = Path(__file__).parents[2] / "models/fashion-mnist/1/examples"
NARROW = LOOKS[2]
SECONDS = 1000
ROWS = 300


def press_predict(page):
    page.get_by_test_id("stBaseButton-primaryFormSubmit").click()


def cells(page):
    """The newest rows' values: the table is a canvas with a readable twin."""
    return page.get_by_test_id("stDataFrame").locator("td")


@pytest.fixture(scope="module")
def drifted(addresses):
    """Sales of 1998 through a model that learned from 1993-95, all of them in the log."""
    with Client(addresses["inference"]) as client:
        manifest = client.manifest("house-prices")
        scene = next(s for s in house_scenes(manifest, ROWS) if s.drifts)
        client.predict("house-prices", scene.requests)
    deadline = time.monotonic() + 30
    while stored(addresses, "house-prices") < ROWS:
        assert time.monotonic() < deadline, "the records did not reach the collector"
        time.sleep(0.2)


def stored(addresses, model):
    stats = httpx2.get(f"{addresses['collector']}/v1/stats").json()["models"]
    return next(m["records"] for m in stats if m["model"] == model)


def test_a_house_price_is_predicted_from_the_form(visit, addresses):
    before = stored(addresses, "house-prices")
    page = visit("/?model=house-prices")
    page.get_by_label("Year built", exact=True).fill("1887")  # a price that no other test has in the log
    press_predict(page)
    expect(page.get_by_test_id("stMetricValue")).to_have_text(re.compile(r"^[\d,.]+ USD per m²$"), timeout=20 * SECONDS)
    price = page.get_by_test_id("stMetricValue").inner_text().split()[0]
    expect(page.get_by_text("not logged")).to_have_count(0)
    expect(cells(page).filter(has_text=re.compile(rf"^{price}$"))).to_have_count(1, timeout=20 * SECONDS)
    assert stored(addresses, "house-prices") == before + 1


def test_a_wrong_value_is_marked_at_its_field_and_can_be_mended(visit):
    page = visit("/?model=house-prices")
    year = page.get_by_label("Year built", exact=True)
    year.fill("1700")
    press_predict(page)
    expect(page.get_by_text("must be at least 1780, got 1700")).to_be_visible(timeout=20 * SECONDS)
    expect(page.get_by_text("1 field needs another value")).to_be_visible()
    year.fill("1950")
    press_predict(page)
    expect(page.get_by_test_id("stMetricValue")).to_be_visible(timeout=20 * SECONDS)
    expect(page.get_by_text("must be at least 1780")).to_have_count(0)


def test_what_was_filled_in_is_still_there_after_a_look_at_another_page(visit):
    page = visit("/?model=house-prices")
    page.get_by_label("Year built", exact=True).fill("1931")
    press_predict(page)
    expect(page.get_by_test_id("stMetricValue")).to_be_visible(timeout=20 * SECONDS)
    for name in ("Records", "Predict"):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible(timeout=20 * SECONDS)
    expect(page.get_by_label("Year built", exact=True)).to_have_value("1931")
    expect(page.get_by_text("USD per m²").first).to_be_visible()


def test_an_image_is_dropped_and_its_class_is_shown_with_a_chart_and_logged(visit):
    page = visit("/?model=fashion-mnist")
    page.set_input_files("input[type=file]", EXAMPLES / "10-ankle-boot.png")
    expect(page.get_by_text("10-ankle-boot.png")).to_be_visible(timeout=20 * SECONDS)
    press_predict(page)
    expect(page.get_by_test_id("stMetricValue")).to_have_text("ankle boot", timeout=20 * SECONDS)
    chart = page.get_by_test_id("stVegaLiteChart")
    expect(chart.locator("canvas, svg").first).to_be_visible()
    assert "ankle boot 9" in page.locator("[aria-label^='Probabilities'], [alt^='Probabilities']").first.evaluate(
        "e => e.getAttribute('aria-label') || e.getAttribute('alt')"
    )
    expect(cells(page).filter(has_text="ankle boot").first).to_be_attached(timeout=20 * SECONDS)


def test_several_images_are_answered_each(visit, tmp_path):
    """One of them of 16 bits a pixel, which Streamlit cannot show and a browser neither."""
    page = visit("/?model=fashion-mnist")
    with Image.open(EXAMPLES / "09-bag.png") as bag:
        Image.fromarray(np.asarray(bag, dtype=np.uint16) * 257).save(tmp_path / "deep.tiff")
    files = [EXAMPLES / "09-bag.png", EXAMPLES / "02-trouser.png", tmp_path / "deep.tiff"]
    page.set_input_files("input[type=file]", files)
    expect(page.get_by_text("02-trouser.png")).to_be_visible(timeout=20 * SECONDS)
    press_predict(page)
    for answer, count in (("bag", 2), ("trouser", 1)):
        strong = page.locator("strong", has_text=re.compile(f"^{answer}$"))
        expect(strong).to_have_count(count, timeout=20 * SECONDS)
    expect(page.get_by_test_id("stImage").get_by_role("img", name="deep.tiff")).to_be_visible()


@pytest.mark.usefixtures("drifted")
def test_a_record_is_opened(visit, addresses):
    page = visit("/records?model=house-prices")
    settle(page, 60)
    grid = page.get_by_test_id("data-grid-canvas").bounding_box()
    page.mouse.click(grid["x"] + 16, grid["y"] + 50)  # the box before the first row, drawn on the canvas
    expect(page.get_by_test_id("stMetricValue").filter(has_text="USD per m²")).to_be_visible(timeout=20 * SECONDS)
    newest = f"{addresses['collector']}/v1/records?model=house-prices&version=1&limit=1&order=desc"
    opened = page.get_by_test_id("stCode").inner_text().strip()
    assert opened == httpx2.get(newest).json()["records"][0]["id"]


@pytest.mark.usefixtures("drifted")
def test_the_drift_page_says_what_moved_and_leads_to_the_report(visit, addresses):
    page = visit("/drift?model=house-prices&window=24h")
    expect(page.get_by_role("heading", name=re.compile("columns drifted: Sale date"))).to_be_visible(
        timeout=60 * SECONDS
    )
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open the report").click()
    report = opened.value
    expect(report.get_by_text("Drifted Columns").first).to_be_visible(timeout=90 * SECONDS)
    assert report.url.startswith(f"{addresses['frontend']}/drift-report")
    assert report.evaluate("self.origin") == "null"


@pytest.mark.usefixtures("drifted")
def test_the_report_opens_at_the_pages_address(visit):
    page = visit("/drift-report?model=house-prices&version=1")
    expect(page.get_by_text("Drifted Columns").first).to_be_visible(timeout=90 * SECONDS)
    expect(page.get_by_role("heading", name=re.compile("house-prices 1"))).to_be_visible()


def test_the_runbook_that_a_message_links_to_is_shown(visit):
    page = visit("/runbooks?alert=SpoolFilling")
    expect(page.get_by_role("heading", name="SpoolFilling", exact=True)).to_be_visible(timeout=20 * SECONDS)
    page.get_by_role("button", name="All runbooks").click()
    page.get_by_role("button", name="DriftDetected", exact=True).click()
    expect(page.get_by_role("heading", name="DriftDetected", exact=True)).to_be_visible(timeout=20 * SECONDS)
    expect(page).to_have_url(re.compile(r"/runbooks\?alert=DriftDetected$"))
    page.go_back()
    expect(page.get_by_role("heading", name="Runbooks", exact=True)).to_be_visible(timeout=20 * SECONDS)


@pytest.fixture(scope="module")
def dressed(addresses):
    """Enough images in the log for a verdict."""
    with Client(addresses["inference"]) as client:
        scene = next(s for s in fashion_scenes(ROWS) if s.drifts)
        for start in range(0, ROWS, 50):
            client.predict_images("fashion-mnist", scene.requests[start : start + 50])
    deadline = time.monotonic() + 60
    while stored(addresses, "fashion-mnist") < ROWS:
        assert time.monotonic() < deadline, "the records did not reach the collector"
        time.sleep(0.2)


@pytest.mark.usefixtures("dressed")
def test_a_point_among_the_embeddings_leads_to_its_record(visit):
    page = visit("/drift?model=fashion-mnist")
    expect(page.get_by_role("heading", name="Embeddings", exact=True)).to_be_visible(timeout=90 * SECONDS)
    settle(page, 60)
    cloud = page.get_by_test_id("stVegaLiteChart").last
    cloud.scroll_into_view_if_needed()
    box = cloud.bounding_box()
    opens = page.get_by_role("link", name=re.compile("Open its record"))
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)  # the nearest point is meant
    expect(opens).to_be_visible(timeout=20 * SECONDS)
    wanted = page.get_by_test_id("stMain").locator("code").filter(has_text=re.compile("^[0-9a-f-]{36}$")).inner_text()
    opens.click()
    expect(page.get_by_role("heading", name="Records", exact=True)).to_be_visible(timeout=20 * SECONDS)
    expect(page.get_by_test_id("stCode").filter(has_text=wanted)).to_be_visible(timeout=20 * SECONDS)
    assert f"record={wanted}" in page.url


@pytest.mark.usefixtures("drifted")
def test_an_address_restores_the_view(visit):
    page = visit("/drift?model=house-prices&window=24h")
    expect(page.get_by_role("heading", name=re.compile("columns drifted"))).to_be_visible(timeout=60 * SECONDS)
    expect(page.get_by_role("combobox", name="Model")).to_have_value("house-prices", timeout=20 * SECONDS)
    expect(page.get_by_role("radio", name="Day").first).to_be_checked(timeout=20 * SECONDS)
    page.get_by_role("link", name="Records").click()
    expect(page.get_by_role("heading", name="Records")).to_be_visible(timeout=20 * SECONDS)
    settle(page)
    assert "/records?model=house-prices" in page.url


@pytest.mark.usefixtures("drifted")
@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES.keys())
def test_nothing_sticks_out_on_a_narrow_screen(visit, path):
    page = visit(path, NARROW)
    settle(page, 60)
    assert page.get_by_test_id("stException").count() == 0
    assert page.get_by_test_id("stMain").evaluate("e => e.scrollWidth - e.clientWidth") == 0


def test_a_page_is_photographed_in_every_look(browser, addresses, tmp_path):
    taken = photograph(browser, addresses["frontend"], {"live": PAGES["live"]}, tmp_path)
    assert len(taken) == len(LOOKS)
    assert all(path.stat().st_size > 10_000 for path in taken)
