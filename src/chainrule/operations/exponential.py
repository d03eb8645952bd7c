"""Exponentials and logarithms."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.array import Array, dtype_of
from chainrule.core.complex_parts import cartesian, imag
from chainrule.core.domain import ABOVE_MINUS_ONE, POSITIVE
from chainrule.core.kinds import elementwise, real
from chainrule.core.operation import Operation
from chainrule.operations.choices import equal, greater, logical_and, where

LN2 = math.log(2.0)
LN10 = math.log(10.0)


def _exp_form(z: Any) -> Any:
    a, b = real(z), imag(z)
    # Beyond the largest number whose exponential is finite, that times a cosine still may be.
    far = greater(a, math.log(float(np.finfo(dtype_of(a)).max)) - 1)
    size = exp(where(far, a - 32.0, a))
    scale = where(far, math.exp(32.0), 1.0)
    on_axis, nothing = equal(b, 0), equal(size, 0)  # which is 0 whatever the angle is
    x, y = (where(nothing, np.copysign(0.0, unit), size * unit) for unit in (np.cos(b), np.sin(b)))
    return cartesian(where(on_axis, size, x) * scale, where(on_axis, b, y * scale))


def _log_form(z: Any) -> Any:
    a, b = real(z), imag(z)
    x, y = np.maximum(np.absolute(a), np.absolute(b)), np.minimum(np.absolute(a), np.absolute(b))
    # Near the unit circle the logarithm of the size is small, and the size has lost its digits.
    near = logical_and(greater(x, 0.5), greater(2.0, x + y))
    size = where(near, 0.5 * log1p((x - 1.0) * (x + 1.0) + y * y), log(np.hypot(a, b)))
    return cartesian(size, np.arctan2(b, a))


def _expm1_form(z: Any) -> Any:
    a, b = real(z), imag(z)
    half = np.sin(0.5 * b)
    return cartesian(expm1(a) * np.cos(b) - 2.0 * half * half, exp(a) * np.sin(b))


def _log1p_form(z: Any) -> Any:
    a, b = real(z), imag(z)
    small = np.absolute(a) + np.absolute(b) < 0.5
    size = where(small, 0.5 * log1p(a * (a + 2.0) + b * b), log(np.hypot(a + 1.0, b)))
    return cartesian(size, np.arctan2(b, a + 1.0))


exp: Operation = elementwise(
    "exp",
    np.exp,
    scalar=math.exp,
    d=lambda x, y: y,
    singular=True,
    advice="Subtract the maximum first, or use scipy.special.expit, softmax or logsumexp.",
    dtypes="fc",
    cartesian=_exp_form,
)
exp2 = elementwise(
    "exp2",
    np.exp2,
    scalar=math.exp2,
    d=lambda x, y: LN2 * y,
    numpy=("numpy.exp2", "scipy.special.exp2"),
    singular=True,
    dtypes="fc",
    cartesian=lambda z: exp(z * LN2),
)
expm1: Operation = elementwise(
    "expm1",
    np.expm1,
    scalar=math.expm1,
    d=lambda x, y: y + 1,
    numpy=("numpy.expm1", "scipy.special.expm1"),
    singular=True,
    dtypes="fc",
    cartesian=_expm1_form,
)
log: Operation = elementwise(
    "log",
    np.log,
    scalar=math.log,
    d=lambda x, y: 1 / x,
    singular=True,
    domain=POSITIVE,
    advice="Add a small number inside, or clip its operand from below.",
    dtypes="fc",
    cartesian=_log_form,
)
log2 = elementwise(
    "log2",
    np.log2,
    scalar=math.log2,
    d=lambda x, y: 1 / (LN2 * x),
    singular=True,
    domain=POSITIVE,
    dtypes="fc",
    cartesian=lambda z: log(z) * (1 / LN2),
)
log10 = elementwise(
    "log10",
    np.log10,
    scalar=math.log10,
    d=lambda x, y: 1 / (LN10 * x),
    singular=True,
    domain=POSITIVE,
    dtypes="fc",
    cartesian=lambda z: log(z) * (1 / LN10),
)
log1p: Operation = elementwise(
    "log1p",
    np.log1p,
    scalar=math.log1p,
    d=lambda x, y: 1 / (1 + x),
    numpy=("numpy.log1p", "scipy.special.log1p"),
    singular=True,
    domain=ABOVE_MINUS_ONE,
    dtypes="fc",
    cartesian=_log1p_form,
)


def _logaddexp_slope(a: Any, b: Any, y: Any) -> Any:
    if type(a) is Array or type(b) is Array:
        finite = any(type(x) in (int, float) and math.isfinite(x) for x in (a, b))
        return exp(a - (y if finite else where(equal(y, -np.inf), 0.0, y)))
    # For numbers of 1e16, y holds nothing of how a and b differ.
    return np.where(np.equal(y, -np.inf), 0.0, 1 / (1 + np.exp(np.subtract(b, a))))[()]


logaddexp = elementwise(
    "logaddexp",
    np.logaddexp,
    d=(_logaddexp_slope, lambda a, b, y: _logaddexp_slope(b, a, y)),
    commutes=True,
)
logaddexp2 = elementwise(
    "logaddexp2",
    np.logaddexp2,
    d=(
        lambda a, b, y: exp2(a - where(equal(y, -np.inf), 0.0, y)),
        lambda a, b, y: exp2(b - where(equal(y, -np.inf), 0.0, y)),
    ),
    commutes=True,
)


def special_function(name: str) -> Callable[..., Any]:
    """Return a function that calls the one of this name in scipy.special, loaded at first use."""
    found: Any = None

    def compute(*operands: Any) -> Any:
        nonlocal found
        if found is None:
            found = getattr(importlib.import_module("scipy.special"), name)
        return found(*operands)

    compute.__name__ = compute.__qualname__ = name
    return compute


sigmoid = elementwise(
    "sigmoid",
    special_function("expit"),
    d=lambda x, y: (1 - y) * y,
    numpy="scipy.special.expit",
    formula=lambda x: 1 / (1 + exp(-x)),
    glyph="σ",
)
