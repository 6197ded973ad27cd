"""What a user installs: a wheel of `pilothouse` alone, or a clone to work in, whatever its folder is called."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("setuptools", minversion="77", reason="a wheel is built with setuptools")

ROOT = Path(__file__).parents[3]
BUILD = "import sys, setuptools.build_meta as b; print(getattr(b, sys.argv[1])(sys.argv[2]))"
SCRIPT = """
import site, sys
site.addsitedir({site!r})  # reads the .pth of the editable install
sys.path.append({dependencies!r})
import pilothouse.packing
assert pilothouse.pack is pilothouse.packing.pack
print(pilothouse.__file__)
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone whose folder is called `pilothouse`, with the generic folders beside the package."""
    folder = tmp_path_factory.mktemp("projects") / "pilothouse"
    for name in ("pilothouse", "training", "services/drift"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


def run(folder, *arguments, path=None):
    """What a Python prints in this folder, with `path` as its PYTHONPATH."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"PYTHONPATH": str(path)} if path else {}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def build(clone, hook, into):
    name = run(clone, "-c", BUILD, hook, into).splitlines()[-1]
    with zipfile.ZipFile(into / name) as wheel:
        wheel.extractall(into / "installed")
        return into / "installed", [n for n in wheel.namelist() if not n.endswith("/")]


@pytest.fixture(scope="module")
def wheel(clone, tmp_path_factory):
    return build(clone, "build_wheel", tmp_path_factory.mktemp("wheel"))


def test_a_wheel_holds_pilothouse_and_nothing_else(wheel):
    kept = [n for n in wheel[1] if ".dist-info/" not in n]
    tree = [p for p in (ROOT / "pilothouse").rglob("*") if p.is_file() and p.suffix not in (".pyc", ".md")]
    assert sorted(kept) == sorted(str(p.relative_to(ROOT)) for p in tree), "modules and data files alike"
    assert "pilothouse/py.typed" in kept


def test_the_command_of_a_wheel_needs_no_tree(wheel, tmp_path):
    installed, names = wheel
    (points,) = (installed / n for n in names if n.endswith("entry_points.txt"))
    module, _, attribute = points.read_text().partition("pilothouse = ")[2].strip().partition(":")
    package = shutil.copytree(ROOT / "models/house-prices/1", tmp_path / "1")
    code = f"import pilothouse; print(pilothouse.__file__); from {module} import {attribute} as a; a()"
    printed = run(tmp_path, "-c", code, "check", package, path=installed)
    assert printed.startswith(str(installed)) and "parity" in printed


def test_a_clone_beside_a_script_does_not_hide_the_package(clone, tmp_path):
    installed, _ = build(clone, "build_editable", tmp_path)
    dependencies = sysconfig.get_paths()["purelib"]
    script = clone.parent / "script.py"
    script.write_text(SCRIPT.format(site=str(installed), dependencies=dependencies))
    imported = run(clone.parent, "-S", script)  # -S: without the .pth of the environment that the tests run in
    assert Path(imported) == clone / "pilothouse/__init__.py"
