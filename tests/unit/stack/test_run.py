"""`python -m stack` says what is wrong in a sentence, whichever folder and Python it is started with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def start(folder, *options, **environment):
    command = [sys.executable, *options, "-m", "stack"]
    given = os.environ | {"PYTHONPATH": str(ROOT), "PILOTHOUSE_STATE": str(folder)} | environment
    return subprocess.run(command, cwd=folder, env=given, text=True, capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"INFERENCE_PORT": "many"}, "INFERENCE_PORT='many': Input should be a valid integer"),
        ({"INFERENCE_PORT": "9", "DRIFT_PORT": "9"}, "inference and drift both want port 9: set DRIFT_PORT"),
    ],
)
def test_a_wrong_setting_is_one_sentence_and_status_2(tmp_path, environment, sentence):
    done = start(tmp_path, **environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_python_without_our_dependencies_is_told_how_to_get_them(tmp_path):
    done = start(tmp_path, "-S")  # without site-packages
    assert done.returncode == 1
    assert done.stderr.startswith("No module named ")
    assert "`make setup` in the clone installs what the stack needs" in done.stderr
