"""constraints.txt pins everything that this environment has for pyproject.toml's extras, and that exact version."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from scripts.pins import canonical

ROOT = Path(__file__).resolve().parents[3]


def pins():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def needed():
    """Names that the extras pull in here, found by walking the installed distributions' own requirements."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    found, waiting = {}, [("pilothouse", frozenset(extras))]
    while waiting:
        name, wanted = waiting.pop()
        for text in metadata.requires(name) or ():
            requirement = Requirement(text)
            marked = requirement.marker
            if marked and not any(marked.evaluate({"extra": e}) for e in (*wanted, "")):
                continue
            key, more = canonical(requirement.name), frozenset(requirement.extras)
            if key == "pilothouse" or not installed(key) or (key in found and more <= found[key]):
                continue
            found[key] = found.get(key, frozenset()) | more
            waiting.append((key, found[key]))
    return found


def installed(name):
    """torch and what only it needs may not be had on this machine."""
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


def test_what_is_installed_is_what_is_pinned():
    here = {name: metadata.version(name).removeprefix("v").partition("+")[0] for name in needed()}
    assert len(here) > 80
    assert {name: v for name, v in here.items() if pins().get(name) != v} == {}


@pytest.mark.parametrize("word", ["://", "/", "@"])
def test_names_no_address_and_no_path(word):
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert not [line for line in lines if word in line]


def test_is_sorted_and_says_how_it_is_made():
    text = (ROOT / "constraints.txt").read_text()
    assert "make pins" in text
    names = list(pins())
    assert names == sorted(names)
    assert all(re.fullmatch(r"[a-z0-9-]+", n) for n in names)
