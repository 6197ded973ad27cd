"""Which labels the answer of a PromQL expression has, and every name or label in it that nothing has."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from promql_parser import (
    AggModifierType,
    AggregateExpr,
    BinaryExpr,
    Call,
    LabelModifierType,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorMatchCardinality,
    VectorSelector,
    parse,
)


class Checker:
    """`known` are the series with their labels. What is wrong with the expressions that it reads is in `faults`."""

    def __init__(self, known: Mapping[str, Set[str]]) -> None:
        self.known = known
        self.faults: list[str] = []
        self.named: set[str] = set()

    def labels(self, text: str) -> frozenset[str] | None:
        """Those of the answer; None for a scalar."""
        found: frozenset[str] | None = self._of(parse(text))
        return found

    def _of(self, node: Any) -> Any:
        """None for a scalar."""
        if isinstance(node, NumberLiteral | StringLiteral):
            return None
        if isinstance(node, ParenExpr | UnaryExpr | SubqueryExpr):
            return self._of(node.expr)
        if isinstance(node, MatrixSelector):
            return self._selector(node.vector_selector)
        kinds = {
            VectorSelector: self._selector,
            AggregateExpr: self._aggregate,
            BinaryExpr: self._binary,
            Call: self._call,
        }
        return kinds[type(node)](node)

    def _selector(self, node: Any) -> Any:
        matched = {m.name for m in node.matchers.matchers}
        self.named.add(node.name)
        if node.name not in self.known:
            self.faults.append(f"nothing exposes {node.name}")
            return frozenset(matched)
        self._expect(matched, self.known[node.name], node.name)
        return self.known[node.name]

    def _aggregate(self, node: Any) -> Any:
        inner = self._of(node.expr)
        op = str(node.op)
        if node.modifier is None:
            return inner if op in ("topk", "bottomk") else frozenset()
        wanted = frozenset(node.modifier.labels)
        self._expect(wanted, inner, str(node.expr)[:60])
        if op in ("topk", "bottomk"):
            return inner
        return wanted if node.modifier.type == AggModifierType.By else inner - wanted

    def _binary(self, node: Any) -> Any:
        left, right = self._of(node.lhs), self._of(node.rhs)
        if left is None or right is None:
            return right if left is None else left
        matching = node.modifier.matching if node.modifier else None
        if matching:
            for side in (left, right):
                self._expect(set(matching.labels), side, f"{node.op} {matching.labels}")
        if str(node.op) == "or":
            return left & right
        many_to_one = node.modifier is not None and node.modifier.card == VectorMatchCardinality.ManyToOne
        if many_to_one or str(node.op) in ("and", "unless"):
            return left
        if matching and matching.type == LabelModifierType.Include:
            return frozenset(matching.labels)
        return left

    def _call(self, node: Any) -> Any:
        inner = [found for found in map(self._of, node.args) if found is not None]
        if node.func.name in ("vector", "time"):
            return frozenset() if node.func.name == "vector" else None
        if node.func.name == "absent":
            return frozenset(m.name for m in node.args[0].matchers.matchers)
        if node.func.name == "histogram_quantile":
            self._expect({"le"}, inner[0], "histogram_quantile")
            return inner[0] - {"le"}
        if node.func.name == "label_replace":
            return inner[0] | {node.args[1].val}
        return inner[0] if inner else None

    def _expect(self, wanted: Set[str], there: Set[str] | None, where: str) -> None:
        missing = wanted - (there or set())
        if missing:
            self.faults.append(f"{where} has no label {', '.join(sorted(missing))}")
