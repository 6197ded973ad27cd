"""`python -m tests.figures`: how large the code is and how it reads, in one table.

A mirror, not a target to game. `test_figures.py` holds the floors.
"""

from __future__ import annotations

import ast
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from testkit.crossing import files_of_a_prediction
from testkit.prose import sentences
from testkit.sources import Source, class_names_of_several, classes, functions, sources

TESTS = {"tests", "testkit"}
NOT_THE_PRODUCT = {*TESTS, "bench"}
# not for users: what the services share
INTERNAL = ("pilothouse.serving",)
LONGEST_SENTENCE = 40
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
# the same figures of the tree before the redesign of November 2026
BEFORE = {
    "lines of code": 36_458,
    "files": 426,
    "public names": 1_141,
    "longest module": 357,
    "function, median": 6,
    "function, 90th percentile": 16,
    "undocumented public names": 42,
    "class names of several": 35,
    "tests to code": 0.648,
    "sentences of over 40 words": 56,
    "files a prediction crosses": 24,
}


@dataclass(frozen=True)
class Figures:
    """Of `files`, which are all Python files of the repository."""

    files: list[Source]

    @cached_property
    def product(self) -> list[Source]:
        """The code that runs for users: not tests, what they share, or benchmarks."""
        return [source for source in self.files if source.folder not in NOT_THE_PRODUCT]

    @property
    def lines_of_code(self) -> int:
        return sum(source.lines for source in self.product)

    @property
    def tests_to_code(self) -> float:
        """Lines of tests and of what they share, over lines of code."""
        return sum(source.lines for source in self.files if source.folder in TESTS) / self.lines_of_code

    @property
    def public_names(self) -> int:
        """Classes and functions at the top of modules, without those that begin with an underscore."""
        return sum(1 for source in self.product for _ in _public(source.tree.body))

    @property
    def longest_module(self) -> Source:
        return max(self.product, key=lambda source: source.lines)

    @cached_property
    def function_lines(self) -> list[int]:
        """Of every function and method, sorted; those inside others count for themselves too."""
        return sorted(
            (f.end_lineno or f.lineno) - f.lineno + 1 for source in self.product for f in functions(source.tree)
        )

    @property
    def function_p90(self) -> int:
        return self.function_lines[int(len(self.function_lines) * 0.9)]

    @property
    def undocumented(self) -> list[str]:
        """What users import and find without a docstring, its own or a base class's: functions, classes, methods."""
        kinds = {c.name: c for source in self.library() for c in classes(source.tree)}
        return [f"{source.module}.{name}" for source in self.library() for name in _undocumented(source.tree, kinds)]

    def library(self) -> Iterator[Source]:
        """The modules that users import."""
        for source in self.product:
            parts = source.module.split(".")
            if source.folder == "pilothouse" and not source.module.startswith(INTERNAL):
                yield from [source] * (not any(part.startswith("_") for part in parts))

    @property
    def class_names_of_several(self) -> list[str]:
        """Names that classes of more than one module have, and that do not mean the same in each."""
        return class_names_of_several(self.product)

    def rows(self) -> Iterator[tuple[str, object]]:
        """The table: a figure's name and its value."""
        yield "lines of code", self.lines_of_code
        yield "files", len(self.product)
        yield "public names", self.public_names
        yield "longest module", self.longest_module.lines
        yield "function, median", statistics.median_low(self.function_lines)
        yield "function, 90th percentile", self.function_p90
        yield "undocumented public names", len(self.undocumented)
        yield "class names of several", len(self.class_names_of_several)
        yield "tests to code", round(self.tests_to_code, 3)


def long_sentences() -> Counter[str]:
    """How many sentences of more than 40 words each file has."""
    return Counter(s.path for s in sentences() if s.words > LONGEST_SENTENCE)


def _public(body: Iterable[ast.stmt]) -> Iterator[Definition]:
    for node in body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node


def _undocumented(tree: ast.Module, kinds: dict[str, ast.ClassDef]) -> Iterator[str]:
    for node in _public(tree.body):
        if ast.get_docstring(node) is None:
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}.{m.name}" for m in _public(node.body) if not _documented(m, node, kinds))


def _documented(method: Definition, kind: ast.ClassDef, kinds: dict[str, ast.ClassDef]) -> bool:
    """By itself, or by the method of a base class that it stands in for."""
    if ast.get_docstring(method):
        return True
    named = [kinds.get(ast.unparse(base).split(".")[-1]) for base in kind.bases]
    for base in [b for b in named if b] + [k for k in kinds.values() if k is not kind and _satisfies(kind, k)]:
        if any(_documented(m, base, kinds) for m in _public(base.body) if m.name == method.name):
            return True
    return False


def _satisfies(kind: ast.ClassDef, protocol: ast.ClassDef) -> bool:
    """Whether a class has every method of a Protocol (a property may be an attribute there)."""
    is_protocol = any(ast.unparse(base) == "Protocol" for base in protocol.bases)
    wanted = {m.name for m in _public(protocol.body) if not getattr(m, "decorator_list", ())}
    return is_protocol and wanted <= {m.name for m in _public(kind.body)}


def main() -> None:
    figures = Figures(sources())
    crossed = files_of_a_prediction()
    rows = [*figures.rows(), ("sentences of over 40 words", long_sentences().total()),
            ("files a prediction crosses", len(crossed))]  # fmt: skip
    print(f"{'':28}{'before':>10}{'now':>10}")
    for name, value in rows:
        print(f"{name:28}{BEFORE.get(name, ''):>10}{value:>10}")
    print(f"\nlongest module: {figures.longest_module.path}")
    print(f"a prediction crosses: {', '.join(crossed)}")
    print(f"undocumented: {', '.join(figures.undocumented) or 'none'}")


if __name__ == "__main__":
    main()
