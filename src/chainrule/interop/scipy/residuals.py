"""`least_squares` and `curve_fit` of scipy.optimize, with exact Jacobians."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import issparse

from chainrule.core.callables import name_of
from chainrule.errors import NonFiniteError
from chainrule.interop.scipy import derivatives
from chainrule.interop.scipy.parameters import as_vector, limits, refuse_arrays, start
from chainrule.interop.scipy.results import by_leaf, callback_of, in_tree
from chainrule.numpy.view import UserFunction
from chainrule.transforms.jacobians import jacobian
from chainrule.transforms.ravel import Unravel
from chainrule.transforms.sparse import sparse_jacobian

__all__ = ["curve_fit", "least_squares"]

Function = Callable[..., Any]

_UNBOUNDED = (-np.inf, np.inf)


def least_squares(
    fun: Function,
    x0: Any,
    jac: Any = None,
    bounds: Any = _UNBOUNDED,
    method: str = "trf",
    *tolerances: Any,
    args: Any = (),
    kwargs: dict[str, Any] | None = None,
    sparse: bool = False,
    **options: Any,
) -> Any:
    """Minimise the sum of squares of ``fun(x, *args)`` as `scipy.optimize.least_squares` does.

    Residuals and their exact Jacobian are compiled, once for a function and the shapes of its
    arguments.

    Args:
        fun: a function of parameters and further arguments that returns residuals: an array, or a
            tree of arrays and numbers.
        x0: where to begin: an array, or a tree of arrays and numbers, as in `minimize`.
        jac: what is to be used in place of the exact Jacobian, as in SciPy.
        bounds: SciPy's Bounds, or the pair of the lowest and of the highest values, each a number
            or like x0.
        method: as in SciPy.
        *tolerances: ``ftol``, ``xtol``, ``gtol`` and so on, as in SciPy.
        args: further arguments of fun; one that is no tuple stands for itself.
        kwargs: further arguments of fun by name.
        sparse: whether the exact Jacobian is a sparse matrix, found by `sparse_jacobian`; for the
            methods ``trf`` and ``dogbox``. A ``jac_sparsity`` says so, too.
        **options: as in SciPy; ``x_scale`` may be like x0.

    Returns:
        SciPy's OptimizeResult, with ``x``, ``grad`` and ``active_mask`` like x0. ``jac`` is, too:
        of a tree, each leaf is the Jacobian by one of x0, with an axis of residuals in front. A
        sparse one is one matrix, with a column for each entry in the order of `ravel`.

    Raises:
        ArgumentError: x0 or bounds are not what is needed; fun returned something else than
            numbers.
        NonFiniteError: x0, or residuals or their Jacobian at x0, are not finite.

    >>> import numpy as np
    >>> found = least_squares(lambda p: [10 * (p["y"] - p["x"] ** 2), 1 - p["x"]], dict(x=2, y=2))
    >>> round(found.x["x"], 6), round(found.x["y"], 6)
    (1.0, 1.0)
    """
    from scipy import optimize

    args = args if isinstance(args, tuple) else (args,)
    named = kwargs or {}
    refuse_arrays("least_squares", x0, args, named)
    x, unravel = start(x0)
    residuals = derivatives.vector(derivatives.value, fun, unravel)
    if jac is None:
        sparse |= options.pop("jac_sparsity", None) is not None
        jac = derivatives.vector(sparse_jacobian if sparse else jacobian, fun, unravel)
        first = residuals(x, *args, **named)
        refuse_arrays("least_squares", first)
        _check_start(first, jac(x, *args, **named), fun)
    elif callable(jac):
        jac = _own_jacobian(jac, unravel)
    if bounds is not _UNBOUNDED:
        bounds = limits(bounds, unravel)
    if not isinstance(options.get("x_scale"), (str, type(None))):
        options["x_scale"] = as_vector(options["x_scale"], unravel, "x_scale")
    if "callback" in options:
        options["callback"] = callback_of(options["callback"], unravel)
    found = optimize.least_squares(
        residuals, x, jac, bounds, method, *tolerances, args=args, kwargs=named, **options
    )
    found.jac = by_leaf(found.jac, unravel)
    return in_tree(found, unravel, "grad", "active_mask")


def _own_jacobian(jac: Function, unravel: Unravel) -> Function:
    return lambda x, *args, **kwargs: jac(unravel(x), *args, **kwargs)


def _check_start(residuals: Any, rows: Any, f: Function) -> None:
    """Raise where a search cannot begin.

    Raises:
        NonFiniteError: an entry is NaN or infinite.
    """
    for what, array in (("residual", residuals), ("Jacobian", rows)):
        if not np.all(np.isfinite(array.data if issparse(array) else array)):
            array = array.toarray() if issparse(array) else array
            place = np.argwhere(~np.isfinite(array))[0]
            raise NonFiniteError(
                f"the {what} of {name_of(f)} is {array[tuple(place)]} in row {place[0]} at x0, "
                "where a search cannot begin"
            )


def curve_fit(
    f: Function,
    xdata: Any,
    ydata: Any,
    p0: Any = None,
    sigma: Any = None,
    absolute_sigma: bool = False,
    check_finite: bool | None = None,
    bounds: Any = _UNBOUNDED,
    method: str | None = None,
    jac: Any = None,
    **options: Any,
) -> Any:
    """Fit ``f(xdata, *p)`` to data as `scipy.optimize.curve_fit` does, by the exact Jacobian.

    So the covariance is that of the exact Jacobian, too. Both are compiled, once for a function and
    the shapes of the data.

    Args:
        f: the model: a function of ``xdata`` and the parameters.
        xdata: where it is measured: an array, or a tree of arrays.
        ydata: what is measured.
        p0: where to begin. The items of a list, tuple or array are the arguments of f after
            ``xdata``, and may be arrays or trees themselves; a dict or dataclass is one argument.
            Left out, it is 1 for each argument, as in SciPy.
        sigma: the standard deviations of ``ydata``, or their covariance matrix.
        absolute_sigma: whether they are in the units of ``ydata``.
        check_finite: as in SciPy.
        bounds: SciPy's Bounds, or the pair of the lowest and of the highest values, each a number
            or like p0.
        method: as in SciPy.
        jac: what is to be used in place of the exact Jacobian, as in SciPy.
        **options: as in SciPy.

    Returns:
        ``(popt, pcov)``, and more with ``full_output=True``: ``popt`` is like p0, ``pcov`` is the
        covariance of its entries in the order of `ravel`.

    Raises:
        ArgumentError: p0 or bounds are not what is needed.

    >>> import numpy as np
    >>> x = np.linspace(0, 4, 50)
    >>> p, covariance = curve_fit(lambda x, a, b: a * np.exp(-b * x), x, 2.5 * np.exp(-1.3 * x))
    >>> np.round(p, 6)
    array([2.5, 1.3])
    """
    from scipy import optimize

    refuse_arrays("curve_fit", xdata, ydata, p0)
    if p0 is None:
        unravel = None
    else:
        p0, unravel = start(p0, "p0")
        if bounds is not _UNBOUNDED:
            bounds = limits(bounds, unravel)
    many = np.size(ydata)

    def of(transform: Function, params: tuple[Any, ...]) -> Function:
        known = unravel or start(np.ones(len(params)), "p0")[1]
        return derivatives.vector(transform, _model(f), known)

    @functools.wraps(f)  # whose parameters SciPy counts
    def model(x: Any, *params: Any) -> Any:
        return of(derivatives.value, params)(np.array(params, float), x)

    def by_parameters(x: Any, *params: Any) -> Any:
        rows = of(jacobian, params)(np.array(params, float), x)
        alike = len(rows) == 1 and many > 1  # a model that is one number for all data
        return np.repeat(rows, many, axis=0) if alike else rows

    given = (sigma, absolute_sigma, check_finite, bounds, method)
    found = optimize.curve_fit(
        model, xdata, ydata, p0, *given, by_parameters if jac is None else jac, **options
    )
    return found if unravel is None else (unravel(found[0]), *found[1:])


@derivatives.keeping
def _model(f: Function) -> Function:
    """Return a model as a function of its parameters, first, and of the data."""
    run = UserFunction(f)

    def model(p: Any, x: Any) -> Any:
        several = isinstance(p, (list, tuple)) and not hasattr(p, "_fields")
        return run((x, *p) if several or hasattr(p, "shape") else (x, p), {})

    return derivatives.named(model, f)
