"""`python -m training`: what a recipe refuses ends with status 1 and one line."""

from pathlib import Path

import pytest
import typer

from pilothouse.package import open_package
from pilothouse.packing import Packed
from pilothouse.packing.parity import Parity
from training.__main__ import follow
from training.errors import BelowFloor, MissingData

PACKAGE = Path(__file__).parents[3] / "models" / "house-prices" / "1"


@pytest.mark.parametrize("error", [BelowFloor("m", "accuracy", 0.5, 0.9), MissingData("apt-get install it")])
def test_a_refusal_is_one_line_and_status_1(error, capsys, tmp_path):
    def run(_):
        raise error

    with pytest.raises(typer.Exit) as ended:
        follow(run, tmp_path)
    assert ended.value.exit_code == 1
    assert capsys.readouterr().err == f"error: {error}\n"


def test_a_package_that_was_written_is_said_with_its_parity(capsys, tmp_path):
    def run(into):
        assert into == tmp_path
        return Packed(open_package(PACKAGE).manifest, PACKAGE, Parity(10, 1e-4, 2e-6, 1e-4))

    follow(run, tmp_path)
    assert capsys.readouterr().out == f"{PACKAGE}: written (graph against torch: 2e-06)\n"


def test_a_floor_that_was_missed_names_model_value_and_floor():
    assert str(BelowFloor("m", "R²", 0.5, 0.68)) == "m: R² is 0.5000, below the floor of 0.68; nothing was written"
