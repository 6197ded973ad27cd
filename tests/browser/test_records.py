"""Finding a record, and saying what was true: in a browser, on the running stack."""

import csv
import re

import httpx2
import pytest
from playwright.sync_api import expect

from pilothouse.client import Client
from testkit.browser.chromium import settle
from testkit.waiting import wait_for

SECONDS = 1000
WAIT = 20 * SECONDS


def stats(addresses, model="house-prices", version="1"):
    models = httpx2.get(f"{addresses['collector']}/v1/stats").json()["models"]
    return next(m for m in models if (m["model"], m["version"]) == (model, version))


@pytest.fixture
def record(addresses):
    """The id of a prediction that is stored."""
    with Client(addresses["inference"]) as client:
        example = client.manifest("house-prices", "1").examples[0]
        (answer,) = client.predict("house-prices", [example])
    query = {"id": answer["id"]}
    wait_for(lambda: httpx2.get(f"{addresses['collector']}/v1/records", params=query).json()["records"])
    return answer["id"]


def test_a_record_is_labelled_by_hand_and_counted(visit, addresses, record):
    before = stats(addresses)["labels"]
    page = visit(f"/records?model=house-prices&version=1&record={record}")
    page.get_by_label(re.compile("^True price per m²")).fill("512.5")
    page.get_by_label(re.compile("^True price per m²")).press("Tab")
    page.get_by_role("button", name="Save the label").click()
    expect(page.get_by_test_id("stMetricValue").filter(has_text="512.5 USD per m²")).to_be_visible(timeout=WAIT)
    expect(page.get_by_text(f"; {before + 1:,} with a label.")).to_be_visible(timeout=WAIT)
    assert stats(addresses)["labels"] == before + 1


@pytest.mark.usefixtures("record")
def test_a_filter_finds_by_prediction_and_the_address_keeps_it(visit):
    page = visit("/records?model=house-prices&version=1&low=-1e9&high=-1e8")
    expect(page.get_by_text("No record is like this.")).to_be_visible(timeout=WAIT)
    page.get_by_role("button", name="Clear the filters").click()
    expect(page.get_by_test_id("stDataFrame")).to_be_visible(timeout=WAIT)
    settle(page)
    assert "low=" not in page.url


@pytest.mark.usefixtures("record")
def test_going_back_undoes_one_filter(visit):
    page = visit("/records?model=house-prices&version=1")
    for choice, written in (("Without", "label=no"), ("Day", "span=24h")):
        page.get_by_role("radio", name=choice, exact=True).click()
        expect(page).to_have_url(re.compile(written), timeout=WAIT)
        settle(page)
    page.go_back()
    expect(page.get_by_role("radio", name="All", exact=True)).to_be_checked(timeout=WAIT)
    expect(page.get_by_role("radio", name="Without", exact=True)).to_be_checked()
    settle(page)
    assert "label=no" in page.url
    assert "span=" not in page.url


@pytest.mark.usefixtures("record")
def test_the_selection_is_exported(visit, tmp_path):
    page = visit("/records?model=house-prices&version=1")
    page.get_by_role("button", name="Export").click()
    with page.expect_download(timeout=WAIT) as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    download.value.save_as(tmp_path / "records.csv")
    with (tmp_path / "records.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {"id", "prediction", "label", "living_m2"} <= set(rows[0])
