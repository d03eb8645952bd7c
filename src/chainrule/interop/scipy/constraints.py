"""Constraints of `minimize`, with their Jacobians and Hessians."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import LinearConstraint, NonlinearConstraint
from scipy.sparse import issparse
from scipy.sparse.linalg import LinearOperator

from chainrule.core.callables import name_of
from chainrule.errors import ArgumentError
from chainrule.interop.scipy import derivatives
from chainrule.transforms.jacobians import hessian, jacobian
from chainrule.transforms.products import hvp
from chainrule.transforms.ravel import Unravel
from chainrule.transforms.sparse import sparse_hessian, sparse_jacobian

__all__ = ["constraints_of"]

Function = Callable[..., Any]

_NATURES = {"ineq": np.inf, "eq": 0.0}  # how large the function may be; it is at least 0


def constraints_of(
    given: Any, unravel: Unravel, curvature: str, is_new: bool, sparse: bool
) -> list[Any]:
    """Return constraints as SciPy's `minimize` takes them.

    Args:
        given: one constraint or a sequence of them: functions that are not negative where they are
            met, SciPy's dicts, `NonlinearConstraint` and `LinearConstraint`.
        unravel: makes parameters of a vector.
        curvature: whether their Hessians are to be ``"matrix"``, ``"sparse"``, ``"product"`` or
            ``"none"``.
        is_new: whether dicts are to become `NonlinearConstraint`.
        sparse: whether their Jacobians are to be sparse matrices.

    Raises:
        ArgumentError: one is none of these, or has another number of parameters.
    """
    single = callable(given) or isinstance(given, (dict, LinearConstraint, NonlinearConstraint))
    single = single or not isinstance(given, (list, tuple))
    made = []
    for k, constraint in enumerate([given] if single else given):
        where = "constraints" if single else f"constraints[{k}]"
        if isinstance(constraint, LinearConstraint):
            made.append(_checked(constraint, unravel, where))
        elif isinstance(constraint, NonlinearConstraint):
            made.append(_nonlinear(constraint, unravel, curvature, sparse))
        else:
            entry = _entry(constraint, where)
            if is_new:
                made.append(_as_nonlinear(entry, unravel, curvature, sparse))
            else:
                made.append(_as_dict(entry, unravel))
    return made


def _entry(constraint: Any, where: str) -> dict[str, Any]:
    """Return one of SciPy's dicts for a constraint."""
    if callable(constraint):
        return {"type": "ineq", "fun": constraint, "args": ()}
    if not isinstance(constraint, dict):
        raise ArgumentError(
            f"{where} is a {type(constraint).__name__}: a constraint is a function g, for "
            "g(x) >= 0, a dict such as {'type': 'eq', 'fun': g}, or SciPy's NonlinearConstraint or "
            "LinearConstraint"
        )
    nature = str(constraint.get("type", "")).lower()
    if nature not in _NATURES or not callable(constraint.get("fun")):
        raise ArgumentError(
            f"{where} has type {constraint.get('type')!r} and fun {constraint.get('fun')!r}: the "
            "type is 'ineq', for fun(x) >= 0, or 'eq', for fun(x) = 0, and fun is a function"
        )
    unknown = constraint.keys() - {"type", "fun", "jac", "args"}
    if unknown:
        raise ArgumentError(f"{where} has {min(unknown)!r}: it has 'type', 'fun', 'jac' and 'args'")
    args = constraint.get("args", ())
    return {**constraint, "type": nature, "args": args if isinstance(args, tuple) else (args,)}


def _as_dict(entry: dict[str, Any], unravel: Unravel) -> dict[str, Any]:
    value, jac, _ = _derivatives(entry["fun"], entry.get("jac"), unravel, "none", False)
    return {**entry, "fun": value, "jac": jac}


def _as_nonlinear(entry: dict[str, Any], unravel: Unravel, curvature: str, sparse: bool) -> Any:
    args = entry["args"]
    value, jac, hess = _derivatives(entry["fun"], entry.get("jac"), unravel, curvature, sparse)

    def second(x: Any, weights: Any) -> Any:
        return hess(x, weights, *args)

    more = {} if hess is None else {"hess": second}
    at = (lambda x: jac(x, *args)) if callable(jac) else jac
    return NonlinearConstraint(
        lambda x: value(x, *args), 0.0, _NATURES[entry["type"]], jac=at, **more
    )


def _nonlinear(constraint: Any, unravel: Unravel, curvature: str, sparse: bool) -> Any:
    made = copy.copy(constraint)
    jac = constraint.jac if callable(constraint.jac) else None  # '2-point' is SciPy's default
    own = callable(constraint.hess)
    made.fun, made.jac, hess = _derivatives(
        constraint.fun, jac, unravel, "none" if own else curvature, sparse
    )
    if own:
        made.hess = lambda x, weights: constraint.hess(unravel(x), weights)
    elif hess is not None:
        made.hess = hess
    return made


def _derivatives(
    f: Function, jac: Any, unravel: Unravel, curvature: str, sparse: bool
) -> tuple[Function, Any, Any]:
    """Return a function of a vector, its Jacobian, and the Hessian of a sum of its entries."""
    value = derivatives.vector(derivatives.value, f, unravel)
    made: Any = derivatives.vector(sparse_jacobian if sparse else jacobian, f, unravel)
    if callable(jac):
        made = _given(jac, unravel)
    elif jac is not None:
        made = jac
    second: Any = None
    if curvature in ("matrix", "sparse"):
        whole = sparse_hessian if curvature == "sparse" else hessian
        second = derivatives.weighted(whole, f, unravel)
    elif curvature == "product":
        product = derivatives.weighted(hvp, f, unravel)
        n = unravel.size

        def second(x: Any, weights: Any, *args: Any) -> Any:
            return LinearOperator((n, n), lambda p: product(x, weights, *args, p.ravel()))

    return value, made, second


def _given(jac: Function, unravel: Unravel) -> Function:
    """Return the user's own Jacobian as a function of a vector."""

    def at(x: Any, *args: Any) -> Any:
        rows = jac(unravel(x), *args)
        rows = rows if issparse(rows) else np.atleast_2d(np.asarray(rows, float))
        if rows.shape[-1] != unravel.size:
            raise ArgumentError(
                f"{name_of(jac)}, which was given as jac, returned shape {rows.shape}: it has a "
                f"column for each of the {unravel.size} entries of the parameters"
            )
        return rows

    return at


def _checked(constraint: Any, unravel: Unravel, where: str) -> Any:
    columns = constraint.A.shape[-1]
    if columns != unravel.size:
        raise ArgumentError(
            f"{where}.A has {columns} columns, and the parameters have {unravel.size} entries"
        )
    return constraint
