"""Whatever users import has a docstring that says what they need, and every field of a manifest is described."""

import dataclasses
import importlib
import inspect

import pytest
from pydantic import BaseModel

import pilothouse
from pilothouse import manifest

MODULES = (
    "checking", "client", "columns", "errors", "external", "ids", "images", "inputs", "manifest", "model", "package",
    "packing", "packing.features", "packing.parity", "tabular", "tasks", "tasks.classification",
)  # fmt: skip
MODELS = [m for m in (getattr(manifest, name) for name in manifest.__all__) if isinstance(m, type)]
SIGNED = (pilothouse.pack, pilothouse.pack_external, pilothouse.Client)


def public(module):
    """The module's own classes and functions and, of a package, those it gives out."""
    given = getattr(module, "__all__", ())
    for name, value in vars(module).items():
        own = inspect.isclass(value) or inspect.isfunction(value)
        if own and not name.startswith("_") and (name in given or value.__module__ == module.__name__):
            yield f"{module.__name__}.{name}", value


def members(path, kind):
    """Methods and properties that a class defines, but not those that it overrides."""
    inherited = {name for base in kind.__mro__[1:] for name in vars(base)}
    for name, value in vars(kind).items():
        function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if inspect.isfunction(function) and not name.startswith("_") and name not in inherited:
            yield f"{path}.{name}", function


def documented(value):
    """By words of its own: what a dataclass is given without any is its signature."""
    text = value.__doc__ or ""
    return bool(text) and not (dataclasses.is_dataclass(value) and text.startswith(f"{value.__name__}("))


def test_no_public_name_is_without_a_docstring():
    found = [pair for name in MODULES for pair in public(importlib.import_module(f"pilothouse.{name}"))]
    found += [pair for path, value in found if inspect.isclass(value) for pair in members(path, value)]
    assert [path for path, value in found if not documented(value)] == []


@pytest.mark.parametrize("model", [m for m in MODELS if issubclass(m, BaseModel)])
def test_every_field_of_a_manifest_is_described(model):
    assert [name for name, field in model.model_fields.items() if not field.description] == []


@pytest.mark.parametrize("function", SIGNED)
def test_every_argument_is_explained(function):
    text = inspect.getdoc(function)
    assert [n for n in inspect.signature(function).parameters if f"    {n}: " not in text] == []
    assert "Raises" in text
