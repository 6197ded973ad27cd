"""The model that is compared: the same for everybody, every time, and one that the service loads."""

import json

import numpy as np
import pytest

from bench.serving.package import FEATURES, instances, many_body, one_body, write_package
from pilothouse.model import Model
from pilothouse.package import open_package


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return Model(open_package(write_package(tmp_path_factory.mktemp("models"))))


def test_it_is_made_from_a_seed(tmp_path):
    first = (write_package(tmp_path / "a") / "model.onnx").read_bytes()
    assert first == (write_package(tmp_path / "b") / "model.onnx").read_bytes()


def test_writing_it_again_replaces_it(tmp_path):
    folder = write_package(tmp_path)
    (folder / "left over").write_text("")
    write_package(tmp_path)
    assert not (folder / "left over").exists()


def test_bodies_hold_rows_that_it_predicts(model):
    rows = [json.loads(one_body()), *json.loads(many_body(4))["instances"]]
    assert rows[0] == rows[1]
    outputs = model.run(model.parse(rows))
    assert np.allclose(outputs.probabilities.sum(axis=1), 1)
    assert {len(row) for row in rows} == {FEATURES}


def test_rows_are_the_same_every_time_and_differ_from_each_other():
    assert instances(5) == instances(5)
    assert len({tuple(row.values()) for row in instances(50)}) == 50
