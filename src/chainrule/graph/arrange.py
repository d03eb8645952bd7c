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

from chainrule.core.kinds import Elementwise, broadcast_to
from chainrule.graph.closed_forms import Quotient, combined
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

__all__ = ["Arranger", "Product", "arrange", "compared", "is_chain", "signed", "without"]

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
    arranger = Arranger(kept, upstream, ordered)
    arranger.arrange(outputs)
    return [arranger.of(output) for output in outputs]


def without(vertex: Vertex, factor: Vertex) -> Vertex | None:
    """Return what a product is apart from one of its factors, None if it is not one."""
    arranger = Arranger((), None, False)
    product = arranger.product(vertex)
    if factor not in product.numerators:
        return None
    product.numerators.remove(factor)
    return arranger.built(product)


def signed(vertex: Vertex) -> tuple[int, Vertex]:
    """Take the minus off a product: return 1 or -1, and the rest."""
    sign, rest = Arranger((), None, False)._term(vertex)
    return (sign, rest) if sign < 0 and same_kind(rest, vertex) else (1, vertex)


class Arranger:
    """Takes products apart into their factors and puts them together in order."""

    def __init__(self, kept: Collection[Vertex], upstream: Vertex | None, ordered: bool) -> None:
        self.kept = kept
        self.upstream = upstream
        self.ordered = ordered
        self.done: dict[Vertex, Vertex] = {}
        self.sealed: set[Vertex] = set(kept)
        self.compared: set[Vertex] = set()
        self.carries: set[Vertex] = set() if upstream is None else {upstream}

    def arrange(self, outputs: Sequence[Vertex]) -> None:
        """Write every vertex that the outputs need in order."""
        vertices = topological(outputs)
        self.compared = compared(vertices)
        for vertex in vertices:
            self._visit(vertex)

    def of(self, vertex: Vertex) -> Vertex:
        """Return what a vertex has become."""
        return self.done.get(vertex, vertex)

    def _visit(self, vertex: Vertex) -> None:
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

    def product(self, vertex: Vertex) -> Product:
        """Take a product apart."""
        product = Product(compared=vertex in self.compared)
        self._collect(vertex, product, False, True)
        return product

    def _collect(self, vertex: Vertex, product: Product, below: bool, root: bool) -> None:
        if is_number(vertex):
            (product.below if below else product.numbers).append(_plain(vertex.value))
            return
        if not is_chain(vertex) or (vertex in self.sealed and not root):
            factor = self.of(vertex)
            if factor is not vertex and is_chain(factor) and factor not in self.sealed:
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

    def built(self, product: Product) -> Vertex:
        """Put a product together."""
        above, below = product.numerators, product.denominators
        if not product.compared:
            above, below = _without_roots(above, below)
        above, below = _cancelled(above, below)
        numerators = self._ordered(_powers(above))
        denominators = self._ordered(_powers(below))
        number, constant, divisor = _quotient(product.numbers, product.below)
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
        if constant is not None:
            numerators.insert(0, Constant(constant))
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
        common = Product()
        products = [self.product(term) for term in terms]
        if _are_alike(*products):
            first, second = (k * _coefficient(p) for k, p in zip(signs, products, strict=True))
            number = 0 if vertex in self.compared and first != second else first + second
            products[0].sign, products[0].numbers = 1, [number]
            together = self.built(products[0])
            return together if number and same_kind(together, vertex) else self.of(vertex)
        if _share_factors(products, common):
            terms = [self.built(product) for product in products]
        if all(term.dtype.kind == "b" for term in terms):  # masks do not add up
            return self.of(vertex)
        total = self._added(signs, terms)
        if not same_kind(total, vertex):
            return self.of(vertex)
        if common == Product():
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
            product = Product(numerators=[a]) if a in self.sealed else self.product(a)
            product.sign = -product.sign
            a = self.built(product)
        return apply_to(elementwise.subtract, a, b)

    def _term(self, vertex: Vertex) -> tuple[int, Vertex]:
        new = self.of(vertex)
        if vertex in self.kept or not is_chain(new):
            return 1, new
        product = self.product(vertex if is_chain(vertex) else new)
        return product.take_sign(), self.built(product)

    def _moved(self, vertex: Apply) -> Vertex:
        """Rebuild any other operation: ``sum(-2 * x)`` becomes ``-2 * sum(x)``."""
        operands = [self.of(x) for x in vertex.operands]
        outside = Product()
        operation = vertex.operation
        if operation is reduction.sum or operation in _CONTRACTIONS or operation in _ODD:
            linear = range(len(operands)) if operation in _CONTRACTIONS else range(1)
            for k in linear:
                operands[k] = self._inside(vertex, operands[k], outside)
        inner = Apply(vertex.operation, tuple(operands), vertex.params, vertex.value)
        if outside == Product():
            return inner
        inner = apply_to(vertex.operation, *operands, **vertex.params)
        if vertex in self.carries:
            self.carries.add(inner)
        outside.numerators.insert(0, inner)
        return self.built(outside)

    def _inside(self, vertex: Apply, x: Vertex, outside: Product) -> Vertex:
        """Return what has to stay inside a linear operation; the rest is added to ``outside``."""
        if not is_chain(x) or x in self.sealed:
            return x
        product = self.product(x)
        moved = Product(sign=product.take_sign())
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


def compared(vertices: Sequence[Vertex]) -> set[Vertex]:
    """Return what comparisons and choices look at: there NaN has to stay NaN."""
    return set(topological(x for vertex in vertices for x in _deciding(vertex)))


def _deciding(vertex: Vertex) -> Sequence[Vertex]:
    """Return the operands of a vertex whose values decide something."""
    if not isinstance(vertex, Apply):
        return ()
    if vertex.operation is elementwise.where:
        return vertex.operands[:1]
    decides = vertex.operation.kinked or not vertex.operation.differentiable
    return vertex.operands if decides else ()


def is_chain(vertex: Vertex) -> TypeGuard[Apply]:
    """Tell whether a vertex is a product, a quotient or a negative."""
    return isinstance(vertex, Apply) and vertex.operation in _CHAIN


def _is_single(product: Product) -> bool:
    return len(product.numerators) == 1 and not product.denominators


def _are_floats(factors: Sequence[Vertex]) -> bool:
    return any(x.dtype.kind == "f" for x in factors)


def _are_alike(a: Product, b: Product) -> bool:
    """Tell whether two products have the same factors, in whichever order, apart from a number."""
    return (
        _multiplied(a.below) == _multiplied(b.below)
        and Counter(a.numerators) == Counter(b.numerators)
        and Counter(a.denominators) == Counter(b.denominators)
    )


def _coefficient(product: Product) -> Any:
    number = _multiplied(product.numbers)
    return product.sign * (1 if number is None else number)


def _share_factors(products: Sequence[Product], common: Product) -> bool:
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
    return common != Product()


def _move_constants(vertex: Apply, product: Product, outside: Product) -> None:
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


def _without_roots(
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


def _quotient(numbers: list[Any], below: list[Any]) -> Quotient:
    """Return the product of the numbers above and below the line."""
    return combined(numbers, below) or Quotient(_multiplied(numbers), None, _multiplied(below))


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
