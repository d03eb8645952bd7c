"""Products and sums in the order in which a person writes them.

A chain of ``*``, ``/`` and ``-`` is taken apart into its factors and put together again: the number
first, then the upstream gradient, then names, sums last, everything that divides below one line:
``2 * (z2 - y) / 32``, ``dz * z * (1 - z)``, ``-1.0 / den**2``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chainrule.core.kinds import Linear, broadcast_to
from chainrule.core.operation import Operation
from chainrule.graph.closed_forms import plain_number
from chainrule.graph.finite import all_finite
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
from chainrule.graph.products import (
    Product,
    are_alike,
    are_floats,
    cancelled,
    chain,
    coefficient,
    is_chain,
    is_single,
    multiplied,
    negated,
    powers,
    quotient,
    without_roots,
)
from chainrule.graph.rewrite import same_kind
from chainrule.operations import elementwise, indexing, reduction
from chainrule.operations import shape as shapes

__all__ = ["Arranger", "arrange", "compared", "signed", "without"]

_LARGEST = 1e15  # beyond it, a whole number is written as a float: 1e+200
_SUMS = frozenset({elementwise.add, elementwise.subtract})
#: A minus is taken out of their first operand.
_ODD = frozenset(
    {shapes.transpose, shapes.expand_dims, shapes.reshape, broadcast_to, indexing.scatter_add}
)


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


def without(vertex: Vertex, factor: Vertex, kept: Collection[Vertex] = ()) -> Vertex | None:
    """Return what a product is apart from one of its factors, None if it is not one."""
    arranger = Arranger(kept, None, False)
    product = arranger.product(vertex)
    if factor not in product.numerators:
        return None
    product.numerators.remove(factor)
    return arranger.built(product)


def signed(vertex: Vertex, kept: Collection[Vertex] = ()) -> tuple[int, Vertex]:
    """Take the minus off a product: return 1 or -1, and the rest."""
    sign, rest = Arranger(kept, None, False)._term(vertex)
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
        if is_chain(vertex) and not (product := self.product(vertex)).overflows():
            new = self.built(product)
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
            (product.below if below else product.numbers).append(plain_number(vertex.value))
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
            above, below = without_roots(above, below)
        above, below = cancelled(above, below)
        numerators = self._ordered(powers(above))
        denominators = self._ordered(powers(below))
        number, constant, divisor = quotient(product.numbers, product.below)
        sign = product.sign
        if number is not None and number < 0:
            number, sign = -number, -sign
        if divisor is not None and divisor < 0:
            divisor, sign = -divisor, -sign
        if number is not None and number == divisor:
            number = divisor = None
        is_float = divisor is not None or are_floats(numerators)  # with integers, too
        is_whole = isinstance(number, float) and number.is_integer() and abs(number) < _LARGEST
        if is_whole and is_float:
            number = int(number)
        if constant is not None:
            numerators.insert(0, Constant(constant))
        if (number is not None and number != 1) or not numerators:
            numerators.insert(0, Constant(1 if number is None else number))
        if divisor is not None and divisor != 1:
            denominators.insert(0, Constant(divisor))
        if sign < 0:
            numerators = negated(numerators)
        top = chain(numerators)
        return apply_to(elementwise.divide, top, chain(denominators)) if denominators else top

    def _ordered(self, factors: list[Vertex]) -> list[Vertex]:
        if not self.ordered:
            return factors
        return sorted(factors, key=self._rank)

    def _rank(self, vertex: Vertex) -> int:
        if vertex is self.upstream:
            return 0
        if isinstance(vertex, Apply) and (vertex.operation in _SUMS or vertex.dtype.kind == "b"):
            return 5  # sums and masks
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
        if are_alike(*products):
            first, second = (k * coefficient(p) for k, p in zip(signs, products, strict=True))
            number = 0 if vertex in self.compared and first != second else first + second
            number = number if all_finite(number) else 0
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
        if operation is reduction.sum or operation in _ODD:
            operands[0] = self._inside(vertex, operands[0], outside)
        elif _is_multilinear(operation):
            operands = [self._inside(vertex, x, outside) for x in operands]
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
        scaled = _is_multilinear(operation) or operation is shapes.transpose
        if operation is reduction.sum or (scaled and is_single(product)):
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


def _is_multilinear(operation: Operation) -> bool:
    return isinstance(operation, Linear) and operation.multilinear


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
    if a.below and multiplied(a.below) == multiplied(b.below):
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
