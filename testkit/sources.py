"""The project's own Python files as syntax trees, for the tests that read code instead of running it."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# each service's own subclass of its own root error, for the same fact
ONE_MEANING = {"UnknownModelError"}


@dataclass(frozen=True)
class Source:
    """One Python file. `path` is relative to the top of the repository."""

    path: Path

    @cached_property
    def text(self) -> str:
        return (ROOT / self.path).read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    @property
    def folder(self) -> str:
        """The top-level folder; `locustfile.py` is its own."""
        return self.path.parts[0]

    @property
    def module(self) -> str:
        """The name by which it is imported; a package's `__init__` has the name of the package."""
        parts = self.path.with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @cached_property
    def imports(self) -> frozenset[str]:
        """What is imported when the program runs, modules and the names in them: not what only types need."""
        return frozenset(runtime_imports(self.tree))


def sources() -> list[Source]:
    """Every Python file of the repository: what lies in its folders, but not in hidden ones such as `.venv`."""
    folders = [folder for folder in ROOT.iterdir() if folder.is_dir() and not folder.name.startswith(".")]
    found = [ROOT / "locustfile.py", *(path for folder in folders for path in folder.rglob("*.py"))]
    return [Source(path.relative_to(ROOT)) for path in sorted(found)]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def classes(tree: ast.AST) -> Iterator[ast.ClassDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def class_names_of_several(files: Iterable[Source]) -> list[str]:
    """Names that classes of more than one module have, and that do not mean the same in each."""
    named = Counter(c.name for source in files for c in source.tree.body if isinstance(c, ast.ClassDef))
    return sorted(name for name, times in named.items() if times > 1 and name not in ONE_MEANING)


def strongly_connected(graph: dict[str, set[str]]) -> list[list[str]]:
    """The groups of nodes that can all reach each other (two or more), each sorted: the cycles of the graph."""
    reached = {node: _reachable(graph, node) for node in graph}
    groups = {frozenset(n for n in reached[node] if node in reached.get(n, ())) for node in graph}
    return sorted(sorted(group) for group in groups if len(group) > 1)


def _reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        following = graph.get(waiting.pop(), set()) - found
        found |= following
        waiting += following
    return found


def runtime_imports(tree: ast.Module) -> Iterator[str]:
    skipped = set(_only_for_types(tree))
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _only_for_types(tree: ast.Module) -> Iterable[int]:
    for block in ast.walk(tree):
        if isinstance(block, ast.If) and ast.unparse(block.test).endswith("TYPE_CHECKING"):
            yield from (id(node) for statement in block.body for node in ast.walk(statement))
