"""`minimize` of scipy.optimize, with exact derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.callables import name_of
from chainrule.errors import ArgumentError, NonFiniteError
from chainrule.interop.scipy import derivatives
from chainrule.interop.scipy.constraints import constraints_of
from chainrule.interop.scipy.parameters import as_vector, no_method, pairs, refuse_arrays, start
from chainrule.interop.scipy.results import callback_of, in_tree
from chainrule.transforms.jacobians import hessian
from chainrule.transforms.products import hvp
from chainrule.transforms.ravel import Unravel
from chainrule.transforms.reverse import value_and_grad
from chainrule.transforms.sparse import sparse_hessian

__all__ = ["minimize"]

Function = Callable[..., Any]

_MOST_COLUMNS = 100  # of a Hessian; for more parameters its products are cheaper


class _Method(NamedTuple):
    """What a method of SciPy's makes use of."""

    gradient: bool = True
    hessian: bool = False
    products: bool = False
    sparse: bool = False


_METHODS = {
    "Nelder-Mead": _Method(gradient=False),
    "Powell": _Method(gradient=False),
    "COBYLA": _Method(gradient=False),
    "COBYQA": _Method(gradient=False),
    "CG": _Method(),
    "BFGS": _Method(),
    "L-BFGS-B": _Method(),
    "TNC": _Method(),
    "SLSQP": _Method(),
    "Newton-CG": _Method(hessian=True, products=True, sparse=True),
    "trust-ncg": _Method(hessian=True, products=True),
    "trust-krylov": _Method(hessian=True, products=True),
    "trust-constr": _Method(hessian=True, products=True, sparse=True),
    "dogleg": _Method(hessian=True),
    "trust-exact": _Method(hessian=True),
}
_BY_NAME = {name.lower(): takes for name, takes in _METHODS.items()}
_OF_ONES_OWN = _Method(hessian=True)


def minimize(
    fun: Function,
    x0: Any,
    args: Any = (),
    method: Any = None,
    jac: Any = None,
    hess: Any = True,
    hessp: Any = None,
    bounds: Any = None,
    constraints: Any = (),
    tol: float | None = None,
    callback: Any = None,
    options: dict[str, Any] | None = None,
    *,
    sparse: bool = False,
) -> Any:
    """Minimise ``fun(x, *args)`` as `scipy.optimize.minimize` does, with exact derivatives.

    The method is given what it can make use of: gradients, the Hessian or, of more than 100
    parameters, its products with vectors, and the Jacobians and Hessians of constraints. All of
    them are compiled, once for a function and the shapes of its arguments: arrays in ``args`` may
    have other values in another call, at no cost.

    Args:
        fun: a function of parameters and further arguments that returns one number.
        x0: where to begin: an array, or a tree of arrays and numbers, which fun is given. Integers
            become floats, a list of numbers an array and a number an array of one, as in SciPy.
        args: further arguments of fun; one that is no tuple stands for itself.
        method: one of SciPy's, of any case; by default what SciPy takes for the constraints and
            bounds there are.
        jac: what is to be used in place of the exact gradient: a function that returns a tree like
            x0, True if fun returns it beside its value, or ``"2-point"`` and its like.
        hess: True for the exact second derivatives, False for none, or what SciPy takes.
        hessp: True for products with the Hessian, however few parameters there are, or a function.
        bounds: for an array, SciPy's Bounds or pairs; for a tree, a tree like it of pairs
            ``(low, high)``, of numbers or arrays, in which None stands for no bound.
        constraints: one, or a sequence: a function g of the parameters, for ``g(x) >= 0``, or
            SciPy's dicts, NonlinearConstraint and LinearConstraint (of the entries as `ravel` puts
            them). A NonlinearConstraint has its Jacobian and Hessian given to it if they are not
            functions.
        tol: as in SciPy.
        callback: as in SciPy, and given trees.
        options: as in SciPy.
        sparse: whether Hessians and Jacobians of constraints are sparse matrices, found by
            `sparse_hessian` and `sparse_jacobian`; for ``trust-constr`` and ``Newton-CG``.

    Returns:
        SciPy's OptimizeResult, with ``x`` and ``jac`` like x0. Matrices, such as ``hess_inv``, are
        of all entries in the order of `ravel`.

    Raises:
        ArgumentError: there is no such method; x0, bounds or constraints are not what is needed.
        NonFiniteError: x0 or the function at x0 is not finite.
        NonScalarOutputError: fun returned something else than one number.

    >>> import numpy as np
    >>> def rosenbrock(x):
    ...     return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    >>> found = minimize(rosenbrock, [1.3, 0.7, 0.8, 1.9, 1.2])
    >>> found.success, np.round(found.x, 4)
    (True, array([1., 1., 1., 1., 1.]))
    """
    from scipy import optimize

    args = args if isinstance(args, tuple) else (args,)
    refuse_arrays("minimize", x0, args)
    if not callable(fun):
        raise ArgumentError(f"fun is a {type(fun).__name__}: it is a function of the parameters")
    takes = _takes(method)
    x, unravel = start(x0)
    given = {
        "bounds": pairs(bounds, unravel),
        "tol": tol,
        "callback": callback_of(callback, unravel),
        "options": options,
    }
    curvature = _curvature(takes, hess, hessp, unravel.size, sparse)
    if not _is_empty(constraints):
        is_new = isinstance(method, str) and method.lower() == "trust-constr"
        given["constraints"] = constraints_of(
            constraints, unravel, curvature if is_new else "none", is_new, sparse
        )
    objective, given["jac"] = _objective(fun, jac, takes, unravel)
    value = (lambda *a: fun(*a)[0]) if jac is True else fun
    if curvature in ("matrix", "sparse"):
        whole = sparse_hessian if curvature == "sparse" else hessian
        given["hess"] = derivatives.number(whole, value, unravel)
    elif curvature == "product":
        product = derivatives.number(hvp, value, unravel)
        given["hessp"] = lambda x, p, *args: product(x, *args, p)
    elif curvature == "given":
        given["hess"], given["hessp"] = _own_second(hess, hessp, unravel)
    _check_start(objective, x, args, given["jac"] is True, fun)
    found = optimize.minimize(objective, x, args, method, **given)
    return in_tree(found, unravel, "jac", "grad")


def _takes(method: Any) -> _Method:
    if method is None:
        return _METHODS["BFGS"]  # what SciPy chooses takes gradients
    if callable(method):
        return _OF_ONES_OWN
    takes = _BY_NAME.get(str(method).lower())
    if takes is None:
        raise no_method(method, _METHODS)
    return takes


def _is_empty(constraints: Any) -> bool:
    return constraints is None or (isinstance(constraints, (tuple, list)) and not constraints)


def _curvature(takes: _Method, hess: Any, hessp: Any, n: int, sparse: bool) -> str:
    """Say how a method is given second derivatives: the exact ones, those given, or none."""
    if sparse and not takes.sparse:
        able = ", ".join(name for name, method in _METHODS.items() if method.sparse)
        raise ArgumentError(
            f"sparse=True is for the methods {able}: the others take no sparse matrices"
        )
    if not takes.hessian or (hess is False and hessp is None):
        return "none"
    if hess not in (None, True, False) or not (hessp is None or hessp is True):
        return "given"
    if sparse:
        return "sparse"
    if takes.products and (hessp is True or n > _MOST_COLUMNS):
        return "product"
    return "matrix"


def _objective(fun: Function, jac: Any, takes: _Method, unravel: Unravel) -> tuple[Function, Any]:
    """Return what SciPy is to have for ``fun`` and for ``jac``."""
    if jac is True:

        def both(x: Any, *args: Any) -> Any:
            y, gradient = fun(unravel(x), *args)
            return y, as_vector(gradient, unravel, f"the gradient that {name_of(fun)} returned")

        return both, True
    if not takes.gradient:
        return derivatives.number(derivatives.value, fun, unravel), None
    if jac is None:
        return derivatives.number(value_and_grad, fun, unravel), True
    value = derivatives.number(derivatives.value, fun, unravel)
    if not callable(jac):
        return value, jac
    return value, lambda x, *args: as_vector(jac(unravel(x), *args), unravel, "what jac returned")


def _own_second(hess: Any, hessp: Any, unravel: Unravel) -> tuple[Any, Any]:
    if callable(hess):
        given = hess
        hess = lambda x, *args: given(unravel(x), *args)  # noqa: E731
    if callable(hessp):
        product = hessp

        def hessp(x: Any, p: Any, *args: Any) -> Any:
            return as_vector(product(unravel(x), unravel(p), *args), unravel, "what hessp returned")

    return (None if hess in (True, False) else hess), hessp


def _check_start(
    objective: Function, x: Any, args: tuple[Any, ...], with_gradient: bool, f: Function
) -> None:
    """Raise where a search cannot begin.

    Raises:
        NonFiniteError: the value is NaN there, or the gradient is not finite.
    """
    found = objective(x, *args)
    refuse_arrays("minimize", found)
    y, gradient = found if with_gradient else (found, np.zeros(1))
    if np.isnan(y):
        raise NonFiniteError(
            f"{name_of(f)} is {y} at x0, where a search cannot begin. "
            f"chainrule.explain({name_of(f)}, x0) shows the line"
        )
    if np.isfinite(y) and not np.all(np.isfinite(gradient)):
        k = int(np.argmin(np.isfinite(gradient)))
        raise NonFiniteError(
            f"the gradient of {name_of(f)} is {gradient[k]} by entry {k} of x0, where a search "
            f"cannot begin. chainrule.explain({name_of(f)}, x0) shows the line"
        )
