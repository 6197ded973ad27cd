"""What a prediction leaves behind in the metrics: each stage of it, its batch, its confidence, the model's state."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from pilothouse.package import open_package
from services.inference.app import create_app
from services.inference.metrics import STAGES
from services.inference.settings import InferenceSettings
from testkit.fakes import FakeCollector
from testkit.serving import calling

MODELS = Path(__file__).resolve().parents[3] / "models"
HOUSE = dict(open_package(MODELS / "house-prices/1").manifest.examples[0])
OF_HOUSE = {"model": "house-prices", "version": "1"}
OF_FASHION = {"model": "fashion-mnist", "version": "1"}
IMAGE = sorted((MODELS / "fashion-mnist/1/examples").iterdir())[0]


@pytest.fixture
def service(tmp_path):
    registry = CollectorRegistry()
    app = create_app(InferenceSettings(port=0, models=MODELS, state=tmp_path), registry, FakeCollector())
    with calling(app) as client:
        yield client, lambda name, **labels: registry.get_sample_value(f"pilothouse_{name}", labels)


@pytest.mark.parametrize("path", ["/models/house-prices/predict", "/v2/models/house-prices/infer"])
def test_every_stage_of_a_prediction_is_timed_and_they_make_up_the_whole(service, path):
    client, value = service
    inputs = [
        {"name": n, "shape": [1], "datatype": "BYTES" if isinstance(v, str) else "FP64", "data": [v]}
        for n, v in HOUSE.items()
    ]
    answer = client.post(path, json={"inputs": inputs} if path.endswith("infer") else HOUSE)
    assert answer.status_code == 200, answer.text
    counts = {s: value("prediction_seconds_count", **OF_HOUSE, stage=s) for s in STAGES}
    assert counts == dict.fromkeys(STAGES, 1)
    sums = {s: value("prediction_seconds_sum", **OF_HOUSE, stage=s) for s in STAGES}
    assert 0 < sum(sums[stage] for stage in STAGES if stage != "total") <= sums["total"]
    assert sums["model"] > 0


def test_rows_of_a_batch_and_how_sure_the_model_was(service):
    client, value = service
    client.post("/models/house-prices/predict", json={"instances": [HOUSE] * 7})
    assert value("batch_rows_sum", **OF_HOUSE) == 7
    assert value("prediction_confidence_count", **OF_HOUSE) is None  # it has no classes
    said = client.post("/models/fashion-mnist/predict", files={"file": IMAGE.read_bytes()}).json()
    assert value("prediction_confidence_count", **OF_FASHION) == 1
    assert value("prediction_confidence_sum", **OF_FASHION) == pytest.approx(max(said["probabilities"].values()))


def test_every_package_has_one_state(service):
    _, value = service
    assert value("model_state", **OF_HOUSE, state="active") == 1
    assert value("model_state", **OF_HOUSE, state="failed") is None
    assert value("model_load_seconds", **OF_HOUSE) > 0
