"""From an answer to the database: the real inference service, the real collector, both databases."""

import time
from pathlib import Path

import httpx2
import numpy as np
import pandas as pd
import pytest
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner

from pilothouse.cli import app
from pilothouse.client import Client
from pilothouse.columns import record_columns
from pilothouse.errors import RemoteError
from pilothouse.ids import uuid7
from services.collector.app import create_app as create_collector
from services.collector.settings import CollectorSettings
from services.inference.app import create_app as create_inference
from services.inference.settings import InferenceSettings
from testkit.serving import serving
from testkit.waiting import wait_for

MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/collector.sqlite"
    return request.getfixturevalue("postgres").create_database()


@pytest.fixture
def stack(tmp_path, database_url):
    """Addresses of the two services."""
    collector = create_collector(CollectorSettings(port=0, database_url=database_url), CollectorRegistry())
    with serving(collector) as collector_url:
        settings = InferenceSettings(port=0, models=MODELS, state=tmp_path / "state", collector_url=collector_url)
        with serving(create_inference(settings, CollectorRegistry())) as inference_url:
            yield inference_url, collector_url


def records(collector_url, model, count, seconds=20):
    """Stored records of a model by id, once there are as many."""
    deadline = time.monotonic() + seconds
    while True:
        answer = httpx2.get(f"{collector_url}/v1/records", params={"model": model, "version": "1"}, timeout=10)
        found = answer.json().get("records", []) if answer.is_success else []
        if len(found) >= count:
            return {r["id"]: r for r in found}
        assert time.monotonic() < deadline, answer.text[:500]
        time.sleep(0.1)


def test_a_tabular_prediction_is_stored_with_every_column_as_it_was_answered(stack):
    inference_url, collector_url = stack
    with Client(inference_url) as client:
        manifest = client.manifest("house-prices")
        answers = client.predict("house-prices", manifest.examples)
    stored = records(collector_url, "house-prices", len(answers))
    for example, answer in zip(manifest.examples, answers, strict=True):
        record = stored[answer["id"]]
        assert {c.name for c in record_columns(manifest)} <= set(record)
        assert record["prediction"] == answer["prediction"]
        for feature in manifest.input.features:
            if feature.type == "datetime":
                assert record[feature.name].startswith(str(example[feature.name])[:10])
            else:
                assert record[feature.name] == example[feature.name]


def test_a_version_can_be_asked_for_by_name(stack):
    inference_url, _ = stack
    with Client(inference_url) as client:
        example = client.manifest("house-prices", "1").examples[0]
        assert client.predict("house-prices", [example], "1")[0]["version"] == "1"
        with pytest.raises(RemoteError):
            client.predict("house-prices", [example], "7")


def test_an_image_prediction_is_stored_with_statistics_probabilities_and_embedding(stack):
    inference_url, collector_url = stack
    image = next((MODELS / "fashion-mnist" / "1" / "examples").glob("*.png")).read_bytes()
    with Client(inference_url) as client:
        (answer,) = client.predict_images("fashion-mnist", [image])
    record = records(collector_url, "fashion-mnist", 1)[answer["id"]]
    assert record["prediction"] == answer["prediction"]
    stored = [v for k, v in record.items() if k.startswith("probability_")]
    assert stored == pytest.approx(list(answer["probabilities"].values()))
    assert np.asarray(record["embedding"]).shape == (128,)
    assert 0 < record["brightness"] < 1


def test_predictions_go_on_while_the_collector_is_away(tmp_path):
    settings = InferenceSettings(
        port=0, models=MODELS, state=tmp_path, collector_url="http://127.0.0.1:9", stop_seconds=0.1
    )
    with serving(create_inference(settings, CollectorRegistry())) as url, Client(url) as client:
        example = client.manifest("house-prices").examples[0]
        begun = time.monotonic()
        answers = [client.predict("house-prices", [example])[0] for _ in range(50)]
        assert time.monotonic() - begun < 5
    assert all(a["logged"] for a in answers)


def labelled(collector_url, record_id):
    query = {"model": "house-prices", "version": "1", "labels": "true", "id": record_id}
    return httpx2.get(f"{collector_url}/v1/records", params=query).json()["records"][0]["label"]


def test_the_command_line_predicts_replays_and_labels(stack, tmp_path):
    inference_url, collector_url = stack
    with Client(inference_url) as client:
        examples = client.manifest("house-prices").examples
    frame = pd.DataFrame(list(examples)).assign(price=[600.0 + i for i in range(len(examples))])
    frame.to_csv(tmp_path / "rows.csv", index=False)
    at = ["--url", inference_url, "--collector", collector_url]
    replayed = CliRunner().invoke(app, ["replay", "house-prices", str(tmp_path / "rows.csv"), "--labels", "price", *at])
    assert replayed.exit_code == 0, replayed.output
    first, *_ = sorted(records(collector_url, "house-prices", len(examples)))
    assert wait_for(lambda: labelled(collector_url, first)) == 600.0, "also when it came before its record"
    again = CliRunner().invoke(app, ["label", first, "650", "--collector", collector_url])
    assert again.exit_code == 0, again.output
    assert float(labelled(collector_url, first)) == 650.0


def test_a_replay_counts_the_labels_that_are_none(stack, tmp_path):
    inference_url, collector_url = stack
    with Client(inference_url) as client:
        examples = client.manifest("house-prices").examples
    frame = pd.DataFrame(list(examples)).assign(price=["600", "12 500 zł", None, "1e400"])
    frame.to_csv(tmp_path / "rows.csv", index=False)
    at = ["--url", inference_url, "--collector", collector_url]
    done = CliRunner().invoke(app, ["replay", "house-prices", str(tmp_path / "rows.csv"), "--labels", "price", *at])
    assert done.exit_code == 1
    assert "4 predictions sent" in done.stdout
    assert "1 label stored" in done.stdout and "1 empty cell skipped, 2 rejected" in done.stdout
    assert "rejected: row 2: label: '12 500 z\\u0142' is no number" in done.stderr
    assert "rejected: row 4: label: must be a finite number" in done.stderr
    absent = CliRunner().invoke(app, ["replay", "house-prices", str(tmp_path / "rows.csv"), "--labels", "cost", *at])
    assert absent.exit_code == 1 and "has no column 'cost'; it has sale_date" in absent.stderr


def test_labels_of_a_file_and_for_ids_that_are_not_there_yet_are_kept(stack, tmp_path):
    _, collector_url = stack
    ids = [str(uuid7()) for _ in range(3)]
    pd.DataFrame({"id": ids, "label": [1.0, 2.0, 3.0]}).to_parquet(tmp_path / "labels.parquet")
    done = CliRunner().invoke(app, ["label", str(tmp_path / "labels.parquet"), "--collector", collector_url])
    last = done.output.splitlines()[-1]  # a collector in a thread of this process may have said something before
    assert (done.exit_code, last) == (0, "3 labels stored (3 waiting for their record to come)")


def test_the_command_line_says_what_is_wrong_and_ends_with_one(stack, tmp_path):
    (tmp_path / "rows.csv").write_text("rooms\n3\n")
    done = CliRunner().invoke(app, ["predict", "house-prices", str(tmp_path / "rows.csv"), "--url", stack[0]])
    assert done.exit_code == 1
    assert "living_m2" in done.output + done.stderr
