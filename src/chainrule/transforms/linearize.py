"""`linearize`: the forward derivative of a function at a point, to be used for many directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.core.array import Array
from chainrule.errors import ArgumentError
from chainrule.numpy.view import UserFunction
from chainrule.transforms.forward import along
from chainrule.transforms.inputs import run_once
from chainrule.transforms.results import finish
from chainrule.transforms.reverse import seeds_like

__all__ = ["linearize"]


def linearize(f: Callable[..., Any], *args: Any) -> tuple[Any, Callable[..., Any]]:
    """Return f's output and its pushforward there, a linear function of tangents.

    It is what `jvp` gives, but f runs once for all directions.

    Args:
        f: a function; its output may be a tree of arrays of any shape.
        args: f's arguments, each of them floating-point (or a tree of such).

    Returns:
        ``(y, pushforward)``. ``pushforward(*tangents)``, with one tangent per argument, of its
        structure and shapes, returns the tangent of y: the Jacobian times the tangents.

    Raises:
        ArgumentError: an argument is not made of floating-point numbers, or the number of tangents
            is not that of the arguments.
        ValueError: a tangent has not the shape of its argument.

    Source: ``jax.linearize``.

    >>> import numpy as np, chainrule as cr
    >>> y, pushforward = cr.linearize(lambda x: x**2, np.array([3.0, 4.0]))
    >>> pushforward(np.array([1.0, 0.0])), pushforward(np.array([0.0, 1.0]))
    (array([6., 0.]), array([0., 8.]))
    """
    inputs, outputs, values, build = run_once(UserFunction(f), args)
    recorded = [leaf for leaf in outputs if type(leaf) is Array]

    def pushforward(*tangents: Any) -> Any:
        if len(tangents) != len(args):
            raise ArgumentError(
                f"a pushforward needs one tangent per argument: there are {len(args)} arguments "
                f"and {len(tangents)} tangents"
            )
        pushed = iter(inputs.derived(along(seeds_like(tangents, args, "the arguments")), recorded))
        found = [next(pushed) if type(leaf) is Array else None for leaf in outputs]
        return build(finish(found, values, inputs.recording))

    return build(values), pushforward
