"""NumPy's differences, integrals, convolutions, interpolation and polynomials."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.array import value_of
from chainrule.numpy.axes import operand
from chainrule.numpy.casting import cast, number
from chainrule.numpy.dispatch import has_history, implements, unsupported
from chainrule.operations.elementwise import conjugated

__all__: list[str] = []


# Differences and integrals.


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    flat = np.ravel(operand(ary))
    parts = [cast(np.ravel(to_begin), flat.dtype)] if to_begin is not None else []
    parts.append(flat[1:] - flat[:-1])
    if to_end is not None:
        parts.append(cast(np.ravel(to_end), flat.dtype))
    return np.concatenate(parts) if len(parts) > 1 else parts[0]


@implements(np.interp)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    x, xp, fp = cast(operand(x), float), cast(operand(xp), float), operand(fp)
    fp = cast(fp, np.result_type(fp.dtype, float))
    if period is not None:
        if period == 0:
            raise ValueError("period must be a non-zero value")
        period, left, right = abs(period), None, None
        x, xp = x % period, xp % period
        order = np.argsort(xp)
        xp, fp = xp[order], fp[order]
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
    last = len(xp) - 1
    # The interval that holds each point; points outside are answered by left and right.
    at = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, max(last - 1, 0))
    after = np.minimum(at + 1, last)
    start, value = np.take(xp, at), np.take(fp, at)
    width = np.take(xp, after) - start
    slope = (np.take(fp, after) - value) / np.where(width == 0, 1.0, width)
    inside = slope * (x - start) + value
    inside = np.where(x < xp[0], fp[0] if left is None else left, inside)
    return number(np.where(x > xp[-1], fp[-1] if right is None else right, inside))


# Convolutions: bilinear, one operand's shifted copies times the other.


def _windows(a: Any, v: Any, mode: str) -> Any:
    """Correlate a with v in full, then cut to the mode; a is the longer one."""
    n, m = a.shape[0], v.shape[0]
    padded = np.pad(a, m - 1)
    full = padded[np.arange(n + m - 1)[:, None] + np.arange(m)] @ v
    if mode == "full":
        return full
    if mode == "same":
        start = (m - 1) // 2
        return full[start : start + n]
    if mode == "valid":
        return full[m - 1 : n]
    raise ValueError(f"mode must be one of 'valid', 'same', or 'full' (got {mode!r})")


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    a, v = np.ravel(operand(a)), np.ravel(operand(v))
    if not a.shape[0] or not v.shape[0]:
        raise ValueError("a and v cannot be empty")
    if v.shape[0] > a.shape[0]:
        a, v = v, a
    return _windows(a, v[::-1], mode)


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    return convolve(a, conjugated(np.ravel(operand(v))[::-1]), mode)


# Polynomials.


@implements(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    return convolve(a1, a2)


@implements(np.roots)
def roots(p: Any) -> Any:
    """Find the eigenvalues of the companion matrix, of the coefficients that are 0, too.

    NumPy strips those off, and by them a root has a derivative as by the others.
    """
    p = np.atleast_1d(operand(p))
    if p.ndim != 1:
        raise ValueError("Input must be a rank-1 array.")
    nonzero = np.flatnonzero(value_of(p))
    if not len(nonzero):
        return np.array([])
    if nonzero[0] and has_history(p):
        raise unsupported(
            "np.roots of a polynomial whose first coefficient is 0", "leave that coefficient out"
        )
    p = p[int(nonzero[0]) :]
    n = p.shape[0] - 1
    if not n:
        return np.zeros(0, p.dtype)
    below = np.eye(n - 1, n, dtype=p.dtype)
    found = np.linalg.eigvals(np.concatenate([(-p[1:] / p[0])[None], below]))
    zeros = n - (int(nonzero[-1]) - int(nonzero[0]))
    if zeros:  # NumPy has the roots that are 0 at the end
        order = np.argsort(-abs(value_of(found)), kind="stable")
        last = set(order[n - zeros :].tolist())
        found = found[[k for k in range(n) if k not in last] + sorted(last)]
    return found
