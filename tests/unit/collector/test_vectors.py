"""Vectors as bytes, against numpy, which the collector itself does without."""

import subprocess
import sys

import numpy as np
import pytest

from services.collector.store import vectors

VALUES = np.array([0.1, -0.0, 1e-45, 3.4e38, np.nan, np.inf], "<f4")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_number_that_is_not_finite_is_found_wherever_it_stands(bad):
    for place in (0, 7, 63):
        values = np.zeros(64, "<f4")
        assert vectors.all_finite(values.tobytes())
        values[place] = bad
        assert not vectors.all_finite(values.tobytes())


def test_no_numbers_are_finite():
    assert vectors.all_finite(b"")


def test_numbers_come_back_to_the_bit():
    finite = VALUES[:4]
    assert vectors.to_list(finite.tobytes()) == finite.tolist()
    assert vectors.from_numbers(finite.tolist()) == finite.tobytes()


def test_an_array_of_arrow_has_the_same_bytes():
    assert vectors.to_arrow(VALUES.tobytes()).buffers()[1].to_pybytes() == VALUES.tobytes()


def test_the_collector_starts_and_exports_without_numpy():
    """A sixth of its image otherwise; Arrow uses it where it is there."""
    program = (
        "import sys; sys.modules['numpy'] = None\n"
        "import services.collector.app, services.collector.__main__, services.collector.archive.day_file\n"
        "from services.collector.records.export import _arrow_array\n"
        "import pyarrow as pa\n"
        "made = _arrow_array('vector', [b'\\0\\0\\x80?' * 2, None], pa.list_(pa.float32()))\n"
        "assert made.to_pylist() == [[1.0, 1.0], None], made\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
