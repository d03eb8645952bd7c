"""NumPy's differences, integrals, convolutions, interpolation and polynomials."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.array import is_complex, value_of
from chainrule.numpy.axes import axes_of, axis_of, operand
from chainrule.numpy.casting import cast
from chainrule.numpy.dispatch import UNSET, has_history, implements, plain, unsupported
from chainrule.operations import bessel
from chainrule.operations.elementwise import conjugated

__all__: list[str] = []


def _along(axis: int, ndim: int, part: Any) -> tuple[Any, ...]:
    """Index one axis and leave the others whole."""
    return tuple(part if k == axis else slice(None) for k in range(ndim))


# Differences and integrals.


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = UNSET, append: Any = UNSET) -> Any:
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n}")
    a = operand(a)
    if a.ndim == 0:
        raise ValueError("diff requires input that is at least one dimensional")
    axis = axis_of(axis, a.ndim)
    edge = tuple(1 if k == axis else length for k, length in enumerate(a.shape))

    def with_ends(end: Any) -> list[Any]:
        if end is UNSET or end is np._NoValue:
            return []
        end = operand(end)
        return [end if end.ndim else np.broadcast_to(end, edge)]

    parts = [*with_ends(prepend), a, *with_ends(append)]
    if len(parts) > 1:
        a = np.concatenate(parts, axis=axis)
    upper, lower = (_along(axis, a.ndim, part) for part in (slice(1, None), slice(None, -1)))
    for _ in range(n):
        a = a[upper] - a[lower]
    return a


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    flat = np.ravel(operand(ary))
    parts = [cast(np.ravel(to_begin), flat.dtype)] if to_begin is not None else []
    parts.append(flat[1:] - flat[:-1])
    if to_end is not None:
        parts.append(cast(np.ravel(to_end), flat.dtype))
    return np.concatenate(parts) if len(parts) > 1 else parts[0]


@implements(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Central differences, and one-sided ones at the ends."""
    f = operand(f)
    axes = axes_of(axis, f)
    if axes is None:
        axes = tuple(range(f.ndim))
    spacings = [1.0] * len(axes) if not varargs else list(varargs)
    if len(spacings) == 1:
        spacings *= len(axes)
    if len(spacings) != len(axes):
        raise TypeError("invalid number of arguments")
    results = []
    for k, spacing in zip(axes, spacings, strict=True):
        if has_history(spacing):
            raise unsupported("np.gradient by the spacing", "write the differences with slices")
        spacing = plain(spacing)
        zeros: Any = np.zeros(f.shape[k])
        np.gradient(zeros, spacing, edge_order=edge_order)  # type: ignore[call-overload]  # its errors
        along = np.moveaxis(f, k, 0)
        results.append(np.moveaxis(_slopes(along, spacing, edge_order), 0, k))
    return results[0] if len(results) == 1 else tuple(results)


def _slopes(f: Any, spacing: Any, edge_order: int) -> Any:
    """Return the differences of `np.gradient` along the first axis."""
    n = f.shape[0]
    steps = np.diff(spacing) if np.ndim(spacing) else np.full(n - 1, spacing)
    steps = steps.astype(f.dtype).reshape(-1, *(1,) * (f.ndim - 1))
    if np.all(steps == steps[0]):
        h = steps[0]
        inside = (f[2:] - f[:-2]) / (2.0 * h)
    else:
        left, right = steps[:-1], steps[1:]
        inside = (
            -right / (left * (left + right)) * f[:-2]
            + (right - left) / (left * right) * f[1:-1]
            + left / (right * (left + right)) * f[2:]
        )
    if edge_order == 1:
        first, last = (f[1:2] - f[:1]) / steps[0], (f[-1:] - f[-2:-1]) / steps[-1]
    else:
        first = _edge(f[:1], f[1:2], f[2:3], steps[0], steps[1])
        last = -_edge(f[-1:], f[-2:-1], f[-3:-2], steps[-1], steps[-2])
    return np.concatenate([first, inside, last])


def _edge(end: Any, second: Any, third: Any, near: Any, far: Any) -> Any:
    """Return the slope at an end of the parabola through three points."""
    both = near + far
    slope = -(near + both) / (near * both) * end + both / (near * far) * second
    return slope - near / (far * both) * third


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = operand(y)
    axis = axis_of(axis, y.ndim)
    if x is None:
        d = dx
    else:
        x = operand(x)
        d = np.diff(x, axis=0 if x.ndim == 1 else axis)
        if x.ndim == 1:
            d = np.reshape(d, tuple(-1 if k == axis else 1 for k in range(y.ndim)))
    upper, lower = (_along(axis, y.ndim, part) for part in (slice(1, None), slice(None, -1)))
    return np.sum(d * (y[upper] + y[lower]) / 2.0, axis=axis)


implements(np.trapezoid)(trapezoid)


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
    return np.where(x > xp[-1], fp[-1] if right is None else right, inside)


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


@implements(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    p, x = operand(p), operand(x)
    y: Any = np.zeros(x.shape, x.dtype)
    for k in range(p.shape[0]):
        y = y * x + p[k]
    return y


@implements(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    a1, a2 = (np.atleast_1d(operand(a)) for a in (a1, a2))
    missing = a2.shape[0] - a1.shape[0]
    a1 = np.pad(a1, (max(missing, 0), 0))
    return a1 + np.pad(a2, (max(-missing, 0), 0))


@implements(np.polysub)
def polysub(a1: Any, a2: Any) -> Any:
    return polyadd(a1, -np.atleast_1d(operand(a2)))


@implements(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    return convolve(a1, a2)


@implements(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    p = operand(p)
    for _ in range(m):
        degree = p.shape[0] - 1
        p = p[:-1] * np.arange(degree, 0, -1)
    return p


@implements(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    p = operand(p)
    constants = np.zeros(m) if k is None else np.broadcast_to(operand(k), (m,))
    for step in range(m):
        degree = p.shape[0]
        p = np.append(p / np.arange(degree, 0, -1, dtype=p.dtype), constants[step])
    return p


@implements(np.vander)
def vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    x = operand(x)
    if x.ndim != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    count = x.shape[0] if N is None else plain(N)
    x = cast(x, np.promote_types(x.dtype, int))
    powers = [np.ones(x.shape, x.dtype)]
    for _ in range(count - 1):
        powers.append(powers[-1] * x)
    columns = powers[:count] if increasing else powers[:count][::-1]
    return np.stack(columns, axis=-1)


@implements(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    zeros = np.atleast_1d(operand(seq_of_zeros))
    if zeros.ndim == 2 and zeros.shape[0] == zeros.shape[1] and zeros.shape[0]:
        zeros = np.linalg.eigvals(zeros)
    elif zeros.ndim != 1:
        raise ValueError("input must be 1d or non-empty square 2d array.")
    p: Any = np.ones(1, zeros.dtype)
    for k in range(zeros.shape[0]):
        edge = np.zeros(1, p.dtype)
        p = np.concatenate([p, edge]) - np.concatenate([edge, p * zeros[k]])
    if is_complex(p):
        values = value_of(zeros)
        if np.all(np.sort(values) == np.sort(values.conj())):
            p = p.real
    return p


@implements(np.roots)
def roots(p: Any) -> Any:
    p = np.atleast_1d(operand(p))
    if p.ndim != 1:
        raise ValueError("Input must be a rank-1 array.")
    nonzero = np.flatnonzero(p)
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
    zeros = len(value_of(p)) - 1 - int(np.flatnonzero(value_of(p))[-1])
    if zeros:  # NumPy has the roots that are 0 at the end
        order = np.argsort(-abs(value_of(found)), kind="stable")
        last = set(order[n - zeros :].tolist())
        found = found[[k for k in range(n) if k not in last] + sorted(last)]
    return found


@implements(np.polyfit)
def polyfit(
    x: Any, y: Any, deg: Any, rcond: Any = None, full: Any = False, w: Any = None, cov: Any = False
) -> Any:
    if full or cov or np.ndim(deg):
        raise unsupported("np.polyfit with full=, cov= or several degrees", "leave them out")
    x, y = operand(x) + 0.0, operand(y) + 0.0
    powers = np.vander(x, int(deg) + 1)
    if w is not None:
        w = operand(w) + 0.0
        powers, y = powers * w[:, None], y * (w[:, None] if y.ndim == 2 else w)
    scale = np.sqrt(np.sum(powers * powers, axis=0))
    rcond = len(x) * float(np.finfo(x.dtype).eps) if rcond is None else rcond
    c = np.linalg.lstsq(powers / scale, y, rcond)[0]
    return (c.T / scale).T


@implements(np.polydiv)
def polydiv(u: Any, v: Any) -> Any:
    u, v = np.atleast_1d(operand(u) + 0.0), np.atleast_1d(operand(v) + 0.0)
    n = v.shape[0]
    steps = max(u.shape[0] - n + 1, 0)
    quotient = []
    for k in range(steps):
        factor = u[k] / v[0]
        quotient.append(factor)
        u = np.concatenate([u[:k], u[k : k + n] - factor * v, u[k + n :]])
    rest = u[steps:] if steps else u
    while rest.shape[0] > 1 and np.allclose(rest[0], 0, rtol=1e-14):
        rest = rest[1:]
    if not rest.shape[0]:
        rest = np.zeros(1, u.dtype)
    return np.stack(quotient) if quotient else np.zeros(1, u.dtype), rest


@implements(np.i0)
def i0(x: Any) -> Any:
    return bessel.i0(operand(x))


@implements(np.apply_over_axes)
def apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    a = operand(a)
    for axis in np.atleast_1d(axes):
        result = func(a, axis_of(axis, a.ndim))
        a = result if result.ndim == a.ndim else np.expand_dims(result, axis)
    return a
