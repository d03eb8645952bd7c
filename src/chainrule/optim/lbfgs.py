"""L-BFGS, by SciPy: for losses over a whole data set, without noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chainrule.transforms.ravel import ravel
from chainrule.transforms.reverse import value_and_grad

__all__ = ["Minimum", "lbfgs"]


@dataclass(frozen=True)
class Minimum:
    """Where a search has ended.

    Attributes:
        params: the parameters, of the structure, shapes and dtypes of the first ones.
        value: the loss there.
        steps: how many steps it took.
        converged: whether the method thinks that it is a minimum.
        message: why it ended, in SciPy's words.
    """

    params: Any
    value: float
    steps: int
    converged: bool
    message: str


def lbfgs(
    loss: Callable[..., Any],
    params: Any,
    *args: Any,
    steps: int = 1000,
    tolerance: float = 1e-8,
    history: int = 10,
    evaluations: int = 15000,
    callback: Callable[[Any], None] | None = None,
    value_and_gradient: Callable[..., Any] | None = None,
) -> Minimum:
    """Minimise ``loss(params, *args)`` by L-BFGS.

    Byrd, Lu, Nocedal and Zhu, "A limited memory algorithm for bound constrained optimization",
    1995, as SciPy has it. The gradient is compiled.

    Args:
        loss: a function of parameters and further arguments that returns a number.
        params: where to begin: an array or a tree of arrays.
        args: further arguments of the loss.
        steps: the most steps.
        tolerance: it ends where no entry of the gradient is larger.
        history: how many earlier steps it remembers.
        evaluations: the most evaluations of the loss.
        callback: called with the parameters after each step.
        value_and_gradient: ``compile(value_and_grad(loss))``, if there is one of an earlier search.

    >>> import numpy as np
    >>> def rosenbrock(x):
    ...     return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    >>> found = lbfgs(rosenbrock, np.zeros(5))
    >>> found.converged, np.round(found.params, 4)
    (True, array([1., 1., 1., 1., 1.]))
    """
    from scipy.optimize import minimize

    from chainrule.native import compile

    vector, tree = ravel(params)
    compiled = value_and_gradient or compile(value_and_grad(loss))

    def at(vector: Any) -> tuple[float, Any]:
        value, gradient = compiled(tree(vector), *args)
        return float(value), ravel(gradient)[0].astype(float)

    found = minimize(
        at,
        vector.astype(float),
        jac=True,
        method="L-BFGS-B",
        callback=None if callback is None else (lambda vector: callback(tree(vector))),
        options={
            "maxiter": steps,
            "maxfun": evaluations,
            "gtol": tolerance,
            "ftol": 0.0,
            "maxcor": history,
        },
    )
    return Minimum(
        tree(found.x), float(found.fun), int(found.nit), bool(found.success), str(found.message)
    )
