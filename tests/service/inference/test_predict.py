"""The inference service with the two packed models, a real spool on disk, and a collector in memory."""

import io
import json
import time
import uuid
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from prometheus_client import CollectorRegistry

from pilothouse.columns import record_columns
from pilothouse.manifest import Manifest
from pilothouse.wire.predictions import ModelList, Prediction
from services.inference.app import create_app
from services.inference.settings import InferenceSettings
from testkit.connection import Connection
from testkit.fakes import FakeCollector
from testkit.serving import calling

MODELS = Path(__file__).parents[3] / "models"
HOUSE, FASHION = "/models/house-prices/predict", "/models/fashion-mnist/predict"
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def collector():
    return FakeCollector()


@pytest.fixture(scope="module")
def client(tmp_path_factory, collector):
    settings = InferenceSettings(port=0, models=MODELS, state=tmp_path_factory.mktemp("state"))
    with calling(create_app(settings, CollectorRegistry(), collector)) as client:
        yield client


def manifest(client, name):
    return Manifest.model_validate(client.get(f"/models/{name}").json())


@pytest.fixture
def house(client):
    return dict(manifest(client, "house-prices").examples[0])


def png(pixels, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


@pytest.fixture
def shirt():
    return png(np.random.default_rng(0).integers(0, 255, (28, 28), dtype=np.uint8))


def arrived(collector, record_id, seconds=5):
    key, deadline = uuid.UUID(record_id).bytes, time.monotonic() + seconds
    while key not in collector.records and time.monotonic() < deadline:
        time.sleep(0.01)
    return collector.records[key]


def test_both_packed_models_are_loaded_and_ready(client):
    assert client.get("/health/ready").status_code == 200
    assert {m["name"]: m["state"] for m in client.get("/models").json()["models"]} == {
        "fashion-mnist": "active",
        "house-prices": "active",
    }


def test_one_object_is_one_prediction(client, house):
    answer = client.post(HOUSE, json=house).json()
    assert answer["logged"] is True
    assert 50 < answer["prediction"] < 3000
    assert answer["unit"] == "USD per m²"
    assert uuid.UUID(answer["id"]).version == 7


def test_many_are_answered_in_the_order_given(client, house):
    small, large = house | {"living_m2": 60}, house | {"living_m2": 240}
    one, two = (client.post(HOUSE, json=h).json()["prediction"] for h in (small, large))
    many = client.post(HOUSE, json={"instances": [small, large, small]}).json()["predictions"]
    assert [m["prediction"] for m in many] == pytest.approx([one, two, one], rel=1e-5)
    assert len({m["id"] for m in many}) == 3


def test_an_image_as_the_body_and_as_a_form_gives_the_same(client, shirt):
    raw = client.post(FASHION, content=shirt, headers={"content-type": "image/png"}).json()
    form = client.post(FASHION, files={"file": ("x.png", shirt)}).json()
    assert raw["prediction"] == form["prediction"]
    assert sum(raw["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert raw["prediction"] == max(raw["probabilities"], key=raw["probabilities"].get)


def test_several_images_are_several_predictions(client, shirt):
    answer = client.post(FASHION, files=[("file", ("a.png", shirt)), ("file", ("b.png", shirt))]).json()
    assert len(answer["predictions"]) == 2


def test_every_example_of_every_manifest_is_answered(client):
    for name in ("house-prices", "fashion-mnist"):
        for example in manifest(client, name).examples:
            if "file" in example:
                image = client.get(f"/models/{name}/{example['file']}")
                answer = client.post(f"/models/{name}/predict", files={"file": image.content})
            else:
                answer = client.post(f"/models/{name}/predict", json=example)
            assert answer.status_code == 200, (name, example, answer.text)


def test_the_record_that_arrives_has_every_column_and_what_was_answered(client, collector, house):
    headers = JSON | {"pilothouse-source": "test", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    answer = client.post(HOUSE, content=json.dumps(house), headers=headers).json()
    record = arrived(collector, answer["id"])
    assert list(record) == ["id", *(c.name for c in record_columns(manifest(client, "house-prices")))]
    assert (record["prediction"], record["source"], record["trace_id"]) == (answer["prediction"], "test", "a" * 32)
    assert record["living_m2"] == house["living_m2"]
    assert record["latency_ms"] == pytest.approx(answer["latency_ms"], abs=0.001)


def test_an_images_record_has_its_statistics_and_embedding(client, collector, shirt):
    record = arrived(collector, client.post(FASHION, files={"file": shirt}).json()["id"])
    pixels = np.asarray(Image.open(io.BytesIO(shirt)), dtype=float) / 255
    assert record["brightness"] == pytest.approx(pixels.mean(), rel=1e-5)
    assert np.frombuffer(record["embedding"], "<f4").shape == (128,)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"year_built": "old"}, "year_built"),
        ({"living_m2": -5}, "living_m2"),
        ({"wall": "paper"}, "wall"),
        ({"sale_date": "soon"}, "sale_date"),
        ({"swimming_pool": True}, "swimming_pool"),
        ({"rooms": None}, "rooms"),
    ],
)
def test_a_wrong_feature_is_a_422_that_names_it(client, house, change, path):
    answer = client.post(HOUSE, json=house | change)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert [e["path"] for e in answer.json()["errors"]] == [path]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999"])
def test_a_number_that_is_not_finite_is_a_422_that_names_it(client, house, value):
    body = json.dumps(house | {"living_m2": "@"}).replace('"@"', value)
    answer = client.post(HOUSE, content=body, headers=JSON)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "not_finite")


@pytest.mark.parametrize(
    ("path", "content", "content_type", "status"),
    [
        (HOUSE, b"{", "application/json", 422),
        (HOUSE, b"\xff\xfe", "application/json", 422),
        (HOUSE, b"a,b", "text/csv", 415),
        (FASHION, b"not an image", "image/png", 422),
        (FASHION, b"", "image/png", 422),
        (FASHION, b"{}", "application/json", 415),
        (FASHION, b"x" * 20_000_001, "image/png", 413),
        ("/models/no-such-model/predict", b"{}", "application/json", 404),
        ("/models/house-prices/versions/99/predict", b"{}", "application/json", 404),
        ("/models/%2e%2e/predict", b"{}", "application/json", 404),
        (f"{HOUSE}%0a", b"{}", "application/json", 404),
    ],
)
def test_a_bad_request_has_its_own_status_and_says_why(client, path, content, content_type, status):
    answer = client.post(path, content=content, headers={"content-type": content_type})
    assert answer.status_code == status
    assert answer.json()["title"]


def test_a_body_in_pieces_that_is_too_large_is_told_to_a_caller_who_sends_all_of_it(client):
    head = b"POST %b HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n" % HOUSE.encode()
    piece = b"f4240\r\n" + b"x" * 1_000_000 + b"\r\n"
    with Connection(client.base_url.port, head + piece * 40 + b"0\r\n\r\n") as connection:
        assert connection.until(b"}").startswith(b"HTTP/1.1 413 ")


def test_an_image_of_another_size_is_resized_as_the_manifest_says(client):
    assert client.post(FASHION, files={"file": png(np.zeros((60, 45), dtype=np.uint8))}).status_code == 200


def test_a_jpeg_in_colour_is_taken_too(client):
    photo = png(np.random.default_rng(1).integers(0, 255, (28, 28, 3), dtype=np.uint8), "JPEG")
    assert client.post(FASHION, files={"file": photo}).status_code == 200


def test_the_docs_show_each_models_schema_with_an_example_that_works(client):
    operation = client.get("/openapi.json").json()["paths"][HOUSE]["post"]
    content = operation["requestBody"]["content"]["application/json"]
    one = content["schema"]["oneOf"][0]
    assert one["properties"]["year_built"]["type"] == "integer"
    assert "brick" in one["properties"]["wall"]["enum"]
    assert client.post(HOUSE, json=content["examples"]["example 1"]["value"]).status_code == 200


def test_the_docs_load_nothing_from_elsewhere(client):
    page = client.get("/docs").text
    assert "swagger" in page
    assert "https://" not in page.replace("https://www.w3.org", "")


def test_what_happened_is_counted_by_model_and_outcome(client, house):
    client.post(HOUSE, json=house)
    client.post(HOUSE, json={})
    text = client.get("/metrics").text
    for outcome in ("answered", "invalid"):
        series = f'pilothouse_predictions_total{{model="house-prices",outcome="{outcome}",version="1"}}'
        line = next(t for t in text.splitlines() if t.startswith(series))
        assert float(line.split()[-1]) >= 1


def test_no_label_of_a_metric_takes_a_callers_value(client):
    client.post("/models/evil-name/predict", json={})
    client.get("/models/evil-name")
    client.request("BREW", "/evil-path")
    text = client.get("/metrics").text
    assert "evil" not in text
    assert "BREW" not in text


def test_a_spool_that_cannot_be_written_blocks_readiness_with_words(tmp_path):
    (tmp_path / "spool").write_text("in the way")
    app = create_app(InferenceSettings(port=0, models=MODELS, state=tmp_path), CollectorRegistry(), FakeCollector())
    with calling(app) as client:
        answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert "Not a directory" in answer.json()["reasons"]["spool"]


@pytest.mark.parametrize("strict", [False, True])
def test_a_full_spool_answers_unlogged_or_refuses_when_strict(tmp_path, house, strict):
    collector = FakeCollector()
    collector.outages = 10**6
    settings = InferenceSettings(
        port=0, models=MODELS, state=tmp_path, spool_max_bytes=65_536, strict=strict, stop_seconds=0
    )
    with calling(create_app(settings, CollectorRegistry(), collector)) as client:
        answers = [client.post(HOUSE, json={"instances": [house] * 100}) for _ in range(6)]
        text = client.get("/metrics").text
    assert answers[0].json()["predictions"][0]["logged"] is True
    if strict:
        assert (answers[-1].status_code, answers[-1].json()["type"]) == (503, "urn:pilothouse:problem:not-logged")
    else:
        assert answers[-1].json()["predictions"][0]["logged"] is False
    assert 'pilothouse_spool_dropped_total{reason="full"} 0.0' not in text


def test_a_package_that_was_changed_is_not_served_and_the_other_is(tmp_path, house):
    import shutil

    shutil.copytree(MODELS, tmp_path / "models")
    graph = tmp_path / "models" / "fashion-mnist" / "1" / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"\0")
    settings = InferenceSettings(port=0, models=tmp_path / "models", state=tmp_path / "state")
    with calling(create_app(settings, CollectorRegistry(), FakeCollector())) as client:
        listed = {m["name"]: m for m in client.get("/models").json()["models"]}
        assert client.post(HOUSE, json=house).status_code == 200
        assert client.post(FASHION, content=b"x").status_code == 404
    assert listed["fashion-mnist"]["state"] == "failed"
    assert "sha256" in listed["fashion-mnist"]["reason"]


@pytest.mark.parametrize("many", [False, True])
def test_answers_are_what_readers_take_them_for(client, house, shirt, many):
    """The service compiles its own types for speed; `pilothouse.wire.predictions` is what the page reads them by."""
    assert [m.name for m in ModelList.model_validate(client.get("/models").json()).models]
    sent = [client.post(HOUSE, json={"instances": [house]} if many else house)]
    sent += [] if many else [client.post(FASHION, content=shirt)]
    for answer in sent:
        answers = answer.json()["predictions"] if many else [answer.json()]
        assert all(set(a) <= set(Prediction.model_fields) for a in answers)
        assert [Prediction.model_validate(a).prediction for a in answers] == [a["prediction"] for a in answers]
