"""The directions of the architecture, kept by reading the code's own imports."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SERVICES = ("inference", "collector", "drift", "frontend")
PARTS = ("pilothouse", "services", "training", "demo")
CODE = [p for part in PARTS for p in sorted((ROOT / part).rglob("*.py"))]
FORBIDDEN_NAMES = {"utils", "util", "helpers", "common", "manager", "base", "misc"}
ENTRY_POINTS = {"__main__", "app", "settings"}
WEB_FRAMEWORKS = {"fastapi", "starlette"}
# these may know HTTP
EDGES = {"app", "routes", "__main__", "endpoint", "openapi", "bodies", "body", "oip_routes", "problems"}


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def runtime_imports(tree):
    """Modules imported when the program runs: an `if TYPE_CHECKING` block is not."""
    skipped = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test).endswith("TYPE_CHECKING")
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


TREES = {module_name(p): (p, ast.parse(p.read_text(encoding="utf-8"))) for p in CODE}
IMPORTS = {name: set(runtime_imports(tree)) for name, (_, tree) in TREES.items()}


def test_the_library_imports_no_service_and_no_recipe():
    wrong = {
        name: sorted(i for i in found if i.split(".")[0] in {"services", "training", "demo"})
        for name, found in IMPORTS.items()
        if name.startswith("pilothouse")
    }
    assert {name: found for name, found in wrong.items() if found} == {}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_imports_no_other_service(service):
    others = tuple(f"services.{s}" for s in SERVICES if s != service)
    wrong = {
        n: sorted(i for i in f if i.startswith(others))
        for n, f in IMPORTS.items()
        if n.startswith(f"services.{service}")
    }
    assert {name: found for name, found in wrong.items() if found} == {}


def test_only_edges_know_the_web_framework():
    wrong = [
        name
        for name, found in IMPORTS.items()
        if name.startswith("services.")
        and not EDGES & set(name.split("."))
        and {i.split(".")[0] for i in found} & WEB_FRAMEWORKS
    ]
    assert wrong == []


def test_the_environment_is_read_in_settings_and_entry_points_only():
    wrong = []
    for name, (_, tree) in TREES.items():
        if not name.startswith("services.") or name.split(".")[-1] in ENTRY_POINTS:
            continue
        reads = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr in {"environ", "getenv"}]
        wrong += [name] * bool(reads)
    assert wrong == []


def test_there_are_no_import_cycles():
    graph = {  # a package's __init__ is not a dependency of its own modules
        n: {i for i in found if i in IMPORTS and i != n and not n.startswith(f"{i}.")} for n, found in IMPORTS.items()
    }
    done: set[str] = set()

    def visit(name, trail):
        assert name not in trail, " -> ".join([*trail, name])
        if name not in done:
            for following in sorted(graph[name]):
                visit(following, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_modules_are_named_after_what_lives_in_them():
    assert [name for name in TREES if name.split(".")[-1] in FORBIDDEN_NAMES] == []


def test_importing_does_no_work():
    """At module level nothing is called that makes a client, an engine, an app or settings."""
    makers = {
        "create_app",
        "create_engine",
        "create_async_engine",
        "Client",
        "AsyncClient",
        "read_settings",
        "open_session",
    }
    wrong = []
    for name, (_, tree) in TREES.items():
        for statement in tree.body:
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.If)):
                continue
            calls = [n.func for n in ast.walk(statement) if isinstance(n, ast.Call)]
            called = {getattr(f, "id", getattr(f, "attr", "")) for f in calls}
            if called & makers:
                wrong.append((name, sorted(called & makers)))
    assert wrong == []


def test_there_is_no_global_statement():
    assert [n for n, (_, tree) in TREES.items() if any(isinstance(s, ast.Global) for s in ast.walk(tree))] == []


def test_every_error_that_a_service_raises_is_mapped_to_a_status():
    """A subclass of the service's own root error is in the table of `app.py`, or a base of it is."""
    from services.inference import errors as inference_errors
    from services.inference.app import ERRORS

    internal = {inference_errors.InferenceError}  # abstract
    # never reach a caller: `logged: false` or NotLoggedError do
    internal |= {
        k for k in vars(inference_errors).values() if isinstance(k, type) and issubclass(k, inference_errors.SpoolError)
    }
    kinds = {k for k in vars(inference_errors).values() if getattr(k, "__module__", "") == inference_errors.__name__}
    assert {k for k in kinds - internal if not any(base in ERRORS for base in k.__mro__)} == set()
