"""Linear algebra of large matrices by LAPACK, with what has been found out about them before.

What is recorded are NumPy's functions, one by one, and the equations of their rules. Here a
Cholesky factor is known to be triangular; its pullback, which the rule writes as equations, is one
function, or made of what is known already (`chainrule.native.lower.factor_uses`); and all that is
asked about one matrix is told by one decomposition: equations of it and of its transpose, its
inverse, its determinant.

Batches of matrices, and complex ones, are left to NumPy, as are small ones.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.core.placeholder import Placeholder
from chainrule.graph.formula import traced
from chainrule.graph.graph import (
    Apply,
    Constant,
    Input,
    Vertex,
    is_number,
    is_operation,
    topological,
)
from chainrule.graph.placeholder import make
from chainrule.graph.rewrite import frozen, share, with_operands
from chainrule.native.lower import lapack
from chainrule.native.lower.factor_uses import of_uses, plain
from chainrule.native.lower.lapack import Routine
from chainrule.operations import elementwise, linalg, matrix_functions
from chainrule.operations.expm_pade import PARTS

__all__ = ["factored"]

_ASKED = (linalg.solve, linalg.inv, linalg.slogdet)
_TRIANGLES = (linalg.solve_known_triangle, matrix_functions.solve_triangular)
_EXPONENTIAL = (matrix_functions.expm, matrix_functions.expm_change)
_SMALLEST = 32  # rows
_SMALLEST_LU = 100  # rows from which on two calls are no more work than one
_LARGEST = 256  # rows of a matrix of which ten others are kept


def factored(outputs: Sequence[Vertex]) -> list[Vertex]:
    """Compute by LAPACK what is asked about large matrices. The outputs are recorded ones."""
    known = (linalg.cholesky, *_TRIANGLES, *_ASKED, matrix_functions.expm_change)
    if not any(is_operation(x, *known) for x in topological(outputs)):
        return list(outputs)
    outputs = share(outputs)
    writing = _Writing(topological(outputs))
    return share([writing.done[x] for x in outputs])


class _Writing:
    """Writes vertices anew, each after its operands.

    Attributes:
        done: what each has become.
    """

    def __init__(self, order: Sequence[Vertex]) -> None:
        self.done: dict[Vertex, Vertex] = {}
        for vertex in order:
            new = self._by_lapack(vertex) if isinstance(vertex, Apply) else None
            self.done[vertex] = new or with_operands(vertex, self.done)

    def _by_lapack(self, vertex: Apply) -> Vertex | None:
        if vertex.operation is elementwise.divide and _fits(vertex):
            found: dict[str, Vertex] = {}
            if not _matches(_pullback(), vertex, found) or not _fits(vertex, *found.values()):
                return None
            g, y = found["g"], found["y"]
            of_uses_alone = of_uses(g, y, lambda x: self.done.get(x, x))
            return of_uses_alone or self._routine(lapack.cholesky_pullback, vertex, g, y)
        if vertex.operation in _EXPONENTIAL:
            return self._exponential(vertex)
        if not is_operation(vertex, linalg.cholesky, *_TRIANGLES, *_ASKED):
            return None
        if not _fits(*vertex.operands, vertex):
            return None
        if vertex.operation is linalg.cholesky:
            return self._routine(lapack.cholesky, vertex, *vertex.operands, **vertex.params)
        if vertex.operation in _TRIANGLES:
            return self._triangle(vertex)
        return self._asked(vertex) if vertex.operation in _ASKED else None

    def _triangle(self, vertex: Apply) -> Apply:
        """Solve with a triangle. A factor of 2 or so is left to what comes after.

        The pullback of a quadratic form solves for half of what the form has solved for: so that
        is found out once. No digit depends on it.
        """
        a, b = (self.done.get(x, x) for x in vertex.operands)
        if is_operation(b, elementwise.multiply):
            for k, factor in enumerate(b.operands):
                if _only_moves_the_point(factor):
                    other = b.operands[1 - k]
                    found = self._routine(lapack.triangle, vertex, a, other, **vertex.params)
                    return Apply(elementwise.multiply, (factor, found), {}, vertex.value)
        return self._routine(lapack.triangle, vertex, a, b, **vertex.params)

    def _asked(self, vertex: Apply) -> Apply | None:
        a, is_transposed = plain(vertex.operands[0])
        if is_operation(a, linalg.cholesky):
            if vertex.operation is linalg.solve:
                lower = bool(a.params.get("upper")) is is_transposed
                return self._routine(lapack.triangle, vertex, *vertex.operands, lower=lower)
            return None
        n = a.shape[0]
        if n < _SMALLEST_LU:
            return None
        factors = make(lapack.lu, [self.done[a]], a.dtype, (n + 1, n))
        if vertex.operation is linalg.solve:
            return self._routine(
                lapack.lu_solve, vertex, factors, vertex.operands[1], transposed=is_transposed
            )
        if vertex.operation is linalg.slogdet:
            return self._routine(lapack.lu_log, vertex, factors, **vertex.params)
        return self._routine(lapack.lu_inverse, vertex, factors, transposed=is_transposed)

    def _exponential(self, vertex: Apply) -> Apply | None:
        a, is_transposed = plain(vertex.operands[0])
        if a.ndim != 2 or len({a.dtype, vertex.dtype, np.dtype(np.float64)}) > 1:
            return None
        if a.shape[0] > _LARGEST:
            return None
        parts = make(lapack.expm_approximant, [self.done[a]], a.dtype, (PARTS, *a.shape))
        if vertex.operation is matrix_functions.expm_change:
            e = vertex.operands[1]
            return self._routine(lapack.expm_change, vertex, a, e, parts, transposed=is_transposed)
        return None if is_transposed else self._routine(lapack.expm_value, vertex, a, parts)

    def _routine(self, routine: Routine, vertex: Apply, *operands: Vertex, **params: Any) -> Apply:
        given = tuple(self.done.get(x, x) for x in operands)
        return Apply(routine, given, params, vertex.value)


def _only_moves_the_point(x: Vertex) -> bool:
    """Tell whether a vertex is a number that products are exact with: a power of 2."""
    if not isinstance(x, Constant) or not is_number(x):
        return False
    return abs(math.frexp(float(x.value))[0]) == 0.5


def _fits(matrix: Vertex, *others: Vertex) -> bool:
    """Tell whether a vertex is a large real matrix, and others are real and no batches."""
    if matrix.ndim != 2 or not matrix.shape[0] == matrix.shape[1] >= _SMALLEST:
        return False
    real = matrix.dtype in (np.float32, np.float64)
    return real and all(x.dtype == matrix.dtype and x.ndim <= 2 for x in others)


@functools.cache
def _pullback() -> Vertex:
    """Return what the rule of a lower Cholesky factor records, of inputs ``g`` and ``y``."""
    some = Placeholder((9, 9), np.dtype(float))
    pattern = traced(
        lambda g, y: linalg.cholesky_pullback(g, None, y), Input("g", some), Input("y", some)
    )
    assert pattern is not None
    return pattern


def _matches(pattern: Vertex, vertex: Vertex, found: dict[str, Vertex]) -> bool:
    """Tell whether a vertex has a pattern, and note which vertices are there in place of inputs."""
    if isinstance(pattern, Input):
        return found.setdefault(pattern.name, vertex) is vertex
    if isinstance(pattern, Constant):
        return is_number(vertex, pattern.value)
    return (
        is_operation(vertex, pattern.operation)
        and frozen(vertex.params) == frozen(pattern.params)
        and len(vertex.operands) == len(pattern.operands)
        and all(
            _matches(p, x, found) for p, x in zip(pattern.operands, vertex.operands, strict=True)
        )
    )
