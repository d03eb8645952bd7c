"""`root` of scipy.optimize, with exact Jacobians."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.callables import name_of
from chainrule.errors import ArgumentError, NonFiniteError
from chainrule.interop.scipy import derivatives
from chainrule.interop.scipy.parameters import no_method, refuse_arrays, start
from chainrule.interop.scipy.results import callback_of, in_tree
from chainrule.transforms.jacobians import jacobian

__all__ = ["root"]

Function = Callable[..., Any]

_WITH_JACOBIAN = ("hybr", "lm")
_METHODS = (
    *_WITH_JACOBIAN,
    *("broyden1", "broyden2", "anderson", "linearmixing", "diagbroyden", "excitingmixing"),
    *("krylov", "df-sane"),
)


def root(
    fun: Function,
    x0: Any,
    args: Any = (),
    method: str = "hybr",
    jac: Any = None,
    tol: float | None = None,
    callback: Any = None,
    options: dict[str, Any] | None = None,
) -> Any:
    """Find where ``fun(x, *args)`` is zero as `scipy.optimize.root` does, by the exact Jacobian.

    The function and, for the methods that make use of it, ``hybr`` and ``lm``, its Jacobian are
    compiled, once for a function and the shapes of its arguments.

    Args:
        fun: a function of parameters and further arguments that returns as many numbers as there
            are parameters: an array, or a tree of arrays and numbers.
        x0: where to begin: an array, or a tree of arrays and numbers, as in `minimize`.
        args: further arguments of fun; one that is no tuple stands for itself.
        method: as in SciPy.
        jac: what is to be used in place of the exact Jacobian, as in SciPy; False for differences.
        tol: as in SciPy.
        callback: as in SciPy, and given trees.
        options: as in SciPy.

    Returns:
        SciPy's OptimizeResult, with ``x`` like x0; ``fun`` is a vector of what fun returned.

    Raises:
        ArgumentError: there is no such method; x0 is not what is needed; fun returned another
            number of numbers.
        NonFiniteError: x0, or the function at x0, is not finite.

    >>> import numpy as np
    >>> found = root(lambda x: x + 2 * np.cos(x), 0.3)
    >>> np.round(found.x, 6)
    array([-1.029867])
    """
    from scipy import optimize

    args = args if isinstance(args, tuple) else (args,)
    refuse_arrays("root", x0, args)
    name = str(method).lower()
    if name not in _METHODS:
        raise no_method(method, _METHODS)
    x, unravel = start(x0)
    given = fun
    if jac is True:  # SciPy takes what it returns for both
        equations: Function = lambda x, *args: given(unravel(x), *args)  # noqa: E731
    else:
        equations = derivatives.vector(derivatives.value, fun, unravel)
        first = equations(x, *args)
        refuse_arrays("root", first)
        _check_start(first, unravel.size, name, fun)
    if jac is None and name in _WITH_JACOBIAN:
        jac = derivatives.vector(jacobian, fun, unravel)
    elif callable(jac):
        rows = jac
        jac = lambda x, *args: rows(unravel(x), *args)  # noqa: E731
    told = callback_of(callback, unravel)
    found = optimize.root(equations, x, args, method, jac, tol, told, options)
    return in_tree(found, unravel)


def _check_start(y: Any, n: int, method: str, f: Function) -> None:
    if len(y) != n and not (method == "lm" and len(y) > n):
        raise ArgumentError(
            f"{name_of(f)} returned {len(y)} numbers for {n} entries of x0: a system has as many "
            "equations as unknowns. least_squares takes more"
        )
    if not np.all(np.isfinite(y)):
        k = int(np.argmin(np.isfinite(y)))
        raise NonFiniteError(f"{name_of(f)} is {y[k]} in entry {k} at x0: it has to be finite")
