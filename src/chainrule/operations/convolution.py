"""Convolution of arrays of any dimension, and the recursive filter."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.array import shape_of
from chainrule.core.dependence import Dependence, Pairs, along_axes, whole
from chainrule.core.domain import POSITIVE, REAL, example
from chainrule.core.kinds import general, linear
from chainrule.core.operation import Operation
from chainrule.operations.reduction import sum
from chainrule.operations.shape import flip, stack


def _signal(name: str) -> Any:
    return getattr(importlib.import_module("scipy.signal"), name)


# y[n] is the sum of a[n - m] v[m]: in full, or where all of v lies within a ("valid"). What turns
# v around turns a convolution into its transpose.


def _by_array(g: Any, v: Any, mode: str, method: str) -> Any:
    return convolve_nd(g, flip(v), mode=_OTHER[mode], method=method)


def _by_window(g: Any, a: Any, mode: str, method: str) -> Any:
    if mode == "full":
        return convolve_nd(g, flip(a), mode="valid", method=method)
    return flip(convolve_nd(a, flip(g), mode="valid", method=method))


def _convolved(
    row: Any, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Dependence:
    """Pair what is a window apart, along each axis and then along all of them."""
    mine, other = (shape_of(operands[j]) for j in (k, 1 - k))
    result = shape_of(output)
    first, second = np.zeros(1, np.intp), np.zeros(1, np.intp)
    for n, window, length in zip(mine, other, result, strict=True):
        at, lag = (x.ravel() for x in np.meshgrid(np.arange(n), np.arange(window)))
        to = at + lag - (min(n, window) - 1 if params.get("mode", "full") == "valid" else 0)
        inside = (to >= 0) & (to < length)
        first = np.add.outer(first * length, to[inside]).ravel()
        second = np.add.outer(second * n, at[inside]).ravel()
    return Pairs(first, second)


_OTHER = {"full": "valid", "valid": "full"}
convolve_nd: Operation = linear(
    "convolve_nd",
    lambda a, v, mode="full", method="auto": _signal("convolve")(a, v, mode, method),
    pullback=(
        lambda g, a, v, mode="full", method="auto": _by_array(g, v, mode, method),
        lambda g, a, v, mode="full", method="auto": _by_window(g, a, mode, method),
    ),
    multilinear=True,
    numpy="scipy.signal.convolve",
    examples=(
        example((5,), (3,)),
        example((4, 3), (2, 2), mode="valid"),
        example((3, 3), (2, 3), method="fft"),
    ),
    dtypes="fc",
    depends=_convolved,
)

# a[0] y[n] = b[0] x[n] + b[1] x[n - 1] + ... - a[1] y[n - 1] - ..., along the last axis.


def _backwards(g: Any, b: Any, a: Any) -> Any:
    axis = len(shape_of(g)) - 1
    return flip(lfilter(b, a, flip(g, axis=(axis,))), axis=(axis,))


def _shifted_products(h: Any, x: Any, count: int) -> Any:
    """Return the sums of h times x, which lags behind by 0, 1, 2 ..."""
    n = shape_of(x)[-1]
    return stack(*(sum(h[..., k:] * x[..., : max(n - k, 0)]) for k in range(count)), axis=0)


def _excitation(g: Any, a: Any) -> Any:
    return _backwards(g, np.ones(1, a.dtype), a)


def _filtered(
    row: Any, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Dependence:
    rule = along_axes(default=-1) if k == 2 else whole
    return rule(row, k, operands, output, params)


lfilter: Operation = general(
    "lfilter",
    lambda b, a, x: _signal("lfilter")(b, a, x),
    pullback=(
        lambda g, b, a, x, y: _shifted_products(_excitation(g, a), x, shape_of(b)[0]),
        lambda g, b, a, x, y: -_shifted_products(_excitation(g, a), y, shape_of(a)[0]),
        lambda g, b, a, x, y: _backwards(g, b, a),
    ),
    numpy="scipy.signal.lfilter",
    domain=(REAL, POSITIVE, REAL),
    examples=(example((3,), (2,), (6,)), example((2,), (1,), (2, 4))),
    dtypes="fc",
    tolerance=1e-6,
    depends=_filtered,
)
