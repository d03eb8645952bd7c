"""The pullback of a Cholesky factor that is asked for its diagonal and for solutions alone.

That is what likelihoods ask: the diagonal for a determinant, solutions for a quadratic form. By the
rule (`chainrule.operations.linalg.cholesky_pullback`) the gradient of the matrix is
``inv(L).T @ M @ inv(L)``, in its lower triangle, with a symmetric M: of the gradient G of the
factor L it has the lower triangle of ``L.T @ G``. A diagonal G makes M diagonal. Equations make G
a sum of products ``u @ v.T`` with ``u = inv(L).T @ w``, and M one of ``w @ v.T``, if they come in
pairs: with v and w there is one of w and v.

So all there is to compute is an inverse of the matrix, which the determinant asks for, and products
of solutions, which the function has found anyhow; no gradient of the factor, and no equations of
whole matrices. No more digits are lost than by the inverse. See C. E. Rasmussen and
C. K. I. Williams, "Gaussian Processes for Machine Learning", 2006, equation 5.9.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from chainrule.core.kinds import broadcast_to, guarded_multiply
from chainrule.graph.formula import traced
from chainrule.graph.graph import Apply, Constant, Vertex, is_float, is_operation
from chainrule.graph.placeholder import make
from chainrule.native.lower import lapack
from chainrule.operations import contraction, elementwise, linalg, matrix_functions
from chainrule.operations import shape as shapes

__all__ = ["of_uses", "plain"]

_DEEPEST = 4  # equations of solutions, and sums of them, that are looked through


class _Weight(NamedTuple):
    """A number, times vertices that are numbers."""

    number: float = 1.0
    others: tuple[Vertex, ...] = ()

    def times(self, other: _Weight) -> _Weight:
        return _Weight(self.number * other.number, (*self.others, *other.others))

    def kind(self) -> _Kind:
        """Return the vertices, in whatever order."""
        return frozenset(Counter(self.others).items())


class _Solution(NamedTuple):
    """``inv(L) @ b``, or ``inv(L).T @ b``, for the factor L."""

    by_transpose: bool
    b: _Columns


#: A vector, or the columns of a matrix: equal ones are the same.
_Columns: TypeAlias = "Vertex | _Solution"
#: Gives what a vertex has become.
_Done: TypeAlias = "Callable[[Vertex], Vertex]"
#: The vertices of a weight, and how often each is a factor.
_Kind: TypeAlias = "frozenset[tuple[Vertex, int]]"
#: The sum of some weights, one of each kind.
_Sum: TypeAlias = "dict[_Kind, _Weight]"


def of_uses(g: Vertex, y: Vertex, done: _Done) -> Vertex | None:
    """Return the gradient of a matrix, given that of its factor; None where it is something else.

    Args:
        g: the gradient of the factor.
        y: the factor, which is lower.
        done: gives what a vertex has become.
    """
    base, is_transposed = plain(y)
    if not is_operation(base, linalg.cholesky):
        return None
    if bool(base.params.get("upper")) is not is_transposed:
        return None
    uses = _Uses(base, is_transposed)
    if not uses.read(g) or not uses.are_paired():
        return None
    parts = [*uses.by_diagonal(done(y), done), *uses.by_solutions(done(y), done)]
    return traced(lambda first, *rest: sum(rest, start=first), *parts) if parts else None


def plain(x: Vertex) -> tuple[Vertex, bool]:
    """Return what a vertex is the transpose of, and True; or itself, and False."""
    is_transposed = False
    while is_operation(x, shapes.swapaxes, shapes.transpose) and x.ndim == 2:
        order = x.operation.compute(np.empty((0, 1)), **x.params).shape
        is_transposed ^= order == (1, 0)
        x = x.operands[0]
    return x, is_transposed


class _Uses:
    """What the gradient of a factor is the sum of.

    Attributes:
        logarithms: how often there is ``1 / L`` on the diagonal.
        diagonals: others, with their weights.
        products: how often there is ``inv(L).T @ w @ v.T``, by w and v.
        known: vertices that are solutions.
    """

    def __init__(self, base: Vertex, is_transposed: bool) -> None:
        self.base, self.is_transposed = base, is_transposed
        self.logarithms: _Sum = {}
        self.diagonals: list[tuple[_Weight, Vertex]] = []
        self.products: dict[tuple[_Columns, _Columns], _Sum] = {}
        self.known: dict[_Columns, Vertex] = {}

    def read(self, g: Vertex) -> bool:
        """Tell whether a matrix, of which the lower triangle counts, is such a sum; note it."""
        waiting = [(_Weight(), g, False)]
        while waiting:
            outside, x, is_transposed = waiting.pop()
            weight, x, is_transposed = _weighed(x, is_transposed)
            weight = weight.times(outside)
            triangle = shapes.triu if is_transposed else shapes.tril
            if is_operation(x, elementwise.add) and {a.shape for a in x.operands} == {g.shape}:
                waiting += [(weight, a, is_transposed) for a in x.operands]
            elif is_operation(x, triangle) and x.params.get("k", 0) == 0:
                waiting.append((weight, x.operands[0], is_transposed))
            elif is_operation(x, shapes.embed_diagonal) and x.params.get("offset", 0) == 0:
                self._read_diagonal(weight, x.operands[0])
            elif not (
                is_operation(x, contraction.matmul) and self._read_product(weight, x, is_transposed)
            ):
                return False
        return True

    def _read_diagonal(self, outside: _Weight, x: Vertex) -> None:
        weight, x, _ = _weighed(x)
        weight = weight.times(outside)
        if is_operation(x, elementwise.divide):
            above, below = x.operands
            one = _number(above)
            if one is not None and self._is_own_diagonal(below):
                return _count(self.logarithms, weight.times(one))
        self.diagonals.append((weight, x))
        return None

    def _is_own_diagonal(self, x: Vertex) -> bool:
        if not is_operation(x, shapes.diag, shapes.diagonal):
            return False
        is_main = x.params.get("k", 0) == x.params.get("offset", 0) == 0
        return is_main and plain(x.operands[0])[0] is self.base

    def _read_product(self, weight: _Weight, x: Apply, is_transposed: bool) -> bool:
        left, right = reversed(x.operands) if is_transposed else x.operands
        u = self._columns(left, is_transposed)
        v = self._columns(right, not is_transposed)
        if u is None or v is None or not isinstance(u[1], _Solution) or not u[1].by_transpose:
            return False
        there = self.products.setdefault((u[1].b, v[1]), {})
        _count(there, weight.times(u[0]).times(v[0]))
        return True

    def _columns(
        self, x: Vertex, is_transposed: bool = False, depth: int = 0
    ) -> tuple[_Weight, _Columns] | None:
        """Return what the columns of a vertex, or of its transpose, are multiples of."""
        weight, x, is_transposed = _weighed(x, is_transposed)
        if is_transposed:
            return None
        if depth < _DEEPEST and isinstance(x, Apply):
            inner = self._inside(x, depth)
            if inner is not None:
                return weight.times(inner[0]), inner[1]
        return weight, x

    def _inside(self, x: Apply, depth: int) -> tuple[_Weight, _Columns] | None:
        if is_operation(x, shapes.expand_dims, shapes.squeeze):
            (of,) = x.operands
            is_column = (of.shape[0], 1) in (x.shape, of.shape)
            return self._columns(of, depth=depth) if is_column and x.ndim + of.ndim == 3 else None
        if is_operation(x, elementwise.add):
            one, two = (self._columns(a, depth=depth + 1) for a in x.operands)
            if one is None or two is None or one[1] != two[1]:
                return None
            total: _Sum = {}
            _count(total, one[0])
            _count(total, two[0])
            (*others, weight) = total.values()
            return None if others else (weight, one[1])
        by_transpose, b = self._equation(x)
        if b is None or (found := self._columns(b, depth=depth + 1)) is None:
            return None
        solution = _Solution(by_transpose, found[1])
        if found[0] == _Weight():
            self.known.setdefault(solution, x)
        return found[0], solution

    def _equation(self, x: Apply) -> tuple[bool, Vertex | None]:
        """Return whether a vertex is a solution by the factor's transpose, and the right side."""
        if not is_operation(x, linalg.solve, matrix_functions.solve_triangular):
            return False, None
        a, b = x.operands
        base, is_transposed = plain(a)
        is_transposed ^= self.is_transposed
        options = x.params
        if base is not self.base or options.get("unit_diagonal"):
            return False, None
        if is_operation(x, matrix_functions.solve_triangular):
            if bool(options.get("lower")) is is_transposed:
                return False, None
            is_transposed ^= bool(options.get("trans"))
        return is_transposed, b

    def are_paired(self) -> bool:
        """Tell whether there is as much of w and v as there is of v and w."""
        there = {
            pair: {kind: weight.number for kind, weight in of.items() if weight.number}
            for pair, of in self.products.items()
        }
        return all(of == there.get((v, w), {}) for (w, v), of in there.items())

    def by_diagonal(self, y: Vertex, done: _Done) -> Iterator[Vertex]:
        """Yield the part that the diagonal asks for: an inverse."""
        if not self.diagonals:
            if self.logarithms:
                yield _times(_inverse(y), self.logarithms, done)
            return
        terms = [_times(done(d), {of.kind(): of}, done) for of, d in self.diagonals]
        ones = Constant(np.ones(y.shape[0], y.dtype))
        there = _times(ones, self.logarithms, done)
        weights = traced(lambda y, there, *d: shapes.diag(y) * sum(d) + there, y, there, *terms)
        assert weights is not None
        yield _inverse(y, weights)

    def by_solutions(self, y: Vertex, done: _Done) -> Iterator[Vertex]:
        """Yield the parts that solutions make: their products."""
        seen = set()
        for (w, v), weights in self.products.items():
            if (v, w) not in seen:
                seen.add((w, v))
                sides = [self._vertex(_Solution(True, b), y, done) for b in (w, v)]
                product = traced(_of_itself, sides[0]) if w == v else traced(_of_two, *sides)
                assert product is not None
                yield _times(product, weights, done)

    def _vertex(self, x: _Columns, y: Vertex, done: _Done) -> Vertex:
        if not isinstance(x, _Solution):
            return done(x)
        if x in self.known:
            return done(self.known[x])
        b = self._vertex(x.b, y, done)
        options = {"lower": True, "trans": int(x.by_transpose)}
        return make(lapack.triangle, (y, b), b.dtype, b.shape, **options)


def _weighed(x: Vertex, is_transposed: bool = False) -> tuple[_Weight, Vertex, bool]:
    """Take numbers out of a vertex, and transpositions."""
    weight = _Weight()
    while isinstance(x, Apply):
        turned, is_turned = plain(x)
        if turned is not x:
            x, is_transposed = turned, is_transposed ^ is_turned
        elif x.operation is elementwise.negative:
            weight, (x,) = weight.times(_Weight(-1.0)), x.operands
        elif (found := _factor(x)) is not None:
            weight, x = weight.times(found[0]), found[1]
        else:
            break
    return weight, x, is_transposed


def _factor(x: Apply) -> tuple[_Weight, Vertex] | None:
    """Return the number that a vertex is a multiple by, and of what."""
    if is_operation(x, elementwise.multiply, guarded_multiply):
        for k, other in enumerate(reversed(x.operands)):
            found = _number(x.operands[k])
            if found is not None and other.shape == x.shape:
                return found, other
    elif is_operation(x, elementwise.divide):
        above, below = x.operands
        found = _number(below)
        if found is not None and not found.others and above.shape == x.shape:
            return _Weight(1 / found.number), above
    return None


def _number(x: Vertex) -> _Weight | None:
    """Return what all entries of a vertex are, if it is known to be one number."""
    if is_operation(x, broadcast_to):
        return _number(x.operands[0])
    if isinstance(x, Constant) and (x.literal or not isinstance(x.value, np.ndarray)):
        entries = np.asarray(x.value).ravel()
        same = entries.size and entries.dtype.kind in "fiu" and np.all(entries == entries[0])
        is_usual = same and math.isfinite(entries[0]) and entries[0]
        return _Weight(float(entries[0])) if is_usual else None
    return _Weight(others=(x,)) if x.ndim == 0 and is_float(x) else None


def _count(there: _Sum, weight: _Weight) -> None:
    kind = weight.kind()
    before = there.get(kind, _Weight(0.0))
    there[kind] = _Weight(before.number + weight.number, weight.others)


def _times(x: Vertex, weights: _Sum, done: _Done) -> Vertex:
    """Multiply a vertex with the sum of some weights."""
    others = list(dict.fromkeys(other for weight in weights.values() for other in weight.others))

    def formula(x: Any, *values: Any) -> Any:
        given = dict(zip(others, values, strict=True))
        total: Any = 0
        for weight in weights.values():
            factors = [given[other] for other in weight.others]
            total = total + math.prod(factors, start=weight.number)
        return x if isinstance(total, float) and total == 1 else total * x

    found = traced(formula, x, *map(done, others))
    assert found is not None
    return found


def _inverse(y: Vertex, *weights: Vertex) -> Vertex:
    return make(lapack.cholesky_inverse, (y, *weights), y.dtype, y.shape)


def _of_itself(u: Any) -> Any:
    return linalg.lower_half(_product(u, u))


def _of_two(u: Any, v: Any) -> Any:
    product = _product(u, v)
    return linalg.lower_half(product + linalg.transposed(product))


def _product(u: Any, v: Any) -> Any:
    u, v = (shapes.expand_dims(x, axis=(1,)) if x.ndim == 1 else x for x in (u, v))
    return u @ linalg.transposed(v)
