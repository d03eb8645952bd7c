"""Convolutional layers and their gradients, as products with windows that are never written out.

Where a product of this kind is no task for tiles, the formula of the row writes all windows into
one matrix, for BLAS.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from chainrule.core.operation import Operation
from chainrule.graph.formula import by_formula, traced
from chainrule.graph.graph import Apply, Vertex, copied
from chainrule.graph.placeholder import cast, full, like, make, transposed
from chainrule.native.ir.access import contiguous
from chainrule.native.ir.moving import moves
from chainrule.native.lower.parts import box, updated
from chainrule.native.lower.roles import expected_access, followed, viewed
from chainrule.native.lower.windows import nested, windows_of
from chainrule.native.matmul import choice
from chainrule.operations import shape as shapes
from chainrule.operations.correlation import (
    by_input,
    correlation,
    correlation_input,
    correlation_kernel,
    places,
)
from chainrule.operations.indexing import scatter_add

__all__ = ["RULES"]


def _correlation(vertex: Apply) -> Vertex | None:
    x, w = _operands(vertex)
    return _product(vertex, _windows(x, w.shape[:-2], **vertex.params), w)


def _by_kernel(vertex: Apply) -> Vertex | None:
    x, g = _operands(vertex)
    params = dict(vertex.params)
    n = len(params["step"])
    found = _windows(x, params.pop("kernel"), **params)
    in_kernel, in_places = range(n + 1, 2 * n + 2), range(n + 1)
    return _product(vertex, transposed(found, (*in_kernel, *in_places)), g)


def _by_input(vertex: Apply) -> Vertex | None:
    """With steps of 1: windows of the upstream gradient, and the kernel the other way round."""
    g, w = _operands(vertex)
    step, padding, dilation = (vertex.params[name] for name in ("step", "padding", "dilation"))
    kernel = w.shape[:-2]
    outside = tuple(d * (k - 1) - p for k, p, d in zip(kernel, padding, dilation, strict=True))
    if set(step) != {1} or min(outside) < 0:
        found = traced(functools.partial(by_input, put=scatter_add), g, w, **vertex.params)
        return None if found is None else like(found, vertex)
    found = _windows(g, kernel, step, outside, dilation)
    n = len(kernel)
    turned = make(shapes.flip, [w], w.dtype, w.shape, axis=tuple(range(n)))
    return _product(vertex, found, transposed(turned, (*range(n), n + 1, n)))


def _operands(vertex: Apply) -> tuple[Vertex, Vertex]:
    first, second = vertex.operands
    return cast(first, vertex.dtype), cast(second, vertex.dtype)


def _windows(x: Vertex, kernel: Any, step: Any, padding: Any, dilation: Any) -> Vertex:
    sizes = x.shape[1:-1]
    out = places(sizes, kernel, step, padding, dilation)
    if any(padding):
        size = (x.shape[0], *(n + 2 * p for n, p in zip(sizes, padding, strict=True)), x.shape[-1])
        x = updated(full(0, x.dtype, size), x, box((0, *padding, 0), x.shape))
    else:
        access = expected_access(x)
        if access is None or not access.is_contiguous:
            x = copied(x)  # channels last: then a window's entries are runs
    return windows_of(x, kernel, out, step, dilation)


def _product(vertex: Apply, a: Vertex, b: Vertex) -> Vertex | None:
    """Multiply with windows where tiles can."""
    shapes_of_all = (*vertex.shape, *a.shape, *b.shape)
    if vertex.dtype.kind != "f" or moves(shapes_of_all) or not math.prod(shapes_of_all):
        return by_formula(vertex)
    base, chain = viewed(a)
    access = followed(contiguous(base), chain)
    if access is None or not choice.nested_fits(access, contiguous(b)):
        return by_formula(vertex)
    return like(nested(a, b), vertex)


RULES: dict[Operation, Callable[[Apply], Vertex | None]] = {
    correlation: _correlation,
    correlation_kernel: _by_kernel,
    correlation_input: _by_input,
}
