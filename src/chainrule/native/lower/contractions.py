"""Sums of products as products of matrices: einsum, tensordot, and batches.

Axes fall into four groups: those of both operands that stay (the batch), those of both that are
summed, and those of one operand alone. Where nothing is summed, or next to nothing is left, entries
are multiplied and added up by a kernel; all else becomes ``(batch, m, k) @ (batch, k, n)``. Axes
keep the order that they have in memory where there is a choice, so that a transpose is a flag of
BLAS rather than a copy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from string import ascii_letters

from chainrule.core.kinds import broadcast_to
from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply, Vertex
from chainrule.graph.placeholder import (
    cast,
    element,
    full,
    like,
    make,
    reduce,
    reshaped,
    transposed,
)
from chainrule.operations import contraction, elementwise, reduction
from chainrule.operations import shape as shapes
from chainrule.operations.batched_contraction import spelled_out

__all__ = ["RULES", "contracted"]


@dataclass(frozen=True)
class _Term:
    """An array with a letter for each axis; equal letters of two terms mean the same index."""

    x: Vertex
    letters: str

    @property
    def lengths(self) -> dict[str, int]:
        return dict(zip(self.letters, self.x.shape, strict=True))

    def ordered(self, letters: str) -> _Term:
        """Move the axes."""
        return _Term(transposed(self.x, tuple(map(self.letters.index, letters))), letters)

    def merged(self, *groups: str) -> Vertex:
        """Make one axis of each group of letters."""
        lengths = self.lengths
        ordered = self.ordered("".join(groups))
        return reshaped(ordered.x, tuple(math.prod(lengths[i] for i in group) for group in groups))

    def summed(self, letters: str) -> _Term:
        """Sum over letters."""
        if not letters:
            return self
        axes = tuple(map(self.letters.index, letters))
        kept = "".join(i for i in self.letters if i not in letters)
        total = reduce(reduction.sum, self.x, axes)
        return _Term(reshaped(total, tuple(self.lengths[i] for i in kept)), kept)

    def among(self, letters: str) -> Vertex:
        """Give the array an axis for each of the letters, of length 1 where it has not got it."""
        known = self.ordered("".join(i for i in letters if i in self.letters))
        lengths = known.lengths
        return reshaped(known.x, tuple(lengths.get(i, 1) for i in letters))


def contracted(a: _Term, b: _Term, keep: str) -> _Term:
    """Multiply two terms, and sum what is in neither ``keep``; the letters come in any order."""
    kept = set(keep)
    a = a.summed("".join(i for i in a.letters if i not in kept and i not in b.letters))
    b = b.summed("".join(i for i in b.letters if i not in kept and i not in a.letters))
    if _first(keep, b, a) < _first(keep, a, b):
        a, b = b, a
    lengths = {**a.lengths, **b.lengths}
    batch = "".join(i for i in keep if i in a.letters and i in b.letters)
    inner = "".join(i for i in b.letters if i in a.letters and i not in kept)
    rows = "".join(i for i in a.letters if i not in b.letters)
    columns = "".join(i for i in b.letters if i not in a.letters)
    left = batch + rows + columns
    thin = not (rows and columns) and bool(batch)
    if not inner or thin or a.x.dtype.kind != "f" or (not rows and not columns):
        order = "".join(i for i in keep if i in left) + inner
        product = _Term(element(elementwise.multiply, a.among(order), b.among(order)), order)
        return product.summed(inner)
    groups_a = [g for g, wanted in ((batch, batch), (rows, rows), (inner, True)) if wanted]
    groups_b = [g for g, wanted in ((batch, batch), (inner, True), (columns, columns)) if wanted]
    first, second = a.merged(*groups_a), b.merged(*groups_b)
    size = tuple(math.prod(lengths[i] for i in g) for g in (batch, rows, columns) if g)
    product_of = make(contraction.matmul, [first, second], first.dtype, size)
    return _Term(reshaped(product_of, tuple(lengths[i] for i in left)), left)


def _first(keep: str, a: _Term, b: _Term) -> int:
    """Return the place of the first letter of the result that a has and b has not."""
    return min((k for k, i in enumerate(keep) if i in a.letters and i not in b.letters), default=99)


def _product(terms: Sequence[_Term], output: str) -> _Term:
    """Multiply terms two by two, those first whose product takes the fewest steps."""
    left = list(terms)
    while len(left) > 1:
        pairs = [(j, k) for k in range(len(left)) for j in range(k)]
        j, k = min(pairs, key=lambda pair: _steps(left[pair[0]], left[pair[1]]))
        others = [term for m, term in enumerate(left) if m not in (j, k)]
        known = dict.fromkeys(output + "".join(term.letters for term in others))
        left = [*others, contracted(left[j], left[k], "".join(known))]
    (last,) = left
    return last.summed("".join(i for i in last.letters if i not in output)).ordered(output)


def _steps(a: _Term, b: _Term) -> int:
    return math.prod({**a.lengths, **b.lengths}.values())


def _diagonals(term: _Term) -> _Term:
    """Read a diagonal where a letter stands twice."""
    while len(set(term.letters)) != len(term.letters):
        letter = next(i for i in term.letters if term.letters.count(i) > 1)
        first = term.letters.index(letter)
        second = term.letters.index(letter, first + 1)
        rest = [n for k, n in enumerate(term.x.shape) if k not in (first, second)]
        size = (*rest, term.x.shape[first])
        dtype = term.x.dtype
        x = make(shapes.diagonal, [term.x], dtype, size, offset=0, axis1=first, axis2=second)
        letters = "".join(i for k, i in enumerate(term.letters) if k not in (first, second))
        term = _Term(x, letters + letter)
    return term


def _einsum(vertex: Apply) -> Vertex | None:
    dtype = vertex.dtype
    if dtype.kind not in "fiu":
        return None
    letters, output = spelled_out(vertex.params["subscripts"], [x.shape for x in vertex.operands])
    longest: dict[str, int] = {}
    for x, term in zip(vertex.operands, letters, strict=True):
        for i, n in zip(term, x.shape, strict=True):
            if term.count(i) > 1 and n != dict(zip(term, x.shape, strict=True))[i]:
                return None
            longest[i] = n if longest.get(i, 1) == 1 else longest[i]
    terms = []
    for x, term in zip(vertex.operands, letters, strict=True):
        whole = _diagonals(_Term(cast(x, dtype), term))
        short = [i for i, n in whole.lengths.items() if n == 1 != longest[i]]
        kept = "".join(i for i in whole.letters if i not in short)
        terms.append(_Term(reshaped(whole.x, tuple(longest[i] for i in kept)), kept))
    return like(_product(terms, output).x, vertex)


# Products by their axes.


def _by_axes(
    vertex: Apply, in_a: Sequence[int], in_b: Sequence[int], a: Vertex, b: Vertex
) -> Vertex | None:
    """Contract axes of a with those of b; what is left of a comes first."""
    dtype = vertex.dtype
    ndim = a.ndim + b.ndim
    if dtype.kind not in "fiu" or ndim > len(ascii_letters):
        return None
    names = ascii_letters
    of_a = list(names[: a.ndim])
    of_b = list(names[a.ndim : ndim])
    for j, k in zip(in_a, in_b, strict=True):
        of_b[k] = of_a[j]
    output = "".join(i for i in (*of_a, *of_b) if (i in of_a) != (i in of_b))
    terms = [_Term(cast(a, dtype), "".join(of_a)), _Term(cast(b, dtype), "".join(of_b))]
    return like(_product(terms, output).x, vertex)


def _tensordot(vertex: Apply) -> Vertex | None:
    a, b = vertex.operands
    in_a, in_b = vertex.params["axes"]
    if isinstance(in_a, int) or isinstance(in_b, int):
        return None
    return _by_axes(vertex, in_a, in_b, a, b)


def _dot(vertex: Apply) -> Vertex | None:
    """``dot`` and ``inner``: of vectors, matrices and all else."""
    a, b = vertex.operands
    m, n = a.ndim, b.ndim
    if not m or not n:
        return Apply(elementwise.multiply, (a, b), {}, vertex.value)
    if vertex.operation is contraction.dot and m <= 2 and n <= 2:
        return Apply(contraction.matmul, (a, b), {}, vertex.value)
    last = max(n - 2, 0) if vertex.operation is contraction.dot else n - 1
    return _by_axes(vertex, (m - 1,), (last,), a, b)


def _vdot(vertex: Apply) -> Vertex | None:
    a, b = (reshaped(x, (x.size,)) for x in vertex.operands)
    return _by_axes(vertex, (0,), (0,), a, b)


def _outer(vertex: Apply) -> Vertex | None:
    a, b = vertex.operands
    column = reshaped(a, (a.size, 1))
    row = reshaped(b, (b.size,))
    return Apply(elementwise.multiply, (column, row), {}, vertex.value)


def _kron(vertex: Apply) -> Vertex | None:
    """An axis of a and one of b, side by side, make one of the result."""
    a, b = vertex.operands
    ndim = vertex.ndim
    in_a = (1,) * (ndim - a.ndim) + a.shape
    in_b = (1,) * (ndim - b.ndim) + b.shape
    first = reshaped(a, tuple(n for length in in_a for n in (length, 1)))
    second = reshaped(b, tuple(n for length in in_b for n in (1, length)))
    product = element(elementwise.multiply, first, second, dtype=vertex.dtype)
    return like(product, vertex)


def matrices(vertex: Apply) -> Vertex | None:
    """Matrix products of other than two matrices of one dtype: batches, mixed dtypes, vectors."""
    a, b = vertex.operands
    dtype = vertex.dtype
    m, n = a.ndim, b.ndim
    if dtype.kind != "f":
        return _by_axes(vertex, (m - 1,), (max(n - 2, 0),), a, b) if m <= 2 and n <= 2 else None
    if {a.dtype, b.dtype} != {dtype}:
        operands = cast(a, dtype), cast(b, dtype)
        return Apply(contraction.matmul, operands, {}, vertex.value)
    if not a.shape[-1]:
        return full(0, dtype, vertex.shape)  # sums of nothing
    if m == n == 2 and a.shape[1] == 1:
        return Apply(elementwise.multiply, (a, b), {}, vertex.value)
    if m <= 2 and n <= 2:
        return None
    if math.prod(b.shape[:-2]) == 1:
        b = reshaped(b, b.shape[-2:])
    if b.ndim <= 2:  # the batch axes are rows like any other
        rows, inner = math.prod(a.shape[:-1]), a.shape[-1]
        size = (rows, *b.shape[1:])
        left = reshaped(a, (rows, inner))
        return like(make(contraction.matmul, [left, b], dtype, size), vertex)
    if m == 1:
        row = reshaped(a, (1, *a.shape))
        size = (*vertex.shape[:-1], 1, vertex.shape[-1])
        return like(make(contraction.matmul, [row, b], dtype, size), vertex)
    batch = vertex.shape[:-2]
    if a.shape[:-2] == b.shape[:-2] == batch:
        return None
    operands = _spread(a, batch), _spread(b, batch)
    return Apply(contraction.matmul, operands, {}, vertex.value)


def _spread(x: Vertex, batch: tuple[int, ...]) -> Vertex:
    """Repeat matrices along the axes of a batch."""
    size = batch + x.shape[-2:]
    if x.shape == size:
        return x
    return make(broadcast_to, [x], x.dtype, size, shape=size)


RULES: dict[Operation, Callable[[Apply], Vertex | None]] = {
    contraction.einsum: _einsum,
    contraction.tensordot: _tensordot,
    contraction.dot: _dot,
    contraction.inner: _dot,
    contraction.vdot: _vdot,
    contraction.outer: _outer,
    contraction.kron: _kron,
}
