"""The client against a real inference service on a real port."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from pilothouse.client import Client
from pilothouse.errors import InputError, RemoteError
from services.inference.app import create_app
from services.inference.settings import InferenceSettings
from testkit.fakes import FakeCollector
from testkit.serving import serving

MODELS = Path(__file__).parents[3] / "models"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    settings = InferenceSettings(port=0, models=MODELS, state=tmp_path_factory.mktemp("state"))
    with serving(create_app(settings, CollectorRegistry(), FakeCollector())) as url:
        yield url


@pytest.fixture
def client(url):
    with Client(url) as client:
        yield client


def test_it_lists_models_and_reads_manifests(client):
    assert {m["name"] for m in client.models()} == {"fashion-mnist", "house-prices"}
    assert client.manifest("house-prices", "1").task == "regression"


def test_it_predicts_rows_in_order(client):
    examples = client.manifest("house-prices").examples
    assert len(client.predict("house-prices", examples)) == len(examples)


def test_it_predicts_images_one_or_several(client):
    images = [p.read_bytes() for p in sorted((MODELS / "fashion-mnist" / "1" / "examples").glob("*.png"))]
    assert len(client.predict_images("fashion-mnist", images[:1])) == 1
    assert len(client.predict_images("fashion-mnist", images[:3])) == 3


def test_what_does_not_fit_comes_back_as_faults(client):
    with pytest.raises(InputError) as caught:
        client.predict("house-prices", [{"rooms": "many"}])
    assert "instances[0].rooms" in {f.path for f in caught.value.faults}


def test_an_unknown_model_is_a_remote_error_with_its_status(client):
    with pytest.raises(RemoteError) as caught:
        client.manifest("nope")
    assert caught.value.status == 404


def test_nobody_there_is_a_remote_error_without_a_status():
    with Client("http://127.0.0.1:9", timeout_seconds=1) as client, pytest.raises(RemoteError) as caught:
        client.models()
    assert caught.value.status is None
