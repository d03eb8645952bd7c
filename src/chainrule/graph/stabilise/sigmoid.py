"""Stabilising rules about sigmoids and their logarithms.

A formula and its gradient are products of powers of sigmoids, see `powers`: counting the powers
tells what is left of them, and that neither overflows nor cancels.
"""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.core.kinds import guarded_multiply
from chainrule.graph.graph import Apply, Constant, Vertex, is_float, is_operation
from chainrule.graph.patterns import exponent, one_plus, squared
from chainrule.graph.placeholder import element, like, literal
from chainrule.graph.rewrite import about, same_kind
from chainrule.graph.stabilise.powers import Powers, complement, powers_of, sigmoid_in
from chainrule.operations import elementwise
from chainrule.operations.special import log_cosh, log_expit

__all__ = ["cancelled", "log_of_cosh", "log_of_sigmoid", "softplus"]

_PRODUCTS = frozenset({elementwise.multiply, guarded_multiply, elementwise.divide})
_DEEPEST = 6  # products within products that are looked at


@about(elementwise.log, elementwise.log1p)
def softplus(vertex: Apply) -> Vertex | None:
    """``log(1 + exp(x))`` and ``log1p(exp(x))`` overflow, and the first is 0 for small exp(x)."""
    (inner,) = vertex.operands
    x = exponent(one_plus(inner) if vertex.operation is elementwise.log else inner)
    if x is None or not is_float(x) or not same_kind(x, vertex):
        return None
    return Apply(elementwise.logaddexp, (x, Constant(0.0)), {}, vertex.value)


@about(elementwise.log, elementwise.log1p)
def log_of_sigmoid(vertex: Apply) -> Vertex | None:
    """``log(y)``, ``log(1 - y)`` and ``log1p(-y)`` of a sigmoid y: the logarithm of 0."""
    (inner,) = vertex.operands
    if vertex.operation is elementwise.log:
        found = powers_of(inner)
    else:
        share = sigmoid_in(inner.operands[0]) if is_operation(inner, elementwise.negative) else None
        found = None if share is None else share.of_minus
    if found is None or {found.p, found.q} != {0, 1} or not same_kind(found.x, vertex):
        return None
    x = found.x if found.p else element(elementwise.negative, found.x)
    return Apply(log_expit, (x,), {}, vertex.value)


@about(elementwise.log)
def log_of_cosh(vertex: Apply) -> Vertex | None:
    """``log(cosh(x))``, which overflows at 710: as large as the exponential of ``abs(x)``."""
    (inner,) = vertex.operands
    if not is_operation(inner, elementwise.cosh) or not is_float(inner):
        return None
    x = inner.operands[0]
    return Apply(log_cosh, (x,), {}, vertex.value) if same_kind(x, vertex) else None


# Products.


@dataclass(frozen=True)
class _Product:
    """``sign * rest * sigmoid(x)**p * sigmoid(-x)**q``, of which rest may be None for 1."""

    sign: int
    rest: Vertex | None
    powers: Powers
    guarded: bool
    known: dict[bool, Vertex]  # factors that are sigmoid(x), and sigmoid(-x)
    exponentials: dict[bool, Vertex]  # of x, and of -x


@about(*_PRODUCTS)
def cancelled(vertex: Apply) -> Vertex | None:
    """Cancel powers of sigmoids in a product: infinity by infinity, or 0 by 0, is NaN.

    ``exp(x) / (1 + exp(x))`` is such a product. So are gradients: that of ``log(1 + exp(x))`` is g
    / (1 + exp(x)) times exp(x).
    """
    if not is_float(vertex):
        return None
    product = _Chain(vertex).cancelled()
    if product is None or not any(product.powers[1:]):
        return None
    return _written(product, vertex)


class _Chain:
    """A product, taken apart into its factors: what is multiplied, divided by, or negated."""

    def __init__(self, root: Apply) -> None:
        self.root = root
        self.sign = 1
        self.guarded = False
        self.factors: list[tuple[Vertex, int]] = []
        self._powers: dict[Vertex, Powers] = {}
        self._inner = self._products()
        self._take(root, 1)

    def _products(self) -> set[Vertex]:
        """Return the products that are taken apart, those next to the root."""
        inner: set[Vertex] = set()
        level: list[Vertex] = [self.root]
        for _ in range(_DEEPEST):
            further: list[Vertex] = []
            for vertex in level:
                if vertex in self._powers or vertex in inner:
                    continue
                found = powers_of(vertex)
                if found is not None:
                    self._powers[vertex] = found
                elif isinstance(vertex, Apply) and self._is_product(vertex):
                    inner.add(vertex)
                    further += vertex.operands
            level = further
        return inner

    def _is_product(self, vertex: Apply) -> bool:
        operation = vertex.operation
        if vertex.dtype != self.root.dtype:
            return False
        if operation is elementwise.negative or operation in _PRODUCTS:
            return True
        x = squared(vertex)
        return x is not None and powers_of(x) is not None

    def _take(self, vertex: Vertex, power: int) -> None:
        if vertex not in self._inner:
            self.factors.append((vertex, power))
            return
        assert isinstance(vertex, Apply)
        operation, first = vertex.operation, vertex.operands[0]
        if operation is elementwise.negative:
            self.sign = -self.sign if power % 2 else self.sign
            self._take(first, power)
        elif operation in _PRODUCTS:
            self.guarded |= operation is guarded_multiply
            self._take(first, power)
            self._take(vertex.operands[1], -power if operation is elementwise.divide else power)
        else:
            self._take(first, 2 * power)

    def cancelled(self) -> _Product | None:
        """Return the product, if powers of the sigmoids of some x and -x cancel."""
        for x in self.arguments():
            product, count = self.counted(x)
            if min(product.powers[1:]) >= 0 and sum(product.powers[1:]) < count:
                return product
        return None

    def arguments(self) -> list[Vertex]:
        """Return every x of whose sigmoid there are powers."""
        found = dict.fromkeys(powers.x for powers in self._powers.values())
        return [x for x in found if x.dtype == self.root.dtype]

    def counted(self, x: Vertex) -> tuple[_Product, int]:
        """Add up the powers of the sigmoids of x and -x; return how many there were, too."""
        p = q = count = 0
        uses: dict[Vertex, int] = {}
        for factor, power in self.factors:
            found = self._powers.get(factor)
            if found is not None and found.x is x:
                p, q = p + power * found.p, q + power * found.q
                count += abs(power * found.p) + abs(power * found.q)
                uses[factor] = uses.get(factor, 0) + power
        known, exponentials = _given(uses)
        powers, rest = Powers(x, p, q), self._without(self.root, x)
        return _Product(self.sign, rest, powers, self.guarded, known, exponentials), count

    def _without(self, vertex: Vertex, x: Vertex) -> Vertex | None:
        """Return what is left without the powers that concern x, and without signs."""
        if vertex not in self._inner:
            found = self._powers.get(vertex)
            return None if found is not None and found.x is x else vertex
        assert isinstance(vertex, Apply)
        operation = vertex.operation
        first, *others = (self._without(y, x) for y in vertex.operands)
        if operation is elementwise.negative:
            return first
        if operation not in _PRODUCTS:  # a square
            return None if first is None else vertex
        (second,) = others
        if second is None:
            return first
        if first is None:
            if operation is not elementwise.divide:
                return second
            first = literal(1)
        if (first, second) == vertex.operands:
            return vertex
        return element(vertex.operation, first, second, dtype=vertex.dtype)


def _given(uses: dict[Vertex, int]) -> tuple[dict[bool, Vertex], dict[bool, Vertex]]:
    """Return which factors are sigmoids and exponentials: of x (True) and of -x."""
    known: dict[bool, Vertex] = {}
    exponentials: dict[bool, Vertex] = {}
    for factor, power in uses.items():
        found = powers_of(factor)
        assert found is not None
        share = sigmoid_in(factor)
        if exponent(factor) is not None:
            exponentials[found.p == 1] = factor
        elif is_operation(factor, complement):
            known[found.p == 1], known[found.q == 1] = factor, factor.operands[1]
            exponentials[found.p == 1] = factor.operands[0]
        elif share is not None and power > 0:
            known[found.p == 1] = factor
    return known, exponentials


def _written(product: _Product, vertex: Apply) -> Vertex | None:
    """Write a product in the place of a vertex of the same value."""
    _, p, q = product.powers
    local, *more = [_half(product, True)] * p + [_half(product, False)] * q
    for half in more:
        local = element(elementwise.multiply, local, half)
    if product.sign < 0:
        local = element(elementwise.negative, local)
    dtype = vertex.dtype
    result: Vertex = local
    if product.rest is not None:
        times = guarded_multiply if product.guarded else elementwise.multiply
        result = element(times, product.rest, local, dtype=dtype)
    return like(result, vertex) if same_kind(result, vertex) else None


def _half(product: _Product, positive: bool) -> Vertex:
    """Return ``sigmoid(x)`` or ``sigmoid(-x)``: one that is there, or made of an exponential."""
    if positive in product.known:
        return product.known[positive]
    x = product.powers.x
    for sign, power in product.exponentials.items():
        share = product.known.get(not sign)
        if share is None:
            share = _share(power)
        return element(complement, power, share) if sign == positive else share
    return element(elementwise.sigmoid, x if positive else element(elementwise.negative, x))


def _share(power: Vertex) -> Apply:
    one = Constant(1)
    total = element(elementwise.add, one, power, dtype=power.dtype)
    return element(elementwise.divide, one, total, dtype=power.dtype)
