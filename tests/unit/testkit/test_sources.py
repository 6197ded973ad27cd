"""Reading our own code: what is imported at run time, and what imports in a circle."""

import ast

from testkit.sources import ROOT, Source, runtime_imports, sources, strongly_connected


def test_an_import_that_only_types_need_is_none():
    code = """
from typing import TYPE_CHECKING
import json
if TYPE_CHECKING:
    from pandas import DataFrame
else:
    from library import thing
"""
    found = set(runtime_imports(ast.parse(code)))
    assert {"json", "library", "library.thing"} <= found
    assert not any(name.startswith("pandas") for name in found)


def test_an_import_inside_a_function_counts():
    assert list(runtime_imports(ast.parse("def f():\n    import torch"))) == ["torch"]


def test_a_package_is_named_without_its_init():
    assert Source(ROOT / "pilothouse/__init__.py").module.endswith("pilothouse")


def test_a_cycle_is_found_whoever_begins_it_and_a_diamond_is_none():
    assert strongly_connected({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert strongly_connected({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}) == []


def test_every_folder_with_code_is_read_and_no_environment_is():
    folders = {source.folder for source in sources()}
    assert {"pilothouse", "services", "tests", "testkit", "bench", "scripts", "grafana", "monitoring"} <= folders
    assert not any(folder.startswith(".") for folder in folders)
