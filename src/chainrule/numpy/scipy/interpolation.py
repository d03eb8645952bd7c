"""scipy.interpolate: splines and grids, by the points and by the values that they go through.

A spline is linear in its values: its coefficients are those of the splines through 1 at one knot
and 0 at all others, times the values. Knots have no gradient.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.array import value_of
from chainrule.numpy.axes import axis_of, operand
from chainrule.numpy.creation import restack
from chainrule.numpy.dispatch import has_history, plain, unsupported
from chainrule.numpy.scipy.seen_objects import Seen, seen_class, seen_of
from chainrule.numpy.scipy.table import made_of, means

__all__: list[str] = []

Function = Callable[..., Any]


class _Pieces(NamedTuple):
    """Polynomials between knots ``x``: their coefficients, of the highest power first."""

    x: Any
    c: Any


def _pieces(spline: Any) -> _Pieces:
    """Return a spline as polynomials: their coefficients are its derivatives at the knots."""
    if hasattr(spline, "c") and hasattr(spline, "x"):
        return _Pieces(spline.x, spline.c)
    if not hasattr(spline, "t"):
        tck = getattr(spline, "_eval_args", spline)  # a UnivariateSpline, or what splrep returns
        spline = importlib.import_module("scipy.interpolate").BSpline(*tck)
    k = spline.k
    knots = np.unique(spline.t[k : len(spline.t) - k])
    derivatives = (np.moveaxis(spline(knots[:-1], j), spline.axis, 0) for j in range(k, -1, -1))
    powers = range(k, -1, -1)
    c = [d / math.factorial(j) for j, d in zip(powers, derivatives, strict=True)]
    return _Pieces(knots, np.stack(c))


def _evaluated(knots: Any, c: Any, x: Any) -> Any:
    """Return polynomials at points: of the points' shape, followed by that of the values."""
    at = np.clip(np.searchsorted(knots, value_of(x), side="right") - 1, 0, len(knots) - 2)
    t = x - knots[at]
    t = t.reshape(t.shape + (1,) * (c.ndim - 2))
    y = c[0][at]
    for coefficients in c[1:]:
        y = y * t + coefficients[at]
    return y


def _derived(c: Any, nu: int) -> Any:
    """Return the coefficients of a derivative, the highest power first."""
    for _ in range(nu):
        powers = np.arange(len(c) - 1, 0, -1.0).reshape(-1, *(1,) * (c.ndim - 1))
        c = c[:-1] * powers if len(c) > 1 else c * 0.0
    return c


def _to_axis(y: Any, ndim: int, axis: int) -> Any:
    """Bring the points' axes, which come first, to where the axis of the values was."""
    axes = list(range(y.ndim))
    order = axes[ndim : ndim + axis] + axes[:ndim] + axes[ndim + axis :]
    return np.transpose(y, order) if order != axes else y


#: What an interpolator has that does not depend on the values that it goes through.
_OF_KNOTS = frozenset(
    ("x", "t", "k", "axis", "extrapolate", "grid", "method", "bounds_error", "fill_value")
)


def _of_values(seen: Seen, name: str, values: Any) -> Any:
    """Return an attribute of the original's, if no gradient by the values is lost with it."""
    if name not in _OF_KNOTS and not name.startswith("__") and has_history(values):
        raise unsupported(
            f"the attribute {name} of a {type(seen._original).__name__} by its values",
            "call it at points, and integrate with np.trapezoid",
        )
    return Seen.__getattr__(seen, name)


class _Spline(Seen):
    """A spline as recorded code sees it, with coefficients that may be Arrays."""

    def __init__(self, original: Any, c: Any = None) -> None:
        super().__init__(original)
        self._pieces = _pieces(original)
        self._c = self._pieces.c if c is None else c

    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
        """Evaluate it, or a derivative of it, at points."""
        x = restack(x)
        if not has_history([x, self._c]):
            return self._original(plain(x), nu, **_given(extrapolate=extrapolate))
        x, p = operand(x), self._pieces
        if extrapolate is None:
            extrapolate = getattr(self._original, "extrapolate", True)
        at = x
        if extrapolate == "periodic":
            at = p.x[0] + (x - p.x[0]) % (p.x[-1] - p.x[0])
        y = _evaluated(p.x, _derived(self._c, nu), at)
        if not extrapolate:
            inside = (value_of(x) >= p.x[0]) & (value_of(x) <= p.x[-1])
            y = np.where(inside.reshape(inside.shape + (1,) * (y.ndim - x.ndim)), y, np.nan)
        return _to_axis(y, x.ndim, getattr(self._original, "axis", 0))

    def derivative(self, nu: int = 1) -> Any:
        """Return a derivative, a spline too."""
        return _Spline(self._original.derivative(nu), _derived(self._c, nu))

    def __getattr__(self, name: str) -> Any:
        if name == "c" and hasattr(self._original, "x"):  # those of polynomials, not of B-splines
            return self._c
        return _of_values(self, name, self._c)


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _through(
    make: Function, y: Any, axis: int, what: str, of_zeros: Function | None = None
) -> _Spline:
    """Return the spline that ``make(values, axis)`` gives, of values that may be Arrays.

    ``of_zeros`` is the same with conditions at the ends that are zero.
    """
    y = restack(y)
    original = make(value_of(y), axis)  # with the errors of values that are none
    if not has_history(y):
        return _Spline(original)
    y = operand(y)
    flat = np.moveaxis(y, axis_of(axis, y.ndim), 0)
    try:
        basis = _pieces((of_zeros or make)(np.eye(flat.shape[0]), 0)).c
    except ValueError as error:
        raise unsupported(f"scipy.interpolate.{what} by its values, with these ends,") from error
    c = np.tensordot(basis, flat, axes=(2, 0))
    if of_zeros is not None:
        c = c + _pieces(make(np.zeros(y.shape), axis)).c  # of the conditions at the ends
    return _Spline(original, c)


def _no_knots(what: str, *given: Any) -> None:
    if has_history(list(given)):
        raise unsupported(f"scipy.interpolate.{what} by its knots", "use np.interp")


@made_of("scipy.interpolate.CubicSpline")
def _cubic_spline(original: Function) -> Any:
    def spline(
        x: Any, y: Any, axis: int = 0, bc_type: Any = "not-a-knot", extrapolate: Any = None
    ) -> Any:
        _no_knots("CubicSpline", restack(x), bc_type)

        def make(values: Any, axis: int) -> Any:
            return original(plain(x), values, axis, bc_type, extrapolate)

        def of_zeros(values: Any, axis: int) -> Any:
            none = np.zeros(len(values))
            ends = tuple(end if isinstance(end, str) else (end[0], none) for end in bc_type)
            return original(plain(x), values, axis, ends, extrapolate)

        ends_of_zeros = None if isinstance(bc_type, str) else of_zeros
        return _through(make, y, axis, "CubicSpline", ends_of_zeros)

    return seen_class(original, spline)


@made_of("scipy.interpolate.make_interp_spline")
def _make_interp_spline(original: Function) -> Function:
    @functools.wraps(original)
    def spline(
        x: Any, y: Any, k: int = 3, t: Any = None, bc_type: Any = None, axis: int = 0, **more: Any
    ) -> Any:
        _no_knots("make_interp_spline", restack(x), t, bc_type)
        return _through(
            lambda values, axis: original(plain(x), values, k, t, bc_type, axis, **more),
            y,
            axis,
            "make_interp_spline",
        )

    return spline


@made_of(
    *(f"scipy.interpolate.{name}" for name in ("PchipInterpolator", "Akima1DInterpolator", "PPoly"))
)
def _of_plain_values(original: Function) -> Any:
    def spline(*args: Any, **kwargs: Any) -> Any:
        if has_history([args, kwargs]):
            raise unsupported(
                f"scipy.interpolate.{original.__name__} by its values", "use CubicSpline"
            )
        return _Spline(original(*args, **kwargs))

    return seen_class(original, spline)


seen_of(
    "scipy.interpolate.PPoly", "scipy.interpolate.BSpline", "scipy.interpolate.UnivariateSpline"
)(_Spline)


@means("scipy.interpolate.splev")
def splev(x: Any, tck: Any, der: int = 0, ext: int = 0) -> Any:
    if ext:
        raise unsupported("scipy.interpolate.splev with ext=", "clip x, with np.clip")
    p = _pieces(plain(tck))
    return _evaluated(p.x, _derived(p.c, der), operand(restack(x)))


# Between points in a line, and in a grid.


class _Interpolated(Seen):
    """An interp1d as recorded code sees it."""

    def __init__(self, original: Any, y: Any = None) -> None:
        super().__init__(original)
        self._y = original.y if y is None else y

    def __getattr__(self, name: str) -> Any:
        return self._y if name == "y" else _of_values(self, name, self._y)

    def __call__(self, x: Any) -> Any:
        """Evaluate it at points."""
        x, p = restack(x), self._original
        plainly = p(plain(x))  # with the errors of points outside
        if not has_history([x, self._y]):
            return plainly
        x = operand(x)
        y = np.moveaxis(self._y, p.axis, 0)
        if p._kind == "linear":
            widths = np.diff(p.x).reshape(-1, *(1,) * (y.ndim - 1))
            result = _evaluated(p.x, np.stack([np.diff(y, axis=0) / widths, y[:-1]]), x)
        elif p._kind == "spline":
            k = p._spline.k
            make = importlib.import_module("scipy.interpolate").make_interp_spline
            result = _through(lambda v, axis: make(p.x, v, k), y, 0, "interp1d")(x)
        else:  # a step function: of which points it takes the values
            make = importlib.import_module("scipy.interpolate").interp1d
            steps = make(p.x, np.arange(len(p.x)), p._kind, fill_value="extrapolate")
            result = y[steps(value_of(x)).astype(int)]
        result = _to_axis(result, x.ndim, p.axis % self._y.ndim)
        outside = (value_of(x) < p.x[0]) | (value_of(x) > p.x[-1])
        if isinstance(p.fill_value, str) or not np.any(outside):
            return result
        ndim = p.axis % self._y.ndim
        outside = outside.reshape(outside.shape + (1,) * (result.ndim - x.ndim - ndim))
        return np.where(outside, plainly, result)


@made_of("scipy.interpolate.interp1d")
def _interp1d(original: Function) -> Any:
    def interp1d(x: Any, y: Any, kind: Any = "linear", axis: int = -1, **options: Any) -> Any:
        y = restack(y)
        _no_knots("interp1d", restack(x), options)
        made = original(plain(x), value_of(y), kind, axis, **options)
        if not has_history(y):
            return _Interpolated(made)
        order = np.arange(len(made.x))
        if not options.get("assume_sorted"):
            order = np.argsort(plain(restack(x)), kind="mergesort")
        return _Interpolated(made, np.take(y, order, axis=axis))

    return seen_class(original, interp1d)


class _Grid(Seen):
    """A RegularGridInterpolator as recorded code sees it."""

    def __init__(self, original: Any, values: Any = None) -> None:
        super().__init__(original)
        self._values_given = original.values if values is None else values

    def __getattr__(self, name: str) -> Any:
        if name == "values":
            return self._values_given
        return _of_values(self, name, self._values_given)

    def __call__(self, xi: Any, method: Any = None, **options: Any) -> Any:
        """Evaluate it at points, whose coordinates are in the last axis."""
        grid = self._original
        if not has_history([xi, self._values_given]):
            return grid(plain(xi), method, **options)
        xi = _points(xi, len(grid.grid))
        plainly = grid(plain(xi), method, **options)  # with the errors of points outside
        method = method or grid.method
        if method != "linear":
            raise unsupported(
                f"scipy.interpolate.RegularGridInterpolator of method {method!r}", "use 'linear'"
            )
        result = _multilinear(grid.grid, operand(self._values_given), xi)
        inside = np.ones(xi.shape[:-1], bool)
        for k, knots in enumerate(grid.grid):
            inside &= (value_of(xi)[..., k] >= knots[0]) & (value_of(xi)[..., k] <= knots[-1])
        if grid.fill_value is None or inside.all():
            return result
        inside = inside.reshape(inside.shape + (1,) * (result.ndim - inside.ndim))
        return np.where(inside, result, plainly)


def _points(xi: Any, ndim: int) -> Any:
    """Return points as SciPy takes them: coordinates in a tuple, or in the last axis."""
    if isinstance(xi, tuple) and len(xi) > 1:
        return np.stack(np.broadcast_arrays(*(operand(restack(x)) for x in xi)), axis=-1)
    xi = operand(restack(xi[0] if isinstance(xi, tuple) else xi))
    return xi.reshape(-1, ndim) if xi.ndim == 1 else xi


def _multilinear(grid: Any, values: Any, xi: Any) -> Any:
    """Return the sum over the corners of cells, each times its share."""
    cells, shares = [], []
    for k, knots in enumerate(grid):
        at = np.clip(np.searchsorted(knots, value_of(xi)[..., k], "right") - 1, 0, len(knots) - 2)
        cells.append(at)
        shares.append((xi[..., k] - knots[at]) / (knots[at + 1] - knots[at]))
    total: Any = 0.0
    for corner in itertools.product((0, 1), repeat=len(grid)):
        weight: Any = 1.0
        for side, share in zip(corner, shares, strict=True):
            weight = weight * (share if side else 1 - share)
        picked = values[tuple(at + side for at, side in zip(cells, corner, strict=True))]
        total = total + weight.reshape(weight.shape + (1,) * (picked.ndim - weight.ndim)) * picked
    return total


@made_of("scipy.interpolate.RegularGridInterpolator")
def _regular_grid(original: Function) -> Any:
    def interpolator(points: Any, values: Any, *more: Any, **options: Any) -> Any:
        values = restack(values)
        _no_knots("RegularGridInterpolator", list(points))
        knots = plain(tuple(points))
        made = original(knots, value_of(values), *more, **options)
        falling = tuple(k for k, x in enumerate(knots) if x[0] > x[-1])
        return _Grid(made, np.flip(values, falling) if falling else values)

    return seen_class(original, interpolator)


seen_of("scipy.interpolate.interp1d")(_Interpolated)
seen_of("scipy.interpolate.RegularGridInterpolator")(_Grid)
