"""What is removed from an image's environment, and what must stay."""

import sys

import pytest

from scripts.slim import TESTED, UNUSED, main, size


@pytest.fixture
def venv(tmp_path, monkeypatch):
    """An environment, and a `strip` that notes what it was given."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/strip").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/stripped\n')
    (tmp_path / "bin/strip").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    packages = tmp_path / f"venv/lib/python3.{sys.version_info.minor}/site-packages"
    for path in (
        "numpy/__init__.py", "numpy/tests/test_a.py", "numpy/linalg/tests/data.bin", "numpy/_core/include/a.h",
        "numpy/__init__.pyi", "evidently/tests/base_test.py", "pyarrow/include/b.h", "pyarrow/libarrow_python.so",
        "pyarrow/libarrow_python.so.2500", "pyarrow/libarrow_flight.so.2500", "numpy/core.cpython-311.so",
        "numpy.libs/libopenblas.so", "notebook.ipynb",
    ):  # fmt: skip
        (packages / path).parent.mkdir(parents=True, exist_ok=True)
        (packages / path).write_bytes(b"x" * 100)
    return packages


def test_test_suites_go_but_not_of_a_package_that_imports_its_own(venv):
    main(venv.parents[2])
    assert not (venv / "numpy/tests").exists()
    assert not (venv / "numpy/linalg/tests").exists()
    assert (venv / "evidently/tests/base_test.py").exists()


def test_headers_stubs_and_notebooks_go_and_code_stays(venv):
    main(venv.parents[2])
    assert not any((venv / gone).exists() for gone in ("pyarrow/include", "numpy/__init__.pyi", "notebook.ipynb"))
    assert (venv / "numpy/__init__.py").exists()


def test_a_library_keeps_the_name_that_is_loaded_and_loses_the_one_for_linkers(venv):
    main(venv.parents[2])
    assert (venv / "pyarrow/libarrow_python.so.2500").exists()
    assert not (venv / "pyarrow/libarrow_python.so").exists()


def test_libraries_are_stripped_but_not_those_that_their_wheel_rewrote(venv, tmp_path):
    main(venv.parents[2])
    stripped = (tmp_path / "stripped").read_text()
    assert "numpy/core.cpython-311.so" in stripped
    assert "numpy.libs" not in stripped


def test_it_says_how_much_is_left(venv, capsys):
    main(venv.parents[2])
    assert capsys.readouterr().out.endswith("0 MB without what no service needs\n")


def test_a_second_run_finds_nothing_to_remove(venv):
    main(venv.parents[2])
    left = size(venv)
    main(venv.parents[2])
    assert size(venv) == left


def test_nothing_is_named_twice():
    assert len(set(TESTED)) == len(TESTED)
    assert len(set(UNUSED)) == len(UNUSED)
