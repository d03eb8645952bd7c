"""What SciPy's solvers give back, in the user's tree of parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.transforms.ravel import Unravel

__all__ = ["by_leaf", "callback_of", "in_tree"]


def in_tree(found: Any, unravel: Unravel, *names: str) -> Any:
    """Let vectors among a solver's results be trees: ``x``, and others by name."""
    for name in ("x", *names):
        vector = found.get(name)
        if isinstance(vector, np.ndarray) and vector.shape == (unravel.size,):
            found[name] = unravel(np.array(vector, float))
    if "allvecs" in found:
        found["allvecs"] = [unravel(np.array(x, float)) for x in found["allvecs"]]
    return found


def by_leaf(matrix: Any, unravel: Unravel) -> Any:
    """Return a Jacobian, of a column for each entry, as a tree of Jacobians by each leaf."""
    if not isinstance(matrix, np.ndarray) or matrix.shape[1:] != (unravel.size,):
        return matrix
    blocks = zip(unravel.spans, unravel.shapes, strict=True)
    return unravel.build(matrix[:, a:b].reshape(-1, *shape) for (a, b), shape in blocks)


def callback_of(callback: Any, unravel: Unravel) -> Callable[..., Any] | None:
    """Return a callback that is given trees, as the solver is to have it."""
    if callback is None:
        return None
    try:
        parameters = set(inspect.signature(callback).parameters)
    except (TypeError, ValueError):  # written in C
        parameters = set()
    if parameters == {"intermediate_result"}:  # how SciPy tells the newer form

        def report(intermediate_result: Any) -> Any:
            shown = type(intermediate_result)(
                intermediate_result
            )  # the solver goes on with its own
            return callback(intermediate_result=in_tree(shown, unravel))

        return report

    def told(x: Any, *more: Any) -> Any:
        return callback(unravel(np.array(x, float)), *more)

    return told
