"""`pilothouse pack` and `pilothouse check` as a person types them."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from pilothouse.checking import check
from pilothouse.cli import app

MODELS = Path(__file__).parents[3] / "models"
SOURCE = """
import torch

class Sum(torch.nn.Module):
    def forward(self, numbers):
        return numbers.sum(dim=1)

ready = Sum()
"""


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def sources(tmp_path):
    (tmp_path / "sums.py").write_text(SOURCE)
    frame = pd.DataFrame({"a": [float(i) for i in range(150)], "b": 1.0, "y": 0.5})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path


def pack(folder, *more, module="sums.py:Sum"):
    arguments = ["--reference", folder / "rows.csv", "--name", "sums", "--task", "regression", "--target", "y"]
    return run("pack", "--module", folder / module, *arguments, "--into", folder / "models", *more)


def test_check_prints_every_check_and_says_nothing_of_faults():
    done = run("check", MODELS / "house-prices" / "1", MODELS / "fashion-mnist" / "1")
    assert done.exit_code == 0 and done.stderr == ""
    for word in ("manifest", "files", "graph", "reference", "parity", "examples"):
        assert sum(line.split()[1:3] == [word, "│"] for line in done.stdout.splitlines()) == 2


def test_check_lists_every_fault_of_every_package_and_fails(tmp_path):
    broken = shutil.copytree(MODELS / "house-prices" / "1", tmp_path / "1")
    (broken / "MODEL_CARD.md").unlink()
    done = run("check", broken, tmp_path / "none", MODELS / "fashion-mnist" / "1")
    assert done.exit_code == 1
    assert f"{broken}: MODEL_CARD.md is missing" in done.stderr
    assert str(tmp_path / "none") in done.stderr and "fashion-mnist" not in done.stderr
    assert "FAULT" in done.stdout


@pytest.mark.parametrize("module", ["sums.py:Sum", "sums.py:ready"])
def test_pack_takes_a_factory_or_a_module(sources, module):
    pytest.importorskip("torch", reason="packing needs torch")
    done = pack(sources, module=module)
    assert done.exit_code == 0, done.output
    assert "differ by at most" in done.stdout
    assert check(sources / "models" / "sums" / "1").faults == []


def test_pack_takes_an_exported_program_and_options(sources):
    torch = pytest.importorskip("torch", reason="packing needs torch")
    linear = torch.nn.Sequential(torch.nn.Linear(2, 1))
    rows = {0: torch.export.Dim("rows", min=1, max=10_000)}
    torch.export.save(torch.export.export(linear, (torch.zeros(4, 2),), dynamic_shapes=(rows,)), sources / "model.pt2")
    (sources / "options.yaml").write_text("features: {a: {unit: m}}\nmonitoring: {window_rows: 77, minimum_rows: 50}\n")
    (sources / "card.md").write_text("# a card\n")
    done = pack(sources, "--options", sources / "options.yaml", "--card", sources / "card.md", module="model.pt2")
    assert done.exit_code == 0, done.output
    report = check(sources / "models" / "sums" / "1")
    assert report.faults == []
    text = (report.folder / "manifest.yaml").read_text()
    assert "unit: m\n" in text and "window_rows: 77" in text
    assert (report.folder / "MODEL_CARD.md").read_text() == "# a card\n"


@pytest.mark.parametrize(
    ("module", "more", "sentence"),
    [
        ("sums.py", [], "neither path/to/file.py:NAME nor a .pt2 file"),
        ("sums.py:Product", [], "has no 'Product'"),
        ("none.py:Sum", [], "is no Python file"),
        ("none.pt2", [], "does not exist"),
        ("rows.csv:x", [], "is no Python file"),
        ("sums.py:Sum", ["--target", "z"], "no column 'z'"),
        ("sums.py:Sum", ["--options", "none.yaml"], "none.yaml"),
    ],
)
def test_pack_says_what_is_wrong_in_one_line_and_fails(sources, module, more, sentence):
    pytest.importorskip("torch", reason="packing needs torch")
    done = pack(sources, *more, module=module)
    assert done.exit_code == 1
    assert done.stderr.startswith("not packed: ") and sentence in done.stderr
    assert "Traceback" not in done.output and not (sources / "models").exists()


def test_an_unknown_task_is_refused_before_anything_is_read(sources):
    done = pack(sources, "--task", "ranking")
    assert done.exit_code == 2 and "regression, binary, multiclass" in " ".join(done.stderr.split())


def test_an_unknown_option_is_named(sources):
    pytest.importorskip("torch", reason="packing needs torch")
    (sources / "options.yaml").write_text("colour: red\n")
    done = pack(sources, "--options", sources / "options.yaml")
    assert done.exit_code == 1 and "colour" in done.stderr
