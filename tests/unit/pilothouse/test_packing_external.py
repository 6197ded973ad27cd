"""A model served elsewhere is packed by what it answered, and `check` finds nothing wrong with the package."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import pilothouse
from pilothouse.checking import check
from pilothouse.cli import app
from pilothouse.columns import model_columns
from pilothouse.errors import PackageError
from pilothouse.package import open_package

ROWS = 150
CHANCE = np.random.default_rng(0)
YES = CHANCE.uniform(size=ROWS)
FRAME = pd.DataFrame(
    {
        "area": CHANCE.normal(100, 20, size=ROWS),
        "kind": CHANCE.choice(["flat", "house"], size=ROWS),
        "sold": pd.Timestamp("2026-01-01") + pd.to_timedelta(CHANCE.integers(0, 300, size=ROWS), unit="D"),
        "prediction": np.where(YES >= 0.5, "yes", "no"),
        "p_no": 1 - YES,
        "p_yes": YES,
        "truth": CHANCE.choice(["no", "yes"], size=ROWS),
    }
)
SOLD = {"name": "sold", "task": "binary", "prediction": "prediction", "probabilities": {"no": "p_no", "yes": "p_yes"}}


def pack(tmp_path, frame=FRAME, **changes):
    return pilothouse.pack_external(**(SOLD | {"reference": frame, "target": "truth", "into": tmp_path} | changes))


def test_the_package_is_whole_and_its_reference_is_what_will_be_logged(tmp_path):
    package = pack(tmp_path, risk_tiers=[("low", 0), ("high", 0.8)])
    assert check(package.folder).faults == []
    read = open_package(package.folder).manifest
    assert (read.runtime, read.artifact, read.output.classes) == ("external", None, ("no", "yes"))
    table = pq.read_table(package.folder / "reference.parquet")
    assert table.column_names == [*(c.name for c in model_columns(read)), "label"]
    assert table["probability_yes"].to_pylist() == pytest.approx(YES.tolist())
    assert table["risk"].to_pylist() == ["high" if p >= 0.8 else "low" for p in YES]
    assert table["sold"].to_pylist() == FRAME["sold"].tolist()


def test_labels_and_probabilities_may_be_unknown(tmp_path):
    frame = FRAME.drop(columns=["truth", "p_no", "p_yes"])
    package = pack(tmp_path, frame, target=None, probabilities=None)
    assert check(package.folder).faults == []
    table = pq.read_table(package.folder / "reference.parquet")
    assert "label" not in table.column_names and table["probability_yes"].null_count == ROWS
    assert [c.name for c in package.manifest.monitored_columns] == ["area", "kind", "sold", "prediction"]
    assert package.manifest.monitoring.performance_metric == "accuracy", "the default needs probabilities"


def test_labels_of_the_reference_may_have_other_values(tmp_path):
    frame = FRAME.assign(truth=np.where(FRAME["truth"] == "yes", 1, 0))
    package = pack(tmp_path, frame, classes=["no", "yes"], label_values={1: "yes", 0: "no"})
    assert check(package.folder).faults == []
    assert open_package(package.folder).manifest.output.label_values == {"1": "yes", "0": "no"}
    assert pq.read_table(package.folder / "reference.parquet")["label"].to_pylist() == FRAME["truth"].tolist()
    with pytest.raises(PackageError, match="'maybe' is no class"):
        pack(tmp_path, version="2", classes=["no", "yes"], label_values={1: "yes", 0: "maybe"})


def test_a_regression_is_packed_with_how_it_speaks(tmp_path):
    frame = FRAME[["area"]].assign(answer=FRAME["area"] * 2, price=FRAME["area"] * 2.1)
    package = pilothouse.pack_external(
        name="price", task="regression", reference=frame, prediction="answer", target="price", into=tmp_path,
        unit="EUR", external_format={"names": {"area": "sqm"}},
    )  # fmt: skip
    assert check(package.folder).faults == []
    assert open_package(package.folder).manifest.external_format.names == {"area": "sqm"}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"prediction": "answer"}, "no column 'answer'"),
        ({"target": "label"}, "no column 'label'"),
        ({"frame": FRAME.assign(p_yes=2.0)}, "'p_yes': probabilities are numbers from 0 to 1"),
        ({"frame": FRAME.assign(p_yes=None)}, "'p_yes': probabilities are numbers from 0 to 1"),
        ({"frame": FRAME.assign(prediction=None)}, "'prediction', the predictions: 150 of 150"),
        ({"probabilities": {"perhaps": "p_yes"}, "classes": ["no", "yes"]}, "probabilities are of classes: no, yes"),
        ({"frame": FRAME.head(0)}, "empty"),
        ({"name": "Not A Name"}, "the manifest would be wrong"),
        ({"external_format": {"names": {"x": "y"}}}, "'x' is not a feature"),
    ],
)
def test_what_cannot_be_packed_is_named_and_leaves_nothing(tmp_path, changes, fault):
    with pytest.raises(PackageError, match=fault):
        pack(tmp_path, changes.pop("frame", FRAME), **changes)
    assert list(tmp_path.rglob("*")) == []


def test_check_finds_what_was_changed(tmp_path):
    package = pack(tmp_path)
    table = pq.read_table(package.folder / "reference.parquet")
    pq.write_table(table.drop_columns(["area"]), package.folder / "reference.parquet")
    faults = check(package.folder).faults
    assert any("has no column 'area'" in f for f in faults) and any("sha256" in f for f in faults)


def test_the_command_line_packs_and_checks(tmp_path):
    FRAME.to_parquet(tmp_path / "rows.parquet")
    (tmp_path / "more.yaml").write_text(
        "monitoring: {window_rows: 77, minimum_rows: 50}\nelsewhere: {answers: probability}\n"
    )
    done = CliRunner().invoke(app, [
        "pack-external", "--reference", str(tmp_path / "rows.parquet"), "--name", "sold", "--task", "binary",
        "--probability", "no=p_no", "--probability", "yes=p_yes", "--target", "truth", "--into", str(tmp_path / "m"),
        "--options", str(tmp_path / "more.yaml"),
    ])  # fmt: skip
    assert done.exit_code == 0, done.output
    checked = CliRunner().invoke(app, ["check", str(tmp_path / "m/sold/1")])
    assert checked.exit_code == 0, checked.output
    assert "served elsewhere" in checked.output
    assert open_package(tmp_path / "m/sold/1").manifest.monitoring.window_rows == 77


@pytest.mark.parametrize(
    ("more", "sentence"),
    [(["--probability", "p_yes"], "is not CLASS=COLUMN"), (["--target", "z"], "no column 'z'"),
     (["--reference", "none.parquet"], "none.parquet does not exist")],
)  # fmt: skip
def test_the_command_line_says_what_is_wrong_in_one_line(tmp_path, more, sentence):
    FRAME.to_csv(tmp_path / "rows.csv", index=False)
    arguments = ["--reference", str(tmp_path / "rows.csv"), "--name", "sold", "--task", "binary", *more]
    done = CliRunner().invoke(app, ["pack-external", *arguments, "--into", str(tmp_path / "m")])
    assert done.exit_code == 1
    assert done.stderr.startswith("not packed: ") and sentence in done.stderr
