"""A file of many rows: in a browser, on the running stack."""

import pandas as pd
from playwright.sync_api import expect

from pilothouse.client import Client
from tests.browser.test_main_job import press_predict

SECONDS = 1000
WAIT = 20 * SECONDS


def test_a_file_of_many_rows_is_predicted_and_downloaded(visit, addresses, tmp_path):
    with Client(addresses["inference"]) as client:
        examples = client.manifest("house-prices", "1").examples
    table = pd.DataFrame([examples[i % len(examples)] for i in range(1200)]).assign(mine=range(1200))
    table.loc[700, "year_built"] = 1500
    table.to_csv(tmp_path / "sales.csv", index=False)
    page = visit("/?model=house-prices&version=1&input=file")
    page.set_input_files("input[type=file]", tmp_path / "sales.csv")
    expect(page.get_by_text("sales.csv").first).to_be_visible(timeout=WAIT)
    press_predict(page)
    expect(page.get_by_text("1,199 of 1,200 rows")).to_be_visible(timeout=3 * WAIT)
    expect(page.get_by_text("must be at least 1780, got 1500")).to_be_visible()
    with page.expect_download(timeout=WAIT) as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    download.value.save_as(tmp_path / "out.csv")
    out = pd.read_csv(tmp_path / "out.csv")
    assert out["mine"].tolist() == list(range(1200))
    assert out["prediction"].isna().sum() == out["error"].notna().sum() == 1
