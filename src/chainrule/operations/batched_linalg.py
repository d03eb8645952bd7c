"""Batching rules of linear algebra: matrices lie in the last two axes, the examples in front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.core.array import shape_of
from chainrule.core.batching import along, broadcasting, in_one_row, matrices
from chainrule.core.operation import Operation

__all__ = ["measuring", "solving", "solving_triangles"]


def solving(
    row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Mapping[str, Any]
) -> Any:
    """Solve linear equations, where a vector has one axis and anything else is matrices."""
    (a, b), (many_a, many_b) = operands, batched
    if len(shape_of(b)) - many_b > 1:
        return broadcasting(row, batched, operands, params)
    if not many_a and len(shape_of(a)) == 2:
        return row(a, b.T, **params).T  # the vectors are columns of one matrix
    return broadcasting(row, batched, (a, b[..., None]), params)[..., 0]


def solving_triangles(
    row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Mapping[str, Any]
) -> Any:
    """Do the same where matrices and right sides have the same axes in front."""
    (a, b), (_, many_b) = operands, batched
    if len(shape_of(b)) - many_b > 1:
        return matrices(row, batched, operands, params)
    return matrices(row, batched, (a, b[..., None]), params)[..., 0]


_along_axes = along("axis", axis=None)


def measuring(
    row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Mapping[str, Any]
) -> Any:
    """Take norms of vectors or matrices, or of all entries."""
    (x,) = operands
    shape = shape_of(x)[1:]
    if params.get("axis") is not None or len(shape) == 1 or _is_of_matrix(shape, params):
        return _along_axes(row, batched, operands, params)
    return in_one_row(row, x, (1,), params)


def _is_of_matrix(shape: Sequence[int], params: Mapping[str, Any]) -> bool:
    return len(shape) == 2 and params.get("ord") is not None
