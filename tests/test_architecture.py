"""The directions of the architecture and the manners of the code, kept by reading the code itself."""

import ast
from collections import defaultdict

import pytest

from testkit.sources import class_names_of_several, classes, functions, sources, strongly_connected

FILES = sources()
MODULES = {source.module: source for source in FILES}
FOLDERS = {source.folder for source in FILES}
NOT_OURS = {"tests", "testkit", "bench"}  # code that is about the product and no part of it
# who may import whom: each layer those above it in this list, and itself
LAYERS = (
    ("pilothouse.errors", "pilothouse.ids", "pilothouse.columns", "pilothouse.wire", "pilothouse.tasks"),
    ("pilothouse",),
    ("pilothouse.serving",),
    ("services",),
    ("stack", "training", "demo", "monitoring", "grafana", "scripts", "locustfile"),
    ("testkit",),
    ("bench",),
    ("tests",),
)
# what users run never imports what is there for tests and benchmarks
FOR_TESTS = {folder: {"tests", "testkit", "bench"} for folder in FOLDERS} | {
    "testkit": {"tests", "bench"},
    "bench": {"tests"},
    "tests": set(),
}
GENERIC = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc", "core", "shared", "stuff"}
ENTRY_POINTS = {"__main__", "app", "settings"}
WEB_FRAMEWORKS = {"fastapi", "starlette"}
# these may know HTTP
EDGES = {"app", "routes", "openapi", "oip_routes", "middleware", "static_files", "proxy", "problems"}
MOST_LINES = 300
# the standard library documents these in spite of their names
PUBLIC_ALL_THE_SAME = {"_exit", "_asdict", "_replace", "_fields", "_make"}
MAKERS = {
    "create_app",
    "create_engine",
    "create_async_engine",
    "Client",
    "AsyncClient",
    "read_settings",
    "open_session",
}


def layer(name):
    """The longest entry of LAYERS that `name` lies in says it."""
    fitting = [(len(p), i) for i, prefixes in enumerate(LAYERS) for p in prefixes if f"{name}.".startswith(f"{p}.")]
    return max(fitting)[1]


def ours(name):
    return name.split(".")[0] in FOLDERS | {"locustfile"}


def upward_imports():
    """`a -> b`: the module a imports b of a layer above its own, or a service imports another."""
    for source in FILES:
        for imported in filter(ours, source.imports):
            services = [n.split(".")[1] for n in (source.module, imported) if n.startswith("services.")]
            if layer(imported) > layer(source.module) or len(set(services)) == 2:
                yield f"{source.module} -> {imported}"


def imports_of_test_code():
    for source in FILES:
        for imported in source.imports:
            if imported.split(".")[0] in FOR_TESTS[source.folder]:
                yield f"{source.module} -> {imported}"


def cycles():
    """In each folder its modules and its subfolders, each as one, import each other in one direction."""
    graphs = defaultdict(lambda: defaultdict(set))
    for source in FILES:
        here = [*source.module.split("."), *(["__init__"] if source.path.name == "__init__.py" else [])]
        for imported in source.imports & MODULES.keys():
            package = MODULES[imported].path.name == "__init__.py"
            there = [*imported.split("."), *(["__init__"] if package else [])]
            common = next((i for i, (a, b) in enumerate(zip(here, there, strict=False)) if a != b), None)
            if common is not None:
                graphs[".".join(here[:common])][here[common]].add(there[common])
    for folder, graph in graphs.items():
        for cycle in strongly_connected(graph):
            for one in cycle:
                yield from (f"{folder or 'the top'}: {one} -> {other}" for other in graph[one] & set(cycle))


def private_names_of_others():
    """`library._name`, wherever it can be seen: imported, reached through an import, or of a base class."""
    for source in FILES:
        yield from private_uses(source.tree)


def private_uses(tree):
    imported = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                imported[alias.asname or alias.name.split(".")[0]] = alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    foreign = {name: origin for name, origin in imported.items() if not ours(origin)}
    yield from (origin for origin in foreign.values() if any(map(private, origin.split("."))))
    # what is of a foreign type: made by calling it, or annotated with it
    values = dict(foreign)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and root(node.value.func) in foreign:
            values |= {ast.unparse(t): ast.unparse(node.value.func) for t in node.targets}
        elif isinstance(node, ast.arg) and node.annotation is not None and root(node.annotation) in foreign:
            values[node.arg] = ast.unparse(node.annotation)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and private(node.attr):
            owner = ast.unparse(node.value)
            known = owner if owner in values else root(node.value)
            if known in values and known != "self":
                yield f"{values[known]}.{node.attr}"
    for kind in classes(tree):
        bases = [ast.unparse(b) for b in kind.bases if root(b) in foreign]
        yield from (f"{bases[0]}.{name}" for name in inherited(kind) if bases)


def inherited(kind):
    """The private names that a class reads of itself and nowhere sets."""
    read, own = set(), {f.name for f in functions(kind)}
    for node in ast.walk(kind):
        if (
            isinstance(node, ast.Attribute)
            and ast.unparse(node.value) in {"self", "cls", "super()"}
            and private(node.attr)
        ):
            (read if isinstance(node.ctx, ast.Load) else own).add(node.attr)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
    return sorted(read - own)


def root(node):
    """The name that a chain of attributes, calls and subscripts begins with."""
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def private(name):
    return name.startswith("_") and not name.startswith("__") and name not in PUBLIC_ALL_THE_SAME


def generic_names():
    for source in FILES:
        for part in source.module.split("."):
            if part in GENERIC or "and" in part.split("_"):
                yield source.module


def shared_class_names():
    yield from class_names_of_several(source for source in FILES if source.folder not in NOT_OURS)


def modules_too_long():
    yield from (str(source.path) for source in FILES if source.lines > MOST_LINES)


def services_that_know_http_inside():
    for source in FILES:
        inside = source.folder == "services" and not EDGES & set(source.module.split("."))
        if inside and {i.split(".")[0] for i in source.imports} & WEB_FRAMEWORKS:
            yield source.module


def settings_read_elsewhere():
    for source in FILES:
        if source.folder == "services" and source.module.split(".")[-1] not in ENTRY_POINTS:
            reads = [
                n for n in ast.walk(source.tree) if isinstance(n, ast.Attribute) and n.attr in {"environ", "getenv"}
            ]
            yield from [source.module] * bool(reads)


def work_at_import():
    """At module level nothing is called that makes a client, an engine, an app or settings."""
    for source in FILES:
        for statement in source.tree.body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.If):
                continue
            calls = [n.func for n in ast.walk(statement) if isinstance(n, ast.Call)]
            for name in {getattr(f, "id", getattr(f, "attr", "")) for f in calls} & MAKERS:
                yield f"{source.module}: {name}"


def global_statements():
    for source in FILES:
        yield from [source.module] * any(isinstance(node, ast.Global) for node in ast.walk(source.tree))


RULES = {
    rule.__name__: rule
    for rule in (
        upward_imports,
        imports_of_test_code,
        cycles,
        private_names_of_others,
        generic_names,
        shared_class_names,
        modules_too_long,
        services_that_know_http_inside,
        settings_read_elsewhere,
        work_at_import,
        global_statements,
    )
}


@pytest.mark.parametrize("rule", RULES)
def test_there_are_no(rule):
    assert sorted(set(RULES[rule]())) == []


@pytest.mark.parametrize(
    "code",
    [
        "from library import _name",
        "from library._module import name",
        "import library\nlibrary._name",
        "import library.part as p\np.thing._name()",
        "from library import Thing\nthing = Thing()\nthing._name",
        "from library import Thing\ndef f(thing: Thing): thing._name",
        "from library import Thing\nclass Mine(Thing):\n    def f(self): return self._name",
    ],
)
def test_a_private_name_of_somebody_else_is_seen(code):
    assert len(list(private_uses(ast.parse(code)))) == 1


@pytest.mark.parametrize(
    "code",
    [
        "from services.drift import _name",
        "import os\nos._exit(1)",
        "from library import Thing\nThing.__init__",
        "from library import Thing\nclass Mine(Thing):\n    def __init__(self): self._name = 1; self._name",
        "class Mine:\n    def f(self): return self._name",
    ],
)
def test_names_of_our_own_and_documented_ones_are_left_alone(code):
    assert list(private_uses(ast.parse(code))) == []


def test_no_edge_is_named_that_is_gone():
    assert {part for source in FILES for part in source.module.split(".")} >= EDGES


def test_every_folder_has_a_layer():
    assert sorted(source.module for source in FILES if not any(map(source.module.startswith, sum(LAYERS, ())))) == []


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
