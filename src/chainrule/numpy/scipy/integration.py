"""scipy.integrate: integrals of samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.numpy.axes import axis_of, operand
from chainrule.numpy.casting import cast
from chainrule.numpy.scipy.table import means

__all__: list[str] = []

means("scipy.integrate.trapezoid")(lambda y, x=None, dx=1.0, axis=-1: np.trapezoid(y, x, dx, axis))


def _spacings(y: Any, x: Any, dx: Any) -> Any:
    """Return the lengths of the intervals along the last axis."""
    if x is None:
        return dx
    x = operand(x)
    if x.shape[-1] != y.shape[-1]:
        raise ValueError("If given, length of x along axis must be the same as y.")
    return np.diff(x, axis=-1)


def _last(y: Any, x: Any, axis: int) -> tuple[Any, Any]:
    """Bring the axis of integration to the end, of the samples and of where they are taken."""
    y = operand(y)
    axis = axis_of(axis, y.ndim)
    x = x if x is None or np.ndim(x) == 1 else np.moveaxis(operand(x), axis, -1)
    return np.moveaxis(y, axis, -1), x


@means("scipy.integrate.cumulative_trapezoid")
def cumulative_trapezoid(
    y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None
) -> Any:
    y, x = _last(y, x, axis)
    d = _spacings(y, x, dx)
    total = np.cumsum(d * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)
    if initial is not None:
        if initial != 0:
            raise ValueError("`initial` must be `None` or `0`.")
        total = np.concatenate([np.zeros((*total.shape[:-1], 1), total.dtype), total], axis=-1)
    return np.moveaxis(total, -1, axis)


@means("scipy.integrate.simpson")
def simpson(y: Any, x: Any = None, *, dx: Any = 1.0, axis: int = -1) -> Any:
    y, x = _last(y, x, axis)
    n = y.shape[-1]
    d = _spacings(y, x, dx)
    if n == 2:
        return 0.5 * (d if x is None else d[..., 0]) * (y[..., 0] + y[..., 1])
    # SciPy computes in double precision where the lengths of intervals are arrays.
    exact = cast(operand(d), float) * np.ones(n - 1)
    d = cast(exact, y.dtype) if x is None else exact
    last = n if n % 2 else n - 1  # of an even number, the last interval is taken by itself
    h0, h1 = d[..., : last - 1 : 2], d[..., 1 : last - 1 : 2]
    both = h0 + h1
    parabolas = y[..., : last - 2 : 2] * (2 - h1 / h0) + y[..., 2:last:2] * (2 - h0 / h1)
    parabolas = parabolas + y[..., 1 : last - 1 : 2] * both * both / (h0 * h1)
    result = np.sum(both / 6 * parabolas, axis=-1)
    if n % 2:
        return result
    h0, h1 = exact[..., -2], exact[..., -1]
    result = result + y[..., -1] * (2 * h1**2 + 3 * h0 * h1) / (6 * (h1 + h0))
    result = result + y[..., -2] * (h1**2 + 3 * h0 * h1) / (6 * h0)
    return result - y[..., -3] * h1**3 / (6 * h0 * (h0 + h1))
