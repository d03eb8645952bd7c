"""What a convolutional layer computes: products of windows of arrays with a kernel, over channels.

The three rows are one form, linear in each of three arrays, without one of them:

    ``sum of x[b, i * step + k * dilation - padding, c] * w[k, c, o] * g[b, i, o]``

over examples b, places i, places k in a window, and channels c and o; i and k have as many axes as
there are. Without g it is the layer, and without x or w its gradient. So each is the pullback of
the others, to any order. Channels come last: entries of a window then lie side by side.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.array import shape_of
from chainrule.core.batching import repeated, size_of
from chainrule.core.dependence import Dependence, Pairs, numbers
from chainrule.core.domain import example
from chainrule.core.kinds import linear
from chainrule.core.operation import Operation
from chainrule.operations.indexing import getitem
from chainrule.operations.shape import concatenate, pad, reshape, swapaxes

__all__ = ["by_input", "correlation", "correlation_input", "correlation_kernel", "places"]

Sizes = tuple[int, ...]


def places(sizes: Sizes, kernel: Sizes, step: Sizes, padding: Sizes, dilation: Sizes) -> Sizes:
    """Return how many windows there are along each axis."""
    return tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(sizes, kernel, step, padding, dilation, strict=True)
    )


def _indices(kernel: Sizes, out: Sizes, step: Sizes, dilation: Sizes) -> Iterator[tuple[Any, ...]]:
    """Yield, for each place in a window, the index of what all windows have there."""
    for place in itertools.product(*map(range, kernel)):
        middle = (
            slice(k * d, k * d + (n - 1) * s + 1, s if s > 1 else None)
            for k, n, s, d in zip(place, out, step, dilation, strict=True)
        )
        yield (..., *middle, slice(None))


# The formulas. In front of all axes there may be one over examples of `vmap`.


def _columns(x: Any, kernel: Sizes, step: Sizes, padding: Sizes, dilation: Sizes) -> Any:
    """Return the entries of each window in a row: (..., *places, entries)."""
    n = len(kernel)
    shape = shape_of(x)
    out = places(shape[-n - 1 : -1], kernel, step, padding, dilation)
    if any(padding):
        width = ((0, 0),) * (len(shape) - n - 1) + tuple((p, p) for p in padding) + ((0, 0),)
        x = pad(x, pad_width=width)
    parts = [getitem(x, index=index) for index in _indices(kernel, out, step, dilation)]
    return concatenate(*parts, axis=len(shape) - 1)


def _matrix(x: Any, ndim: int, rows: int) -> Any:
    """Make one axis of the first axes, and one of the others, of all that belongs to an example."""
    shape = shape_of(x)
    lead = len(shape) - ndim
    lengths = math.prod(shape[lead : lead + rows]), math.prod(shape[lead + rows :])
    return reshape(x, shape=(*shape[:lead], *lengths))


def _correlation(x: Any, w: Any, step: Sizes, padding: Sizes, dilation: Sizes) -> Any:
    n = len(step)
    columns = _columns(x, shape_of(w)[-n - 2 : -2], step, padding, dilation)
    y = _matrix(columns, n + 2, n + 1) @ _matrix(w, n + 2, n + 1)
    return reshape(y, shape=(*shape_of(columns)[:-1], shape_of(w)[-1]))


def _by_kernel(x: Any, g: Any, kernel: Sizes, step: Sizes, padding: Sizes, dilation: Sizes) -> Any:
    n = len(step)
    columns = _matrix(_columns(x, kernel, step, padding, dilation), n + 2, n + 1)
    ndim = len(shape_of(columns))
    w = swapaxes(columns, axis1=ndim - 2, axis2=ndim - 1) @ _matrix(g, n + 2, n + 1)
    ends = shape_of(x)[-1], shape_of(g)[-1]
    return reshape(w, shape=(*shape_of(g)[: -n - 2], *kernel, *ends))


def by_input(
    g: Any,
    w: Any,
    sizes: Sizes,
    step: Sizes,
    padding: Sizes,
    dilation: Sizes,
    put: Callable[..., Any] | None = None,
) -> Any:
    """Return what `correlation_input` does, made of simpler operations.

    Args:
        g: the upstream gradient.
        w: the kernel.
        sizes: of the input.
        step: between windows.
        padding: zeros on either side of the input.
        dilation: between places in a window.
        put: ``(part, index=, shape=)`` makes an array of zeros with a part in some place; if left
            out, zeros are put around it, which printed code can do.
    """
    n = len(step)
    kernel, channels = shape_of(w)[-n - 2 : -2], shape_of(w)[-2]
    across = _matrix(w, n + 2, n + 1)
    ndim = len(shape_of(across))
    columns = _matrix(g, n + 2, n + 1) @ swapaxes(across, axis1=ndim - 2, axis2=ndim - 1)
    before, out = shape_of(g)[: -n - 1], shape_of(g)[-n - 1 : -1]
    columns = reshape(columns, shape=(*before, *out, math.prod(kernel), channels))
    whole = (*before, *(size + 2 * p for size, p in zip(sizes, padding, strict=True)), channels)
    x: Any = None
    for k, index in enumerate(_indices(kernel, out, step, dilation)):
        part = getitem(columns, index=(..., k, slice(None)))
        part = (put or _put)(part, index=index, shape=whole)
        x = part if x is None else x + part
    middle = (slice(p, p + size) for size, p in zip(sizes, padding, strict=True))
    return getitem(x, index=(..., *middle, slice(None))) if any(padding) else x


def _put(x: Any, index: tuple[Any, ...], shape: Sizes) -> Any:
    """Put zeros between the entries of an array, and around it."""
    _, *slices, _ = index
    n = len(slices)
    before, out, channels = shape_of(x)[: -n - 1], shape_of(x)[-n - 1 : -1], shape_of(x)[-1]
    steps = [s.step or 1 for s in slices]
    if max(steps) > 1:
        split = (m for length in out for m in (length, 1))
        width = (pair for step in steps for pair in ((0, 0), (0, step - 1)))
        x = reshape(x, shape=(*before, *split, channels))
        x = pad(x, pad_width=(*((0, 0) for _ in before), *width, (0, 0)))
        together = (length * step for length, step in zip(out, steps, strict=True))
        x = reshape(x, shape=(*before, *together, channels))
        x = getitem(x, index=(..., *(slice(s.stop - s.start) for s in slices), slice(None)))
    around = ((s.start, size - s.stop) for s, size in zip(slices, shape[-n - 1 :], strict=False))
    return pad(x, pad_width=(*((0, 0) for _ in before), *around, (0, 0)))


def _added(g: Any, w: Any, sizes: Sizes, step: Sizes, padding: Sizes, dilation: Sizes) -> Any:
    """Compute what `by_input` does, into one array."""
    n = len(step)
    kernel, out = w.shape[:n], g.shape[1:-1]
    whole = (size + 2 * p for size, p in zip(sizes, padding, strict=True))
    x = np.zeros((len(g), *whole, w.shape[-2]), np.result_type(g, w))
    rows = g.reshape(-1, g.shape[-1])
    for place, index in zip(np.ndindex(kernel), _indices(kernel, out, step, dilation), strict=True):
        x[index] += (rows @ w[place].T).reshape(*g.shape[:-1], -1)
    middle = (slice(p, p + size) for size, p in zip(sizes, padding, strict=True))
    return x[(slice(None), *middle)]


# What is common to the rows.


def _batched(formula: Callable[..., Any]) -> Any:
    """Return a batching rule: more examples in the first operand, or a product for each."""

    def rule(
        row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        size = size_of(batched, operands)
        if row is not correlation_kernel and not batched[1]:
            first, second = operands
            count, *rest = shape_of(first)[1:]
            y = row(reshape(first, shape=(size * count, *rest)), second, **params)
            return reshape(y, shape=(size, count, *shape_of(y)[1:]))
        given = (repeated(x, b, size) for x, b in zip(operands, batched, strict=True))
        return formula(*given, **params)

    return rule


def _pairs(first: str, second: str) -> Any:
    """Return which entries depend on which: those that some product of the form has in common."""

    def rule(
        row: Any, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
    ) -> Dependence:
        names = (first, second, *({"x", "w", "g"} - {first, second}))
        shapes = dict(zip(names, map(shape_of, (*operands, output)), strict=True))
        steps = params["step"], params["padding"], params["dilation"]
        n, kernel = len(params["step"]), shapes["w"][:-2]
        x = _columns(numbers(shapes["x"]) + 1, kernel, *steps) - 1  # -1 is what was filled in
        x = x.reshape(-1, math.prod(kernel), shapes["w"][n], 1)
        w = numbers(shapes["w"]).reshape(1, *x.shape[1:3], -1)
        g = numbers(shapes["g"]).reshape(len(x), 1, 1, -1)
        found = dict(zip("xwg", map(np.ravel, np.broadcast_arrays(x, w, g)), strict=True))
        inside = found["x"] >= 0
        return Pairs(found[names[2]][inside], found[names[k]][inside])

    return rule


_ONE = {"step": (1,), "padding": (0,), "dilation": (1,)}
_TWO = {"step": (2, 1), "padding": (1, 0), "dilation": (1, 2)}

correlation: Operation = linear(
    "correlation",
    _correlation,
    pullback=(
        lambda g, x, w, **params: correlation_input(g, w, sizes=shape_of(x)[1:-1], **params),
        lambda g, x, w, **params: correlation_kernel(x, g, kernel=shape_of(w)[:-2], **params),
    ),
    multilinear=True,
    numpy=(),
    formula=_correlation,
    examples=(
        example((2, 5, 2), (3, 2, 3), **_ONE),
        example((2, 4, 4, 2), (2, 2, 2, 3), **_TWO),
    ),
    depends=_pairs("x", "w"),
    batch=_batched(_correlation),
)
correlation_kernel: Operation = linear(
    "correlation_kernel",
    _by_kernel,
    pullback=(
        lambda u, x, g, kernel, **params: correlation_input(
            g, u, sizes=shape_of(x)[1:-1], **params
        ),
        lambda u, x, g, kernel, **params: correlation(x, u, **params),
    ),
    multilinear=True,
    numpy=(),
    formula=_by_kernel,
    examples=(
        example((2, 5, 2), (2, 3, 3), kernel=(3,), **_ONE),
        example((2, 4, 4, 2), (2, 3, 2, 3), kernel=(2, 2), **_TWO),
    ),
    depends=_pairs("x", "g"),
    batch=_batched(_by_kernel),
)
correlation_input: Operation = linear(
    "correlation_input",
    _added,
    pullback=(
        lambda u, g, w, sizes, **params: correlation(u, w, **params),
        lambda u, g, w, sizes, **params: correlation_kernel(
            u, g, kernel=shape_of(w)[:-2], **params
        ),
    ),
    multilinear=True,
    numpy=(),
    formula=by_input,
    examples=(
        example((2, 3, 3), (3, 2, 3), sizes=(5,), **_ONE),
        example((2, 3, 2, 3), (2, 2, 2, 3), sizes=(4, 4), **_TWO),
    ),
    depends=_pairs("g", "w"),
    batch=_batched(by_input),
)
