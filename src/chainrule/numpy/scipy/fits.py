"""scipy.optimize: least squares and fitted curves, differentiated where SciPy has found them.

What is fitted is the minimum of the sum of squares, see `minima`.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.array import Array, value_of
from chainrule.core.forward import attempt_forward
from chainrule.core.node import Leaf
from chainrule.core.recording import Recording
from chainrule.numpy.creation import asarray, restack
from chainrule.numpy.dispatch import plain, unsupported
from chainrule.numpy.scipy.constraints import bounds_of
from chainrule.numpy.scipy.minima import minimum
from chainrule.numpy.scipy.roots import arguments, check_converged, differentiated, unrecorded
from chainrule.numpy.scipy.table import made_of
from chainrule.numpy.scipy.vertices import one_vertex
from chainrule.operations import linalg, matrix_functions
from chainrule.operations.implicit import depends_on_arrays

__all__: list[str] = []

Function = Callable[..., Any]

#: What makes of squares what is summed up, of SciPy's names.
_LOSSES: dict[str, Function] = {
    "linear": lambda z: z,
    "soft_l1": lambda z: 2 * (np.sqrt(1 + z) - 1),
    "huber": lambda z: np.where(z <= 1, z, 2 * np.sqrt(np.where(z <= 1, 1.0, z)) - 1),
    "cauchy": np.log1p,
    "arctan": np.arctan,
}


def _limits(bounds: Any) -> Any:
    """Return bounds as `minimize` takes them."""
    if hasattr(bounds, "lb"):
        return bounds
    return importlib.import_module("scipy.optimize").Bounds(*map(plain, bounds))


@made_of("scipy.optimize.least_squares")
def _least_squares(original: Function) -> Function:
    @one_vertex("x", "cost", "fun")
    @functools.wraps(original)
    def least_squares(
        fun: Function,
        x0: Any,
        jac: Any = "2-point",
        bounds: Any = (-np.inf, np.inf),
        *,
        loss: Any = "linear",
        f_scale: Any = 1.0,
        args: Any = (),
        kwargs: Any = None,
        **options: Any,
    ) -> Any:
        found = original(
            unrecorded(fun),
            plain(x0),
            unrecorded(jac),
            plain(bounds),
            loss=loss,
            f_scale=plain(f_scale),
            args=plain(arguments(args)),
            kwargs=plain(kwargs or {}),
            **options,
        )
        weigh = _LOSSES.get(loss) if isinstance(loss, str) else None

        def residuals(x: Any) -> Any:
            return np.atleast_1d(asarray(restack(fun(x, *arguments(args), **(kwargs or {})))))

        def cost(x: Any) -> Any:
            if weigh is None:
                raise unsupported(
                    "scipy.optimize.least_squares with a function as loss", "write one of its names"
                )
            return 0.5 * np.sum(f_scale**2 * weigh((residuals(x) / f_scale) ** 2))

        if weigh is None and not depends_on_arrays(residuals(found.x)):
            return found
        x = minimum(cost, found.x, bounds_of(found.x, _limits(bounds)))
        check_converged(original, found.success, x, found.message)
        if depends_on_arrays(x):
            found.x, found.fun, found.cost = x, residuals(x), cost(x)
        return differentiated(found, x, "x", "fun", "cost")

    return least_squares


@made_of("scipy.optimize.curve_fit")
def _curve_fit(original: Function) -> Function:
    @one_vertex()
    @functools.wraps(original)
    def curve_fit(
        f: Function,
        xdata: Any,
        ydata: Any,
        p0: Any = None,
        sigma: Any = None,
        absolute_sigma: bool = False,
        check_finite: Any = None,
        bounds: Any = (-np.inf, np.inf),
        method: Any = None,
        jac: Any = None,
        **options: Any,
    ) -> Any:
        numbers = map(plain, (xdata, ydata, p0, sigma))
        fitted = _Same(f)
        rest = (absolute_sigma, check_finite, plain(bounds), method, unrecorded(jac))
        found = original(fitted, *numbers, *rest, **options)

        def residuals(p: Any) -> Any:
            r = asarray(restack(f(xdata, *p))) - asarray(ydata)
            if sigma is None:
                return r
            if np.ndim(sigma) < 2:
                return r / sigma
            root = linalg.cholesky(asarray(sigma))
            return matrix_functions.solve_triangular(root, r, lower=True)

        popt = minimum(
            lambda p: 0.5 * np.sum(residuals(p) ** 2),
            found[0],
            bounds_of(found[0], _limits(bounds)),
        )
        if not depends_on_arrays(popt):
            return found
        if options.get("full_output"):
            raise unsupported("scipy.optimize.curve_fit with full_output=True", "leave it out")
        by_p = _jacobian(residuals, popt)
        pcov = linalg.inv(by_p.T @ by_p)
        if not absolute_sigma:
            r = residuals(popt)
            pcov = pcov * (np.sum(r * r) / (r.size - popt.size))
        return popt, pcov + (found[1] - value_of(pcov))  # SciPy's is of differences

    return curve_fit


class _Same:
    """A function whose results are plain, with the signature that SciPy counts parameters by."""

    def __init__(self, f: Function) -> None:
        functools.update_wrapper(self, f)
        self._plain = unrecorded(f)

    def __call__(self, *args: Any) -> Any:
        return self._plain(*args)


def _jacobian(f: Function, x: Any) -> Any:
    """Return the Jacobian of f at x, a column for each of the entries of x, recorded."""
    at = Array(value_of(x), Leaf(Recording()))
    moved = f(x + (at - value_of(x)))
    unit = np.eye(len(x))
    columns = [attempt_forward([moved], [at.node], [e], True).derivatives[0] for e in unit]
    return np.stack(columns, axis=-1)
