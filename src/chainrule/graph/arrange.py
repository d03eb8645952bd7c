"""Products and sums in the order in which a person writes them.

A chain of ``*``, ``/`` and ``-`` is taken apart into its factors and put together again: the number
first, then the upstream gradient, then names, sums last, everything that divides below one line:
``2 * (z2 - y) / 32``, ``dz * z * (1 - z)``, ``-1.0 / den**2``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from chainrule.core.kinds import broadcast_to
from chainrule.graph.graph import (
    Apply,
    Constant,
    Input,
    Vertex,
    apply_to,
    is_number,
    is_operation,
    topological,
)
from chainrule.graph.rewrite import same_kind
from chainrule.operations import contraction, elementwise, indexing, reduction
from chainrule.operations import shape as shapes

__all__ = ["arrange", "signed", "without"]

_CHAIN = frozenset({elementwise.multiply, elementwise.divide, elementwise.negative})
_SUMS = frozenset({elementwise.add, elementwise.subtract})
#: A minus is taken out of their first operand.
_ODD = frozenset(
    {shapes.transpose, shapes.expand_dims, shapes.reshape, broadcast_to, indexing.scatter_add}
)
#: Linear in each operand: what is taken out of any of them.
_CONTRACTIONS = frozenset(
    {
        contraction.matmul,
        contraction.dot,
        contraction.outer,
        contraction.inner,
        contraction.vdot,
        contraction.einsum,
    }
)
_SCALED = _CONTRACTIONS | {shapes.transpose}  # what a number that stands alone is taken out of
#: Factors that are written last.
_LAST = _SUMS | {
    elementwise.greater,
    elementwise.greater_equal,
    elementwise.less,
    elementwise.less_equal,
    elementwise.equal,
    elementwise.not_equal,
}


@dataclass(slots=True)
class _Product:
    """``sign * coefficient * numerators / denominators``."""

    sign: int = 1
    numbers: list[Any] = field(default_factory=list)
    below: list[Any] = field(default_factory=list)
    numerators: list[Vertex] = field(default_factory=list)
    denominators: list[Vertex] = field(default_factory=list)

    def take_sign(self) -> int:
        """Return the sign of the whole product, which is positive from now on."""
        taken = self.sign
        for number in (*self.numbers, *self.below):
            taken = -taken if number < 0 else taken
        self.sign *= taken
        return taken


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
        self.sealed: set[Vertex] = set(kept)
        self.carries: set[Vertex] = set() if upstream is None else {upstream}

    def of(self, vertex: Vertex) -> Vertex:
        return self.done.get(vertex, vertex)

    def visit(self, vertex: Vertex) -> None:
        if not isinstance(vertex, Apply):
            return
        if any(x in self.carries for x in vertex.operands):
            self.carries.add(vertex)
        operation = vertex.operation
        if operation in _CHAIN:
            new = self.built(self.product(vertex))
        elif operation in _SUMS:
            new = self._sum(vertex)
        else:
            new = self._moved(vertex)
        self.done[vertex] = new if same_kind(new, vertex) else vertex
        if vertex in self.kept:
            self.sealed.add(self.done[vertex])
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
        if not _is_chain(vertex) or (vertex in self.sealed and not root):
            factor = self.of(vertex)
            if factor is not vertex and _is_chain(factor) and factor not in self.sealed:
                self._collect(factor, product, below, False)  # factors moved out of a sum
                return
            (product.denominators if below else product.numerators).append(factor)
            return
        if vertex.operation is elementwise.negative:
            product.sign = -product.sign
            self._collect(vertex.operands[0], product, below, False)
            return
        first, second = vertex.operands
        self._collect(first, product, below, False)
        self._collect(second, product, below ^ (vertex.operation is elementwise.divide), False)

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
        is_float = divisor is not None or _are_floats(numerators)  # with whole numbers, too
        if isinstance(number, float) and number.is_integer() and is_float:
            number = int(number)
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
        if isinstance(vertex, Apply) and vertex.operation in _LAST:
            return 5
        if vertex in self.carries:
            return 1
        if isinstance(vertex, (Input, Constant)):
            return 2 if vertex.shape == () else 3
        return 4

    def _sum(self, vertex: Apply) -> Vertex:
        """Write ``a + (-b)`` as ``a - b``, ``a + a`` as ``2 * a``, and take out what is common."""
        whole = vertex.shape
        signs, terms = [], []
        for k, operand in enumerate(vertex.operands):
            sign, term = self._term(operand)
            other = vertex.operands[1 - k]
            if not same_kind(term, operand) and other.shape != whole:
                sign, term = 1, self.of(operand)
            minus = k == 1 and vertex.operation is elementwise.subtract
            signs.append(-sign if minus else sign)
            terms.append(term)
        common = _Product()
        products = [self.product(term) for term in terms]
        if signs[0] == signs[1] and _are_equal(*products):
            products[0].sign = signs[0]
            products[0].numbers.append(2)
            twice = self.built(products[0])
            return twice if same_kind(twice, vertex) else self.of(vertex)
        if _share_factors(products, common):
            terms = [self.built(product) for product in products]
        if all(term.dtype.kind == "b" for term in terms):  # masks do not add up
            return self.of(vertex)
        total = self._added(signs, terms)
        if not same_kind(total, vertex):
            return self.of(vertex)
        if common == _Product():
            return total
        common.numerators.append(total)
        return self.built(common)

    def _added(self, signs: list[int], terms: list[Vertex]) -> Vertex:
        a, b = terms
        if is_number(a) and a.value < 0 < signs[0]:
            signs, a = [-1, signs[1]], Constant(-a.value)
        if signs == [1, 1]:
            return apply_to(elementwise.add, a, b)
        if signs == [-1, 1]:
            return apply_to(elementwise.subtract, b, a)
        if signs[0] < 0:
            product = _Product(numerators=[a]) if a in self.sealed else self.product(a)
            product.sign = -product.sign
            a = self.built(product)
        return apply_to(elementwise.subtract, a, b)

    def _term(self, vertex: Vertex) -> tuple[int, Vertex]:
        new = self.of(vertex)
        if vertex in self.kept or not _is_chain(new):
            return 1, new
        product = self.product(vertex if _is_chain(vertex) else new)
        return product.take_sign(), self.built(product)

    def _moved(self, vertex: Apply) -> Vertex:
        """Rebuild any other operation: ``sum(-2 * x)`` becomes ``-2 * sum(x)``."""
        operands = [self.of(x) for x in vertex.operands]
        outside = _Product()
        operation = vertex.operation
        if operation is reduction.sum or operation in _CONTRACTIONS or operation in _ODD:
            linear = range(len(operands)) if operation in _CONTRACTIONS else range(1)
            for k in linear:
                operands[k] = self._inside(vertex, operands[k], outside)
        inner = Apply(vertex.operation, tuple(operands), vertex.params, vertex.value)
        if outside == _Product():
            return inner
        inner = apply_to(vertex.operation, *operands, **vertex.params)
        if vertex in self.carries:
            self.carries.add(inner)
        outside.numerators.insert(0, inner)
        return self.built(outside)

    def _inside(self, vertex: Apply, x: Vertex, outside: _Product) -> Vertex:
        """Return what has to stay inside a linear operation; the rest is added to ``outside``."""
        if not _is_chain(x) or x in self.sealed:
            return x
        product = self.product(x)
        moved = _Product(sign=product.take_sign())
        operation = vertex.operation
        if operation is reduction.sum:
            _move_constants(vertex, product, moved)
        if operation is reduction.sum or (operation in _SCALED and _is_single(product)):
            moved.numbers, product.numbers = product.numbers, []
            moved.below, product.below = product.below, []
        inner = self.built(product)
        if not same_kind(inner, x):
            return x
        outside.sign *= moved.sign
        outside.numbers += moved.numbers
        outside.below += moved.below
        outside.numerators += moved.numerators
        outside.denominators += moved.denominators
        return inner


def _is_chain(vertex: Vertex) -> TypeGuard[Apply]:
    return isinstance(vertex, Apply) and vertex.operation in _CHAIN


def _is_single(product: _Product) -> bool:
    return len(product.numerators) == 1 and not product.denominators


def _are_floats(factors: Sequence[Vertex]) -> bool:
    return any(x.dtype.kind == "f" for x in factors)


def _are_equal(a: _Product, b: _Product) -> bool:
    """Tell whether two products have the same factors, in whichever order."""
    return (
        (a.sign, _multiplied(a.numbers)) == (b.sign, _multiplied(b.numbers))
        and _multiplied(a.below) == _multiplied(b.below)
        and Counter(a.numerators) == Counter(b.numerators)
        and Counter(a.denominators) == Counter(b.denominators)
    )


def _share_factors(products: Sequence[_Product], common: _Product) -> bool:
    """Take what divides both terms of a sum out of them."""
    a, b = products
    written = [x for p in products for x in p.numerators if is_operation(x, indexing.scatter_add)]
    if written:  # each term is added at an index of its own
        return False
    common.denominators = [x for x in a.denominators if x in b.denominators]
    for product in products:
        for factor in common.denominators:
            product.denominators.remove(factor)
    if a.below and _multiplied(a.below) == _multiplied(b.below):
        common.below, a.below, b.below = a.below, [], []
    return common != _Product()


def _move_constants(vertex: Apply, product: _Product, outside: _Product) -> None:
    """Take the factors that are the same along the summed axes out of a sum."""
    ndim = vertex.operands[0].ndim
    axis = vertex.params.get("axis")
    summed = range(ndim) if axis is None else [k % ndim for k in axis]

    def is_constant(factor: Vertex) -> bool:
        lengths = factor.shape
        first = ndim - len(lengths)
        if not vertex.params.get("keepdims"):
            return all(k < first for k in summed)
        return all(k < first or lengths[k - first] == 1 for k in summed)

    for name in ("numerators", "denominators"):
        factors = getattr(product, name)
        getattr(outside, name).extend(x for x in factors if is_constant(x))
        setattr(product, name, [x for x in factors if not is_constant(x)])


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
        if is_operation(factor, elementwise.power):
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
        if is_operation(factor, elementwise.subtract):
            a, b = factor.operands
            return [*factors[:k], apply_to(elementwise.subtract, b, a), *factors[k + 1 :]]
    if first.dtype.kind == "b":
        return [Constant(-1), *factors]
    return [apply_to(elementwise.negative, first), *rest]


def _chain(factors: list[Vertex]) -> Vertex:
    product, *rest = factors
    for factor in rest:
        product = apply_to(elementwise.multiply, product, factor)
    return product
