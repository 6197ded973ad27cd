"""A package of a model that is served elsewhere is listed and described, never loaded, and fails nothing."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from prometheus_client import CollectorRegistry

import pilothouse
from services.inference.app import create_app
from services.inference.settings import InferenceSettings
from testkit.fakes import FakeCollector
from testkit.serving import calling

MODELS = Path(__file__).parents[3] / "models"
FRAME = pd.DataFrame({"area": [float(i) for i in range(120)], "prediction": [2.0 * i for i in range(120)]})


@pytest.fixture
def models(tmp_path):
    pilothouse.pack_external(name="away", task="regression", reference=FRAME, into=tmp_path / "models")
    return tmp_path / "models"


def client(tmp_path, models):
    registry = CollectorRegistry()
    settings = InferenceSettings(port=0, models=models, state=tmp_path / "state", drain_seconds=0.1)
    return calling(create_app(settings, registry, FakeCollector())), registry


def test_it_stands_beside_the_models_that_are_served_here(tmp_path, models):
    shutil.copytree(MODELS / "house-prices", models / "house-prices")
    connecting, registry = client(tmp_path, models)
    with connecting as here:
        listed = {m["name"]: m["state"] for m in here.get("/models").json()["models"]}
        assert listed == {"house-prices": "active", "away": "external"}
        assert here.get("/models/away").json()["runtime"] == "external"
        assert here.get("/models/away/versions/1").json()["name"] == "away"
        assert "served | elsewhere" in here.get("/models/away/card").text
        assert here.get("/health/ready").status_code == 200
        assert here.get("/docs").status_code == here.get("/openapi.json").status_code == 200
        loaded = registry.get_sample_value("pilothouse_model_loaded", {"model": "away", "version": "1"})
        assert loaded is None, "nothing that an alert about a model that is not loaded could see"


@pytest.mark.parametrize("path", ["/models/away/predict", "/models/away/versions/1/predict", "/v2/models/away/infer"])
def test_asking_it_for_a_prediction_is_answered_in_words(tmp_path, models, path):
    with client(tmp_path, models)[0] as here:
        answer = here.post(path, json={"area": 1.0})
    assert answer.status_code == 404
    assert "served elsewhere" in answer.text


def test_a_service_with_nothing_to_serve_is_ready_all_the_same(tmp_path, models):
    with client(tmp_path, models)[0] as here:
        assert here.get("/health/ready").status_code == 200
        assert [m["default"] for m in here.get("/models").json()["models"]] == [False]


def test_its_reference_is_the_affair_of_whoever_watches_it(tmp_path, models):
    (models / "away/1/reference.parquet").write_bytes(b"x")
    with client(tmp_path, models)[0] as here:
        assert here.get("/health/ready").status_code == 200
        assert [m["state"] for m in here.get("/models").json()["models"]] == ["external"]
