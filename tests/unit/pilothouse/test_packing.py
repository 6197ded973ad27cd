"""`pack` end to end: real torch modules, exported, served by ONNX Runtime, compared with what they compute by hand."""

import hashlib

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from pilothouse.checking import check
from pilothouse.errors import PackageError, ParityError
from pilothouse.model import Inputs, Model
from pilothouse.package import open_package

torch = pytest.importorskip("torch", reason="packing needs torch")

import pilothouse  # noqa: E402  # after the skip, as are the modules
from testkit import torch_modules  # noqa: E402

ROWS = 120
CHANCE = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "a": CHANCE.normal(size=ROWS),
        "b": CHANCE.normal(size=ROWS),
        "kind": CHANCE.choice(["left", "right"], size=ROWS),
        "y": CHANCE.normal(size=ROWS),
    }
)
NUMBERS = FRAME.drop(columns="kind")
LINE = {"name": "line", "task": "regression", "reference": FRAME, "target": "y"}
PIXELS = CHANCE.integers(0, 256, size=(ROWS, 1, 1, 1)).astype(np.uint8) * np.ones((1, 4, 3, 1), dtype=np.uint8)
IMAGES = {"name": "bright", "task": "binary", "reference": (PIXELS, (PIXELS.mean(axis=(1, 2, 3)) > 127).astype(int))}
DARK_LIGHT = {"classes": ("dark", "light"), "outputs": "logits"}


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    return pilothouse.pack(torch_modules.Line(), **LINE, into=tmp_path_factory.mktemp("models"), unit="m")


@pytest.fixture(scope="module")
def bright(tmp_path_factory):
    return pilothouse.pack(torch_modules.Mean(), **IMAGES, **DARK_LIGHT, into=tmp_path_factory.mktemp("models"))


def test_a_packed_table_model_answers_what_the_module_computes(line):
    model = Model(open_package(line.folder))
    rows = [{"a": 1.5, "b": 0.5, "kind": "right"}, {"a": 0.0, "b": 1.0, "kind": "left"}]
    assert model.run(model.parse(rows)).prediction == pytest.approx([3.5, -1.0])


def test_it_answers_one_row_as_it_answers_many(line):
    model = Model(open_package(line.folder))
    rows = [{"a": float(i), "b": 0.0, "kind": "left"} for i in range(-2, 3)]
    single = [model.run(model.parse([row])).prediction[0] for row in rows]
    assert model.run(model.parse(rows)).prediction == single


@pytest.mark.parametrize("package", ["line", "bright"])
def test_what_was_packed_passes_its_check(package, request):
    report = check(request.getfixturevalue(package).folder)
    assert report.faults == []
    assert [f.check for f in report.findings] == ["manifest", "files", "graph", "reference", "parity", "examples"]


def test_the_reference_is_the_log_of_the_served_model_and_the_label(line):
    frame = pq.read_table(line.reference).to_pandas()
    assert list(frame.columns) == ["a", "b", "kind", "prediction", "label"]
    assert frame["a"].tolist() == FRAME["a"].tolist() and frame["label"].tolist() == FRAME["y"].tolist()
    by_hand = 2 * FRAME["a"] - FRAME["b"] + (FRAME["kind"] == "right")
    assert frame["prediction"].to_numpy() == pytest.approx(by_hand.to_numpy(), abs=1e-5)


def test_the_difference_from_torch_is_reported_and_in_the_card(line):
    assert 0 <= line.parity.difference <= line.parity.limit
    assert line.parity.rows == ROWS
    assert f"{line.parity.difference:.2g} on {ROWS} rows" in line.card.read_text()


def test_examples_are_rows_of_the_reference_that_the_service_accepts(line):
    model = Model(open_package(line.folder))
    examples = list(line.manifest.examples)
    assert 3 <= len(examples) <= 5 and len(model.parse(examples)) == len(examples)
    assert {e["a"] for e in examples} <= set(FRAME["a"])


def test_a_packed_file_knows_nothing_of_the_machine(line, bright):
    for package in (line, bright):
        body = package.artifact.read_bytes()
        assert not [word for word in (b".py", b"site-packages", b"/home", b"/root", b"torch_modules") if word in body]
        assert sorted(p.name for p in package.folder.glob("*.data")) == []


def test_packing_twice_gives_the_same_bytes(line, tmp_path):
    again = pilothouse.pack(torch_modules.Line(), **LINE, into=tmp_path, unit="m")
    assert again.manifest == line.manifest


def test_one_logit_becomes_two_probabilities_inside_the_graph(bright):
    model = Model(open_package(bright.folder))
    outputs = model.run(Inputs([np.full((4, 3, 1), value, dtype=np.uint8) for value in (0, 255)]))
    assert outputs.prediction == ["dark", "light"]
    positive = 1 / (1 + np.exp(-10 * (np.array([0.0, 1.0]) - 0.5)))
    assert outputs.probabilities == pytest.approx(np.stack([1 - positive, positive], axis=1), abs=1e-6)


def test_images_come_with_an_example_of_each_class(bright):
    model = Model(open_package(bright.folder))
    entries = bright.manifest.examples
    inputs = model.parse_images([(bright.folder / e["file"]).read_bytes() for e in entries])
    assert model.run(inputs).prediction == [e["label"] for e in entries] == ["dark", "light"]


def test_the_embedding_is_the_second_output_and_in_the_reference(tmp_path):
    packed = pilothouse.pack(torch_modules.MeanAndEmbedding(), **IMAGES, **DARK_LIGHT, embedding=True, into=tmp_path)
    assert packed.manifest.input.embedding_size == 4
    vectors = np.stack(pq.read_table(packed.reference).to_pandas()["embedding"])
    assert vectors.dtype == np.float32
    assert vectors == pytest.approx(np.tile(PIXELS[:, :1, 0, 0] / 255, 4), abs=1e-6)
    assert check(packed.folder).faults == []


def test_mean_and_standard_deviation_go_into_the_graph(tmp_path):
    packed = pilothouse.pack(torch_modules.Mean(), **IMAGES, **DARK_LIGHT, mean=[0.25], std=[0.5], into=tmp_path)
    outputs = Model(packed).run(Inputs([np.full((4, 3, 1), 51, dtype=np.uint8)]))
    logit = 10 * ((0.2 - 0.25) / 0.5 - 0.5)
    assert outputs.probabilities[0, 1] == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-6)


def test_missing_numbers_reach_the_module_as_nan_and_missing_categories_as_minus_one(tmp_path):
    class Filling(torch.nn.Module):
        def forward(self, numbers, categories):
            return torch.nan_to_num(numbers[:, 0], nan=100.0) + categories[:, 0]

    frame = pd.DataFrame({"a": [1.0, np.nan] * 60, "kind": ["x", None] * 60, "y": 0.0})
    packed = pilothouse.pack(Filling(), name="gaps", task="regression", reference=frame, target="y", into=tmp_path)
    model = Model(packed)
    assert model.run(model.parse([{"a": 1.0, "kind": "x"}, {}])).prediction == [1.0, 99.0]
    assert check(packed.folder).faults == []


def test_an_exported_program_is_packed_like_its_module(tmp_path, line):
    rows = torch.export.Dim("rows", min=1, max=10_000)
    arguments = (torch.zeros(4, 2), torch.zeros(4, 1, dtype=torch.int64))
    program = torch.export.export(torch_modules.Line(), arguments, dynamic_shapes=({0: rows}, {0: rows}))
    packed = pilothouse.pack(program, **LINE, into=tmp_path)
    assert pq.read_table(packed.reference).equals(pq.read_table(line.reference))


def test_dropout_is_switched_off_for_packing_and_the_module_stays_as_it_was(tmp_path):
    module = torch.nn.Sequential(torch.nn.Identity().eval(), torch_modules.Dropping().train())
    packed = pilothouse.pack(module, name="m", task="regression", reference=NUMBERS, target="y", into=tmp_path)
    assert [part.training for part in module] == [False, True]
    assert Model(packed).run(Model(packed).parse([{"a": 1.0, "b": 2.0}])).prediction == [3.0]


@pytest.mark.parametrize("module", [torch_modules.Noisy, torch_modules.AlwaysDropping])
def test_a_module_that_draws_random_numbers_is_refused(module, tmp_path):
    with pytest.raises(ParityError, match="differ by"):
        pilothouse.pack(module(), name="m", task="regression", reference=NUMBERS, target="y", into=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_control_flow_on_values_is_refused(tmp_path):
    with pytest.raises(PackageError, match="cannot export"):
        pilothouse.pack(
            torch_modules.DataDependent(), name="m", task="regression", reference=NUMBERS, target="y", into=tmp_path
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "change", "sentence"),
    [
        (torch_modules.Columns(2), {}, r"shape \(2, 2\) .* needs \(2,\) or \(2, 1\)"),
        (torch_modules.Columns(2), {"task": "multiclass", "target": "k"}, r"needs \(2, 3\) \(3 classes\)"),
        (torch_modules.Columns(2), {"task": "binary", "target": "two"}, "not probabilities"),
        (torch_modules.Line(), {}, "cannot be called with numbers"),
        (torch_modules.Columns(1), {"target": "none"}, "no column 'none'"),
        (torch_modules.Columns(1), {"features": {"a": {"maximum": 0}}}, "must be at most 0"),
        (torch_modules.Columns(1), {"name": "No Name"}, "name"),
        (torch_modules.Columns(1), {"monitoring": {"columns": [{"name": "c"}]}}, "'c' is not a column of the log"),
        (torch_modules.Columns(1), {"examples": [{"a": "x"}]}, "an example does not fit"),
        (lambda numbers: numbers, {}, "torch.nn.Module is needed, not function"),
    ],
)
def test_what_cannot_be_packed_is_refused_and_nothing_is_written(module, change, sentence, tmp_path):
    frame = pd.DataFrame({"a": NUMBERS["a"], "b": NUMBERS["b"]})
    labels = {"y": NUMBERS["y"], "k": np.resize(["u", "v", "w"], ROWS), "two": np.resize(["u", "v"], ROWS)}
    target = change.get("target", "y")
    frame = frame.assign(**{target: labels[target]} if target in labels else {})
    arguments = {"name": "m", "task": "regression", "target": "y", "reference": frame} | change
    with pytest.raises(PackageError, match=sentence):
        pilothouse.pack(module, **arguments, into=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_version_is_not_replaced_unless_told_to(line):
    into = line.folder.parents[1]
    before = hashlib.sha256((line.folder / "manifest.yaml").read_bytes()).hexdigest()
    with pytest.raises(PackageError, match="exists"):
        pilothouse.pack(torch_modules.Line(), **LINE, into=into)
    assert hashlib.sha256((line.folder / "manifest.yaml").read_bytes()).hexdigest() == before
    again = pilothouse.pack(torch_modules.Line(), **LINE, into=into, unit="m", overwrite=True)
    assert again.manifest == line.manifest
    assert [p.name for p in into.iterdir()] == ["line"]


def test_a_card_that_refuses_leaves_nothing_behind(tmp_path):
    def card(model, parity):
        raise PackageError(f"{model.manifest.name} is not good enough")

    with pytest.raises(PackageError, match="line is not good enough"):
        pilothouse.pack(torch_modules.Line(), **LINE, into=tmp_path, card=card)
    assert list(tmp_path.iterdir()) == []


def test_other_users_may_read_a_package(line):
    assert line.folder.stat().st_mode & 0o555 == 0o555


def test_risk_tiers_are_names_with_the_probability_they_begin_at(tmp_path):
    tiers = [("low", 0), ("high", 0.7)]
    packed = pilothouse.pack(torch_modules.Mean(), **IMAGES, **DARK_LIGHT, into=tmp_path, risk_tiers=tiers)
    model = Model(open_package(packed.folder))
    outputs = model.run(Inputs([PIXELS[i] for i in range(20)]))
    assert outputs.risk == ["high" if p >= 0.7 else "low" for p in outputs.probabilities[:, 1]]
    assert set(outputs.risk) == {"low", "high"}
