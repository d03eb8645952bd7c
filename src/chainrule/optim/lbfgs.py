"""L-BFGS, by SciPy: for losses over a whole data set, without noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.transforms.reverse import value_and_grad
from chainrule.trees import flatten, is_container

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
    callback: Callable[[Any], None] | None = None,
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
        callback: called with the parameters after each step.

    >>> def rosenbrock(x):
    ...     return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    >>> found = lbfgs(rosenbrock, np.zeros(5))
    >>> found.converged, np.round(found.params, 4)
    (True, array([1., 1., 1., 1., 1.]))
    """
    from scipy.optimize import minimize

    from chainrule.native import compile

    leaves, build = flatten(params)
    arrays = [np.asarray(leaf) for leaf in leaves]
    ends = np.cumsum([x.size for x in arrays])[:-1]

    def tree(vector: Any) -> Any:
        parts = np.split(vector, ends)
        pairs = zip(parts, arrays, strict=True)
        return build([part.reshape(x.shape).astype(x.dtype) for part, x in pairs])

    compiled = compile(value_and_grad(loss))

    def value_and_gradient(vector: Any) -> tuple[float, Any]:
        value, gradient = compiled(tree(vector), *args)
        parts = flatten(gradient)[0] if is_container(gradient) else [gradient]
        flat = np.concatenate([np.ravel(np.asarray(g, dtype=float)) for g in parts])
        return float(value), flat

    found = minimize(
        value_and_gradient,
        np.concatenate([np.ravel(x).astype(float) for x in arrays]),
        jac=True,
        method="L-BFGS-B",
        callback=None if callback is None else (lambda vector: callback(tree(vector))),
        options={"maxiter": steps, "gtol": tolerance, "ftol": 0.0, "maxcor": history},
    )
    return Minimum(
        tree(found.x), float(found.fun), int(found.nit), bool(found.success), str(found.message)
    )
