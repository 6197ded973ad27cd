"""The Open Inference Protocol v2, on the packed models."""

import json
import re
import socket
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from services.inference.app import create_app
from services.inference.settings import InferenceSettings
from testkit.fakes import FakeCollector
from testkit.serving import calling
from testkit.waiting import wait_for

MODELS = Path(__file__).parents[3] / "models"
HOUSE, FASHION = "/v2/models/house-prices", "/v2/models/fashion-mnist"


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    settings = InferenceSettings(port=0, models=MODELS, state=tmp_path_factory.mktemp("state"))
    with calling(create_app(settings, CollectorRegistry(), FakeCollector())) as client:
        yield client


@pytest.fixture
def impatient(tmp_path):
    settings = InferenceSettings(port=0, models=MODELS, state=tmp_path, body_timeout_seconds=0.05)
    with calling(create_app(settings, CollectorRegistry(), FakeCollector())) as client:
        yield client


@pytest.fixture
def houses(client):
    return client.get("/models/house-prices").json()["examples"][:2]


def tensors(instances):
    return [
        {"name": name, "shape": [len(instances)], "datatype": "FP64", "data": [i[name] for i in instances]}
        for name in instances[0]
    ]


def outputs(answer):
    return {o["name"]: o["data"] for o in answer.json()["outputs"]}


def test_the_server_and_its_models_are_ready(client):
    assert client.get("/v2").json()["name"] == "pilothouse"
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get(f"{HOUSE}/ready").json() == {"name": "house-prices", "ready": True}


def test_the_metadata_lists_a_tensor_for_each_feature(client):
    metadata = client.get(HOUSE).json()
    kinds = {i["name"]: i["datatype"] for i in metadata["inputs"]}
    assert (kinds["living_m2"], kinds["rooms"], kinds["wall"]) == ("FP64", "INT64", "BYTES")
    assert metadata["versions"] == ["1"]


def test_it_answers_as_the_other_endpoint_does(client, houses):
    other = client.post("/models/house-prices/predict", json={"instances": houses}).json()["predictions"]
    answer = client.post(f"{HOUSE}/infer", json={"id": "mine", "inputs": tensors(houses)})
    assert answer.json()["id"] == "mine"
    assert outputs(answer)["prediction"] == pytest.approx([o["prediction"] for o in other], rel=1e-5)


def test_images_come_as_pixels(client):
    pixels = np.random.default_rng(0).integers(0, 255, (2, 28, 28, 1))
    tensor = {"name": "image", "shape": [2, 28, 28, 1], "datatype": "UINT8", "data": pixels.tolist()}
    answer = outputs(client.post(f"{FASHION}/infer", json={"inputs": [tensor]}))
    assert len(answer["prediction"]) == 2
    assert np.reshape(answer["probabilities"], (2, 10)).sum(axis=1) == pytest.approx([1, 1], abs=1e-5)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "inputs"),
        ({"inputs": []}, "number of rows"),
        ({"inputs": [{"name": "rooms", "shape": [3], "datatype": "INT64", "data": [1]}]}, "do not fill the shape"),
        ({"inputs": [{"name": "rooms", "shape": [1], "datatype": "INT64", "data": ["many"]}]}, "rooms"),
        ({"inputs": [{"name": "rooms", "shape": [-1], "datatype": "INT64", "data": [1]}]}, "[rows]"),
    ],
)
def test_what_is_wrong_comes_back_in_the_protocols_own_shape(client, body, says):
    answer = client.post(f"{HOUSE}/infer", json=body)
    assert answer.status_code == 422
    assert says in answer.json()["error"]


def tensor_of(shape, data=(1,)):
    return {"inputs": [{"name": "rooms", "shape": shape, "datatype": "INT64", "data": list(data)}]}


@pytest.mark.parametrize("url", [HOUSE, FASHION])
@pytest.mark.parametrize("shape", [[1] * 9, [2**31], [-1], [1, -1], [10**4000] * 9])
def test_a_shape_of_absurd_sizes_is_refused_before_it_is_multiplied(client, url, shape):
    answer = client.post(f"{url}/infer", json=tensor_of(shape))
    assert answer.status_code == 422
    assert "at most 8 sizes" in answer.json()["error"]


@pytest.mark.parametrize(
    "body",
    [b'{"inputs": [], "id": "\xff"}', b"[" * 3000, json.dumps(tensor_of([1])).replace("[1]}", "[" * 3000).encode(),
     b'{"id": "\\ud800"}', b""],
)  # fmt: skip
def test_what_is_no_json_is_a_fault_of_the_caller(client, body):
    answer = client.post(f"{HOUSE}/infer", content=body)
    assert (answer.status_code, list(answer.json())) == (422, ["error"])


def send_raw(client, path, *pieces):
    """A connection on which this much of a body of 5 bytes is sent, and no more."""
    connection = socket.create_connection((client.base_url.host, client.base_url.port), timeout=20)
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\r\n"
    connection.sendall(head.encode() + b"".join(pieces))
    return connection


@pytest.mark.parametrize("path", [f"{HOUSE}/infer", "/models/house-prices/predict"])
def test_a_body_that_never_comes_is_a_408(impatient, path):
    with send_raw(impatient, path) as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("path", [f"{HOUSE}/infer", "/models/house-prices/predict"])
def test_a_body_that_is_cut_off_is_the_callers_fault(client, path):
    with send_raw(client, path, b"{") as connection:
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("path", "route"),
    [(f"{HOUSE}/infer", "/v2/models/{name}/infer"), ("/models/house-prices/predict", "/models/{name}/predict")],
)
def test_a_caller_that_hangs_up_is_no_failure_of_ours(client, capfd, path, route):
    def left():
        found = re.search(re.escape(f'route="{route}",status="499"}} ') + "(.*)", client.get("/metrics").text)
        return float(found[1]) if found else 0

    before = left()
    send_raw(client, path, b"{").close()
    wait_for(lambda: left() == before + 1)
    assert "Traceback" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("path", ["/v2/models/nope", "/v2/models/nope/ready", f"{HOUSE}/versions/9"])
def test_an_unknown_model_is_a_404(client, path):
    answer = client.get(path)
    assert (answer.status_code, list(answer.json())) == (404, ["error"])
