"""Products taken apart: a sign, numbers, and factors above and below the line."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import numpy as np

from chainrule.core.kinds import Elementwise
from chainrule.graph.closed_forms import Quotient, combined
from chainrule.graph.graph import Apply, Constant, Vertex, apply_to, is_number, is_operation
from chainrule.operations import elementwise

__all__ = [
    "Product",
    "are_alike",
    "are_floats",
    "cancelled",
    "chain",
    "coefficient",
    "in_range",
    "is_chain",
    "is_single",
    "multiplied",
    "negated",
    "powers",
    "quotient",
    "without_roots",
]

_SMALLEST = float(np.finfo(float).tiny)
_CHAIN = frozenset({elementwise.multiply, elementwise.divide, elementwise.negative})


@dataclass(slots=True)
class Product:
    """``sign * coefficient * numerators / denominators``."""

    sign: int = 1
    numbers: list[Any] = field(default_factory=list)
    below: list[Any] = field(default_factory=list)
    numerators: list[Vertex] = field(default_factory=list)
    denominators: list[Vertex] = field(default_factory=list)
    compared: bool = False
    """Whether a comparison looks at it: then NaN has to stay NaN."""

    def take_sign(self) -> int:
        """Return the sign of the whole product, which is positive from now on."""
        taken = self.sign
        for number in (*self.numbers, *self.below):
            taken = -taken if number < 0 else taken
        self.sign *= taken
        return taken

    def overflows(self) -> bool:
        """Tell whether its numbers, multiplied with each other, are no ordinary number."""
        return not (in_range(self.numbers) and in_range(self.below))


def is_chain(vertex: Vertex) -> TypeGuard[Apply]:
    """Tell whether a vertex is a product, a quotient or a negative."""
    return isinstance(vertex, Apply) and vertex.operation in _CHAIN


def is_single(product: Product) -> bool:
    """Tell whether a product has one factor beside numbers."""
    return len(product.numerators) == 1 and not product.denominators


def are_floats(factors: Sequence[Vertex]) -> bool:
    """Tell whether one of some factors is a float."""
    return any(x.dtype.kind == "f" for x in factors)


def are_alike(a: Product, b: Product) -> bool:
    """Tell whether two products have the same factors, in whichever order, apart from a number."""
    return (
        multiplied(a.below) == multiplied(b.below)
        and Counter(a.numerators) == Counter(b.numerators)
        and Counter(a.denominators) == Counter(b.denominators)
    )


def coefficient(product: Product) -> Any:
    """Return the number that the factors of a product are multiplied with."""
    number = multiplied(product.numbers)
    return product.sign * (1 if number is None else number)


def without_roots(
    numerators: list[Vertex], denominators: list[Vertex]
) -> tuple[list[Vertex], list[Vertex]]:
    """Write ``sqrt(x) * sqrt(x)`` as ``x``, and ``x / sqrt(x)`` as ``sqrt(x)``."""
    above, below = _squared(numerators), _squared(denominators)
    for factors, others in ((above, below), (below, above)):
        for root in [x for x in others if is_operation(x, elementwise.sqrt)]:
            (inner,) = root.operands
            if inner in factors and root in others:
                others.remove(root)
                factors[factors.index(inner)] = root
    return above, below


def _squared(factors: list[Vertex]) -> list[Vertex]:
    """Write a root that stands twice as what it is the root of."""
    result: list[Vertex] = []
    for factor in factors:
        if (
            is_operation(factor, elementwise.sqrt)
            and factor in result
            and _is_short(factor.operands[0])
        ):
            result[result.index(factor)] = factor.operands[0]
        else:
            result.append(factor)
    return result


def _is_short(vertex: Vertex) -> bool:
    """Tell whether a vertex is as easily written as the name of its root: ``var + 1e-5``."""
    if not isinstance(vertex, Apply):
        return True
    flat = not any(isinstance(x, Apply) for x in vertex.operands)
    return flat and isinstance(vertex.operation, Elementwise)


def cancelled(
    numerators: list[Vertex], denominators: list[Vertex]
) -> tuple[list[Vertex], list[Vertex]]:
    """Leave out the factors that stand both above and below the line."""
    above, below = list(numerators), list(denominators)
    for factor in numerators:
        if factor in below:
            above.remove(factor)
            below.remove(factor)
    return above, below


def multiplied(numbers: list[Any]) -> Any:
    """Return the product of some numbers, None for none."""
    if not numbers:
        return None
    total, *rest = numbers
    for number in rest:
        total = total if number == 1 else number if total == 1 else total * number
    return total


def in_range(numbers: Iterable[Any]) -> bool:
    """Tell whether some numbers can be multiplied: where that gives no infinity, and loses none."""
    try:
        sizes = [abs(float(number)) for number in numbers]
    except OverflowError:  # an integer that is larger than any float
        return False
    return len(sizes) < 2 or 0 in sizes or _SMALLEST <= math.prod(sizes) < math.inf


def quotient(numbers: list[Any], below: list[Any]) -> Quotient:
    """Return the product of the numbers above and below the line."""
    return combined(numbers, below) or Quotient(multiplied(numbers), None, multiplied(below))


def powers(factors: list[Vertex]) -> list[Vertex]:
    """Write equal factors as a power."""
    exponents: dict[Vertex, int] = {}
    for factor in factors:
        base, exponent = factor, 1
        if is_operation(factor, elementwise.power):
            inner, power = factor.operands
            if is_number(power) and type(power.value) is int and power.value > 0:
                base, exponent = inner, power.value
        exponents[base] = exponents.get(base, 0) + exponent
    return [
        base if exponent == 1 else apply_to(elementwise.power, base, Constant(exponent))
        for base, exponent in exponents.items()
    ]


def negated(factors: list[Vertex]) -> list[Vertex]:
    """Put a minus where it reads best: into the number, into a difference, before the first."""
    first, *rest = factors
    if is_number(first):
        return [Constant(-first.value), *rest]
    for k, factor in enumerate(factors):
        if is_operation(factor, elementwise.subtract):
            a, b = factor.operands
            return [*factors[:k], apply_to(elementwise.subtract, b, a), *factors[k + 1 :]]
    if first.dtype.kind == "b":
        return [Constant(-1), *factors]
    return [apply_to(elementwise.negative, first), *rest]


def chain(factors: list[Vertex]) -> Vertex:
    """Multiply some factors, from left to right."""
    product, *rest = factors
    for factor in rest:
        product = apply_to(elementwise.multiply, product, factor)
    return product
