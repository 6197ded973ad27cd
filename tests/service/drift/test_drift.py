"""/drift on the packed models and real data: what the main job promises."""

import pytest

from services.drift.window import SCORED_ROWS
from testkit.drift.real import MODELS, house_frames, house_inputs, image_inputs, image_sets, packed, parts
from testkit.drift.running import running_drift

ROWS = 400


@pytest.fixture(scope="module")
def client(tmp_path_factory, collector):
    with running_drift(MODELS, tmp_path_factory.mktemp("drift"), collector.url) as client:
        yield client


def send(collector, name, inputs):
    """Log a model's answers as the inference service would."""
    model = packed(name)
    collector.announce(model.manifest)
    rows = [row for part in parts(inputs) for row in model.log_rows(part, model.run(part))]
    return collector.log(model.manifest, [c.name for c in model.columns_logged], [list(row) for row in rows])


def verdict(client, name):
    """What is said of the newest rows that the test has just sent."""
    answer = client.post("/drift/run", params={"model": name, "window": f"rows={ROWS}"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def houses(period):
    return house_inputs(house_frames()[period].sample(ROWS, random_state=1))


def images(what):
    return image_inputs(image_sets(2 * ROWS, ROWS)[what][:ROWS])


def test_held_out_sales_of_the_same_years_are_no_drift(client, collector):
    send(collector, "house-prices", houses("held_out"))
    said = verdict(client, "house-prices")
    assert (said["verdict"], said["rows"], said["drifted_columns"]) == ("no drift", ROWS, [])


def test_the_sales_of_1998_are_drift(client, collector):
    send(collector, "house-prices", houses("1998"))
    said = verdict(client, "house-prices")
    assert said["verdict"] == "drift"
    assert {"sale_date", "prediction"} <= set(said["drifted_columns"])


def test_clean_test_images_are_no_drift(client, collector):
    send(collector, "fashion-mnist", images("same"))
    assert verdict(client, "fashion-mnist")["verdict"] == "no drift"


@pytest.mark.parametrize("fault", ["inverted", "blurred", "noisy", "rotated", "half as bright"])
def test_faulty_images_are_drift(client, collector, fault):
    send(collector, "fashion-mnist", images(fault))
    assert verdict(client, "fashion-mnist")["verdict"] == "drift"


def test_a_large_window_is_sampled_and_says_how_many_it_holds(client, collector):
    inputs = house_inputs(house_frames()["same"])
    send(collector, "house-prices", inputs)
    said = client.get("/drift", params={"model": "house-prices", "window": f"rows={len(inputs)}"}).json()
    assert (said["verdict"], said["rows"], said["window"]["rows"]) == ("no drift", SCORED_ROWS, len(inputs))
    recent = client.get("/drift", params={"model": "house-prices", "window": "1h"}).json()
    assert recent["rows"] == SCORED_ROWS
    assert recent["window"]["rows"] >= len(inputs)


def test_thresholds_are_calibrated_once_for_all_starts(tmp_path, collector):
    def said_after_a_start():
        with running_drift(MODELS, tmp_path, collector.url) as client:
            return verdict(client, "house-prices")["columns"]

    first = said_after_a_start()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "drift").iterdir()}
    assert kept
    assert said_after_a_start() == first
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
