"""Products and sums in the order in which a person writes them.

A chain of ``*``, ``/`` and ``-`` is taken apart into its factors and put together again: the number
first, then the upstream gradient, then names, sums last, everything that divides below one line:
``2 * (z2 - y) / 32``, ``dz * z * (1 - z)``, ``-1.0 / den**2``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from chainrule.graph.graph import (
    Apply,
    Constant,
    Input,
    Vertex,
    apply_to,
    is_number,
    shape,
    topological,
)
from chainrule.graph.recognise import is_operation
from chainrule.graph.simplify import same_kind
from chainrule.operations import elementwise

__all__ = ["arrange", "signed", "without"]

_CHAIN = frozenset({"multiply", "divide", "negative"})
_SUMS = frozenset({"add", "subtract"})
_ODD = frozenset({"sum", "transpose", "expand_dims", "reshape", "broadcast_to"})
_LAST = _SUMS | {"greater", "greater_equal", "less", "less_equal", "equal", "not_equal"}


@dataclass(slots=True)
class _Product:
    """``sign * coefficient * numerators / denominators``."""

    sign: int = 1
    numbers: list[Any] = field(default_factory=list)
    below: list[Any] = field(default_factory=list)
    numerators: list[Vertex] = field(default_factory=list)
    denominators: list[Vertex] = field(default_factory=list)


def arrange(
    outputs: Sequence[Vertex],
    upstream: Vertex | None = None,
    kept: Collection[Vertex] = (),
    ordered: bool = True,
) -> list[Vertex]:
    """Write every product and sum of a graph in its usual order.

    Args:
        outputs: the graph, its vertices shared.
        upstream: the upstream gradient, which comes right after the number.
        kept: vertices that will have a name of their own, so that no chain is merged with them.
        ordered: sort the factors; else they keep the order that the rules give them.
    """
    arranger = _Arranger(kept, upstream, ordered)
    for vertex in topological(outputs):
        arranger.visit(vertex)
    return [arranger.of(output) for output in outputs]


def without(vertex: Vertex, factor: Vertex) -> Vertex | None:
    """Return what a product is apart from one of its factors, None if it is not one."""
    arranger = _Arranger((), None, False)
    product = arranger.product(vertex)
    if factor not in product.numerators:
        return None
    product.numerators.remove(factor)
    return arranger.built(product)


def signed(vertex: Vertex) -> tuple[int, Vertex]:
    """Take the minus off a product: return 1 or -1, and the rest."""
    sign, rest = _Arranger((), None, False)._term(vertex)
    return (sign, rest) if sign < 0 and same_kind(rest, vertex) else (1, vertex)


class _Arranger:
    def __init__(self, kept: Collection[Vertex], upstream: Vertex | None, ordered: bool) -> None:
        self.kept = kept
        self.upstream = upstream
        self.ordered = ordered
        self.done: dict[Vertex, Vertex] = {}
        self.carries: set[Vertex] = set() if upstream is None else {upstream}

    def of(self, vertex: Vertex) -> Vertex:
        return self.done.get(vertex, vertex)

    def visit(self, vertex: Vertex) -> None:
        if not isinstance(vertex, Apply):
            return
        if any(x in self.carries for x in vertex.operands):
            self.carries.add(vertex)
        name = vertex.operation.name
        if name in _CHAIN:
            new = self.built(self.product(vertex))
        elif name in _SUMS:
            new = self._sum(vertex)
        else:
            new = self._moved(vertex)
        self.done[vertex] = new if same_kind(new, vertex) else vertex
        if vertex in self.carries:
            self.carries.add(self.done[vertex])

    def product(self, vertex: Vertex) -> _Product:
        product = _Product()
        self._collect(vertex, product, False, True)
        return product

    def _collect(self, vertex: Vertex, product: _Product, below: bool, root: bool) -> None:
        if is_number(vertex):
            (product.below if below else product.numbers).append(_plain(vertex.value))
            return
        inside = isinstance(vertex, Apply) and vertex.operation.name in _CHAIN
        if not inside or (vertex in self.kept and not root):
            factor = self.of(vertex)
            if is_operation(factor, "negative") and vertex not in self.kept:
                product.sign = -product.sign
                factor = factor.operands[0]
            (product.denominators if below else product.numerators).append(factor)
            return
        assert isinstance(vertex, Apply)
        if vertex.operation.name == "negative":
            product.sign = -product.sign
            self._collect(vertex.operands[0], product, below, False)
            return
        first, second = vertex.operands
        self._collect(first, product, below, False)
        self._collect(second, product, below ^ (vertex.operation.name == "divide"), False)

    def built(self, product: _Product) -> Vertex:
        above, below = _cancelled(product.numerators, product.denominators)
        numerators = self._ordered(_powers(above))
        denominators = self._ordered(_powers(below))
        number, divisor = _multiplied(product.numbers), _multiplied(product.below)
        sign = product.sign
        if number is not None and number < 0:
            number, sign = -number, -sign
        if divisor is not None and divisor < 0:
            divisor, sign = -divisor, -sign
        if number is not None and number == divisor:
            number = divisor = None
        if (number is not None and number != 1) or not numerators:
            numerators.insert(0, Constant(1 if number is None else number))
        if divisor is not None and divisor != 1:
            denominators.insert(0, Constant(divisor))
        if sign < 0:
            numerators = _negated(numerators)
        top = _chain(numerators)
        return apply_to(elementwise.divide, top, _chain(denominators)) if denominators else top

    def _ordered(self, factors: list[Vertex]) -> list[Vertex]:
        if not self.ordered:
            return factors
        return sorted(factors, key=self._rank)

    def _rank(self, vertex: Vertex) -> int:
        if vertex is self.upstream:
            return 0
        if isinstance(vertex, Apply) and vertex.operation.name in _LAST:
            return 4
        if vertex in self.carries:
            return 1
        return 2 if isinstance(vertex, (Input, Constant)) else 3

    def _sum(self, vertex: Apply) -> Vertex:
        """Write ``a + (-b)`` as ``a - b``, also where the minus is inside a product."""
        minus = vertex.operation is elementwise.subtract
        left, right = (self._term(x) for x in vertex.operands)
        a, b = left[1], right[1]
        whole = shape(vertex)
        if not (same_kind(a, vertex.operands[0]) or shape(b) == whole):
            left, a = (1, self.of(vertex.operands[0])), self.of(vertex.operands[0])
        if not (same_kind(b, vertex.operands[1]) or shape(a) == whole):
            right, b = (1, self.of(vertex.operands[1])), self.of(vertex.operands[1])
        positive = (left[0] > 0, (right[0] > 0) ^ minus)
        if positive == (True, True):
            return apply_to(elementwise.add, a, b)
        if positive == (False, True):
            return apply_to(elementwise.subtract, b, a)
        a = a if positive[0] else self.of(vertex.operands[0])
        return apply_to(elementwise.subtract, a, b)

    def _term(self, vertex: Vertex) -> tuple[int, Vertex]:
        if vertex in self.kept or not isinstance(vertex, Apply):
            return 1, self.of(vertex)
        if vertex.operation.name not in _CHAIN:
            new = self.of(vertex)
            if is_operation(new, "negative"):
                return -1, new.operands[0]
            return 1, new
        product = self.product(vertex)
        sign = product.sign
        for numbers in (product.numbers, product.below):
            for number in numbers:
                sign = -sign if number < 0 else sign
        product.sign *= sign
        return sign, self.built(product)

    def _moved(self, vertex: Apply) -> Vertex:
        """Rebuild any other operation; ``sum(-x)`` becomes ``-sum(x)``."""
        if vertex.operation.name in _ODD:
            sign, x = self._term(vertex.operands[0])
            if sign < 0 and same_kind(x, vertex.operands[0]):
                inner = apply_to(vertex.operation, x, **vertex.params)
                return Apply(elementwise.negative, (inner,), {}, vertex.value)
        operands = tuple(self.of(x) for x in vertex.operands)
        return Apply(vertex.operation, operands, vertex.params, vertex.value)


def _cancelled(
    numerators: list[Vertex], denominators: list[Vertex]
) -> tuple[list[Vertex], list[Vertex]]:
    """Leave out the factors that stand both above and below the line."""
    above, below = list(numerators), list(denominators)
    for factor in numerators:
        if factor in below:
            above.remove(factor)
            below.remove(factor)
    return above, below


def _plain(number: Any) -> Any:
    return number.item() if hasattr(number, "item") else number


def _multiplied(numbers: list[Any]) -> Any:
    """Return the product of some numbers, None for none."""
    if not numbers:
        return None
    total, *rest = numbers
    for number in rest:
        total = total if number == 1 else number if total == 1 else total * number
    return total


def _powers(factors: list[Vertex]) -> list[Vertex]:
    """Write equal factors as a power."""
    exponents: dict[Vertex, int] = {}
    for factor in factors:
        base, exponent = factor, 1
        if is_operation(factor, "power"):
            inner, power = factor.operands
            if is_number(power) and type(power.value) is int and power.value > 0:
                base, exponent = inner, power.value
        exponents[base] = exponents.get(base, 0) + exponent
    return [
        base if exponent == 1 else apply_to(elementwise.power, base, Constant(exponent))
        for base, exponent in exponents.items()
    ]


def _negated(factors: list[Vertex]) -> list[Vertex]:
    """Put a minus where it reads best: into the number, into a difference, before the first."""
    first, *rest = factors
    if is_number(first):
        return [Constant(-first.value), *rest]
    for k, factor in enumerate(factors):
        if is_operation(factor, "subtract"):
            a, b = factor.operands
            return [*factors[:k], apply_to(elementwise.subtract, b, a), *factors[k + 1 :]]
    return [apply_to(elementwise.negative, first), *rest]


def _chain(factors: list[Vertex]) -> Vertex:
    product, *rest = factors
    for factor in rest:
        product = apply_to(elementwise.multiply, product, factor)
    return product
