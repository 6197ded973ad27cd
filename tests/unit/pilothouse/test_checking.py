"""`check` on the committed packages, and on copies of them that were damaged in one place each."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml

from pilothouse.checking import check
from pilothouse.manifest import Manifest
from pilothouse.package import MANIFEST, write_files

MODELS = Path(__file__).parents[3] / "models"


@pytest.fixture
def houses(tmp_path):
    return Path(shutil.copytree(MODELS / "house-prices" / "1", tmp_path / "1"))


@pytest.fixture
def fashion(tmp_path):
    return Path(shutil.copytree(MODELS / "fashion-mnist" / "1", tmp_path / "1"))


def sealed(folder, **changes):
    """Write the manifest anew with these fields changed, so that hashes fit and only the change is wrong."""
    body = yaml.safe_load((folder / MANIFEST).read_text())
    write_files(Manifest.model_validate(body | changes), folder)
    return folder


def with_reference(folder, change):
    path = folder / "reference.parquet"
    pq.write_table(change(pq.read_table(path)), path)
    return sealed(folder)


def replaced(table, name, values):
    return table.set_column(table.schema.get_field_index(name), name, pa.array(values, table.schema.field(name).type))


def replaced_type(table, name, column):
    return table.set_column(table.schema.get_field_index(name), name, column)


def faults(folder, kind):
    """The faults of one check; every other check must have found none."""
    report = check(folder)
    assert [f.check for f in report.findings if f.faults and f.check != kind] == []
    return next(f.faults for f in report.findings if f.check == kind)


@pytest.mark.parametrize("name", ["house-prices", "fashion-mnist"])
def test_a_committed_package_has_no_faults(name):
    report = check(MODELS / name / "1")
    assert report.ok and report.faults == []
    assert [f.check for f in report.findings] == ["manifest", "files", "graph", "reference", "parity", "examples"]


def test_the_committed_packages_are_small():
    assert sum(p.stat().st_size for p in MODELS.rglob("*") if p.is_file()) <= 6_000_000


def test_a_folder_without_a_manifest_is_a_fault(tmp_path):
    assert "manifest.yaml" in check(tmp_path).faults[0]


def test_a_manifest_that_is_none_is_a_fault(houses):
    (houses / MANIFEST).write_text("name: [")
    assert not check(houses).ok


def test_a_changed_file_is_found(houses):
    with (houses / "MODEL_CARD.md").open("a") as card:
        card.write("better than it is")
    assert "MODEL_CARD.md is not the file that was packed" in faults(houses, "files")[0]


def test_a_missing_and_a_foreign_file_are_found(houses):
    (houses / "MODEL_CARD.md").rename(houses / "notes.txt")
    assert set(faults(houses, "files")) == {
        "MODEL_CARD.md is missing",
        "notes.txt is in the folder but not in the manifest",
    }


def test_a_card_that_was_never_listed_is_found(houses):
    (houses / "MODEL_CARD.md").unlink()
    assert faults(sealed(houses), "files") == ("MODEL_CARD.md is not listed in the manifest",)


def test_a_graph_that_is_none_is_found(houses):
    (houses / "model.onnx").write_bytes(b"no graph")
    assert "ONNX Runtime cannot load it" in faults(sealed(houses), "graph")[0]


def test_a_graph_of_another_model_is_found(houses):
    shutil.copy(MODELS / "fashion-mnist" / "1" / "model.onnx", houses / "model.onnx")
    assert "the graph takes ['image']" in faults(sealed(houses), "graph")[0]


def test_a_manifest_with_a_feature_more_than_the_graph_is_found(houses):
    body = yaml.safe_load((houses / MANIFEST).read_text())
    body["input"]["features"].append({"name": "pool", "type": "boolean"})
    report = check(sealed(houses, input=body["input"]))
    assert "input 'numbers' is tensor(float) (rows, 12); the manifest needs tensor(float) (rows, 13)" in report.faults
    assert "the reference has no column 'pool', which will be logged" in report.faults


def test_a_manifest_with_another_image_size_is_found(fashion):
    body = yaml.safe_load((fashion / MANIFEST).read_text())
    found = [f for f in check(sealed(fashion, input=body["input"] | {"width": 32})).findings if f.faults]
    assert [f.check for f in found] == ["graph"]
    assert "(rows, 28, 32, 1)" in found[0].faults[0]


def test_a_model_that_answers_differently_is_found(houses):
    """The weights changed a little after packing and the hashes were made to fit: only parity can tell."""
    body = (houses / "model.onnx").read_bytes()
    weights = np.frombuffer(body, np.float32, count=len(body) // 4).copy()
    middle = slice(len(weights) // 2, len(weights) // 2 + 400)
    assert np.isfinite(weights[middle]).all() and np.abs(weights[middle]).max() < 10
    weights[middle] += 0.01
    (houses / "model.onnx").write_bytes(weights.tobytes() + body[len(weights) * 4 :])
    assert {f.split(":")[0] for f in faults(sealed(houses), "parity")} == {
        "33 of torch's answers",
        "2000 rows of the reference",
    }


def test_torchs_answers_are_compared_for_images_too(fashion):
    path = fashion / "parity.json"
    kept = json.loads(path.read_text())
    kept["samples"][3]["output"][0] += 0.001
    path.write_text(json.dumps(kept))
    assert "10 of torch's answers: the graph differs by 0.001" in faults(sealed(fashion), "parity")[0]


@pytest.mark.parametrize("body", ["", "{}", '{"tolerance": 1, "samples": []}', '{"tolerance": 1, "samples": [{}]}'])
def test_answers_of_torch_that_cannot_be_read_are_a_fault(houses, body):
    (houses / "parity.json").write_text(body)
    assert "parity.json" in faults(sealed(houses), "parity")[0]


def test_a_reference_that_is_none_is_found(houses):
    (houses / "reference.parquet").write_bytes(b"PAR1")
    assert "cannot be read" in faults(sealed(houses), "reference")[0]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.drop_columns(["wall"]), "no column 'wall', which will be logged"),
        (lambda t: t.append_column("price_usd", t["label"]), "a column 'price_usd' that is not logged"),
        (lambda t: t.rename_columns([*t.schema.names[:-1], "labels"]), "no column 'label'"),
        (lambda t: t.append_column("rooms", t["rooms"]), "two columns of the same name"),
        (lambda t: replaced_type(t, "lot_m2", t["lot_m2"].cast(pa.string())), "'lot_m2' is string, not double"),
        (lambda t: t.slice(0, 99), "99 rows are fewer than monitoring.minimum_rows"),
        (lambda t: replaced(t, "beds", [21] + [2] * 1999), "column 'beds': 21 is above the maximum 20"),
        (lambda t: replaced(t, "living_m2", [4.0] + [99.0] * 1999), "column 'living_m2': 4.0 is below the minimum 5"),
        (lambda t: replaced(t, "wall", ["glass"] + ["wood"] * 1999), "column 'wall': glass is not among"),
        (lambda t: replaced(t, "wall", [None] + ["wood"] * 1999), "column 'wall': 1 values are missing"),
        (lambda t: replaced(t, "label", [None] + [1.0] * 1999), "column 'label': 1 values are missing"),
        (
            lambda t: replaced(t, "prediction", [float("nan")] + [1.0] * 1999),
            "'prediction': 1 values are NaN",
        ),
        (lambda t: replaced(t, "sale_date", [0] * 2000), "'sale_date': 1970-01-01 00:00:00 is below the minimum 1990"),
    ],
)
def test_a_wrong_reference_is_found(houses, change, sentence):
    assert sentence in " | ".join(faults(with_reference(houses, change), "reference"))


def test_a_reference_that_another_model_logged_is_found(houses):
    folder = with_reference(houses, lambda t: replaced(t, "prediction", pc.add(t["prediction"], 1.0).to_pylist()))
    assert "2000 rows of the reference: the graph differs by 1" in faults(folder, "parity")[0]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: replaced(t, "label", ["sock"] + ["bag"] * 3999), "column 'label': sock is not among"),
        (lambda t: replaced(t, "prediction", ["sock"] + ["bag"] * 3999), "column 'prediction': sock is not among"),
        (lambda t: replaced(t, "probability_bag", [1.5] * 4000), "'probability_bag': 1.5 is above the maximum 1.0"),
        (lambda t: replaced(t, "probability_bag", [1.0] * 4000), "probabilities add up to"),
        (lambda t: replaced_type(t, "embedding", pa.array([[0.0]] * 4000)), "column 'embedding' is list"),
    ],
)
def test_a_wrong_reference_of_an_image_model_is_found(fashion, change, sentence):
    assert sentence in " | ".join(faults(with_reference(fashion, change), "reference"))


def test_an_example_that_would_be_refused_is_found(houses):
    assert "example 1: instances[0].sale_date: is required" in faults(sealed(houses, examples=[{}]), "examples")[0]


def test_an_example_without_its_image_is_found(fashion):
    assert "example 1" in faults(sealed(fashion, examples=[{"file": "examples/none.png"}]), "examples")[0]
