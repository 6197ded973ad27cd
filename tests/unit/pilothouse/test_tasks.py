"""Task types: what each of them says, that nobody else knows their names, and that a new one is one file."""

import ast
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pilothouse.checking import check
from pilothouse.errors import OutputError, PackageError
from pilothouse.manifest import Manifest, Output, RiskTier
from pilothouse.model import Model
from pilothouse.tasks import TASKS, register, task_named, task_of
from pilothouse.tasks.regression import Regression
from services.collector.events.responses import ResponseReader
from services.drift.performance.tasks import performance_of

ROOT = Path(__file__).parents[3]
CODE = ("pilothouse", "services", "training", "demo", "grafana", "monitoring", "stack", "scripts", "bench", "testkit")
# Evidently's own names of its data definitions
NAMES_OF_OTHERS = {"services/drift/report/evidently_report.py"}


def manifest(task="binary", **output):
    return Manifest.model_validate({
        "name": "m", "version": "1", "task": task, "output": output,
        "input": {"kind": "tabular", "features": [{"name": "a", "type": "number"}]},
    })  # fmt: skip


def named_in(path):
    """Lines of a file that know a task by its name, other than to give a model one: `task="binary"`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    given = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            given |= {id(k.value) for k in node.keywords if k.arg in ("task", "format")}
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            given |= {id(v) for k, v in pairs if isinstance(k, ast.Constant) and k.value in ("task", "format")}
    constants = (n for n in ast.walk(tree) if isinstance(n, ast.Constant) and id(n) not in given)
    return [n.lineno for n in constants if n.value in ("regression", "binary", "multiclass")]


def test_only_the_task_files_know_the_names_of_tasks():
    files = [p for top in CODE for p in sorted((ROOT / top).rglob("*.py"))]
    wrong = {str(p.relative_to(ROOT)): lines for p in files if (lines := named_in(p))}
    wrong = {name: lines for name, lines in wrong.items() if not name.startswith("pilothouse/tasks/")}
    assert {n: lines for n, lines in wrong.items() if n not in NAMES_OF_OTHERS} == {}


def test_the_library_of_tasks_imports_nothing_heavy():
    for path in (ROOT / "pilothouse/tasks").glob("*.py"):
        at_once = [n for n in ast.parse(path.read_text()).body if isinstance(n, ast.Import | ast.ImportFrom)]
        roots = {a.name.split(".")[0] for n in at_once if isinstance(n, ast.Import) for a in n.names}
        roots |= {n.module.split(".")[0] for n in at_once if isinstance(n, ast.ImportFrom)}
        light = {"__future__", "abc", "collections", "dataclasses", "math", "re", "typing", "unicodedata"}
        assert roots <= light | {"pydantic", "pilothouse"}


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_the_watched_metric_is_one_of_the_tasks_own(task):
    assert task.metric(task.default_metric).higher_is_better is not None
    assert len(set(task.metric_names)) == len(task.metrics)


def test_an_unknown_task_is_refused_and_the_known_ones_are_listed():
    with pytest.raises(ValueError, match="one of regression, binary, multiclass"):
        task_named("ranking")
    with pytest.raises(ValueError, match="one of regression, binary, multiclass"):
        manifest(task="ranking")


def test_the_manifests_schema_lists_the_tasks():
    assert Manifest.model_json_schema()["properties"]["task"]["enum"] == ["regression", "binary", "multiclass"]


def test_a_task_registers_once():
    with pytest.raises(ValueError, match="already"):
        register(Regression())


@pytest.mark.parametrize(
    ("task", "output", "columns"),
    [
        ("regression", {}, [("prediction", "number")]),
        ("binary", {"classes": ["n", "y"], "risk_tiers": [{"name": "low", "from_probability": 0}]},
         [("prediction", "category"), ("probability_n", "number"), ("probability_y", "number"), ("risk", "category")]),
        ("multiclass", {"classes": ["a", "b"]},
         [("prediction", "category"), ("probability_a", "number"), ("probability_b", "number")]),
    ],
)  # fmt: skip
def test_a_task_says_the_output_columns(task, output, columns):
    assert [(c.name, c.kind) for c in manifest(task, **output).output_columns] == columns


def test_a_regression_decodes_numbers():
    found = task_of(manifest("regression")).decode(np.array([[1.5], [2.0]], dtype="float32"), 2, manifest("regression"))
    assert found == ([1.5, 2.0], None)


def test_binary_predicts_the_positive_class_from_the_threshold_on():
    model = manifest(classes=("n", "y"), threshold=0.25)
    prediction, probabilities = task_of(model).decode(np.array([[0.75, 0.25], [0.76, 0.24]]), 2, model)
    assert prediction == ["y", "n"] and probabilities.shape == (2, 2)
    assert [task_of(model).choose(p, model.output) for p in ([0.75, 0.25], [0.76, 0.24])] == ["y", "n"]


def test_multiclass_predicts_the_first_of_the_likeliest():
    model = manifest("multiclass", classes=("a", "b", "c"))
    assert task_of(model).decode(np.array([[0.2, 0.4, 0.4]]), 1, model)[0] == ["b"]
    assert task_of(model).choose([0.2, 0.4, 0.4], model.output) == "b"


def test_probabilities_for_other_classes_are_refused():
    model = manifest("multiclass", classes=("a", "b", "c"))
    with pytest.raises(OutputError, match="m/1 answered 2 probabilities for 3 classes"):
        task_of(model).decode(np.array([[0.5, 0.5]]), 1, model)


def test_risk_is_the_highest_tier_that_is_reached():
    probabilities = (0.0, 0.69, 0.7, 1.0, -1e-9, None)
    tiers = (RiskTier(name="low", from_probability=0), RiskTier(name="high", from_probability=0.7))
    output = Output(classes=("n", "y"), risk_tiers=tiers)
    assert [output.risk_of(p) for p in probabilities] == [
        "low",
        "low",
        "high",
        "high",
        "low",
        None,
    ]


class Count(Regression):
    """Something that is counted: whole numbers from 0 on."""

    name = "count"
    metrics = Regression.metrics[:2]

    def graph_output(self, answer, *, logits):
        return super().graph_output(answer, logits=logits).clamp(min=0).round()

    def read_labels(self, values, classes):
        labels = super().read_labels(values, classes)
        if any(label < 0 or label != round(label) for label in labels):
            raise PackageError("labels of a count are whole numbers from 0 on")
        return labels


@pytest.fixture
def counting():
    register(Count())
    yield
    del TASKS["count"]


def test_a_new_task_type_is_packed_checked_and_predicted_with(counting, tmp_path):
    torch = pytest.importorskip("torch", reason="packing needs torch")
    from pilothouse.packing import pack

    class Sum(torch.nn.Module):
        def forward(self, numbers):
            return numbers.sum(dim=1)

    frame = pd.DataFrame({"a": np.arange(150) / 7, "sold": range(150)})
    packed = pack(Sum(), name="sales", task="count", reference=frame, target="sold", into=tmp_path)
    assert check(packed.folder).faults == []
    model = Model(packed)
    assert model.run(model.parse([{"a": 2.6}, {"a": 0.2}])).prediction == [3.0, 0.0]
    with pytest.raises(PackageError, match="labels of a count"):
        pack(Sum(), name="sales", task="count", reference=frame - 1, target="sold", into=tmp_path / "other")


def test_a_new_task_type_is_collected_and_measured_like_the_one_that_it_derives_from(counting):
    model = manifest("count")
    assert ResponseReader(model).rows({"predictions": [3, [4.0]]}) == [[3], [4.0]]
    assert performance_of(model) is performance_of(manifest("regression"))


def test_an_unknown_task_is_not_packed(tmp_path):
    pytest.importorskip("torch", reason="packing needs torch")
    from pilothouse.packing import pack

    with pytest.raises(PackageError, match="'ranking' is not a task"):
        pack(None, name="x", task="ranking", reference=pd.DataFrame({"a": [1.0]}), target="a", into=tmp_path)
