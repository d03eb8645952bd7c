"""Forward derivatives: `jvp`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from chainrule.core.array import Array
from chainrule.core.backward import Derive
from chainrule.core.forward import attempt_forward
from chainrule.core.recording import Recording
from chainrule.errors import ArgumentError
from chainrule.numpy.creation import result_leaves
from chainrule.numpy.view import UserFunction
from chainrule.transforms.inputs import Inputs, Overwritten
from chainrule.transforms.results import finish, plain
from chainrule.transforms.reverse import seeds_like

__all__ = ["along", "jvp"]


def jvp(f: Callable[..., Any], args: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return f's output and its derivative along a direction (the pushforward).

    Args:
        f: a function; its output may be a tree of arrays of any shape.
        args: f's arguments, each of them floating-point (or a tree of such).
        tangents: the direction: one entry per argument, of its structure and shapes.

    Returns:
        ``(y, tangent of y)``, of the same structure: the Jacobian times the tangents.

    Raises:
        ArgumentError: an argument is not made of floating-point numbers, or the number of tangents
            is not that of the arguments.
        ValueError: a tangent has not the shape of its argument.

    >>> import numpy as np, chainrule as cr
    >>> cr.jvp(lambda x: x**2, (3.0,), (1.0,))
    (9.0, 6.0)
    """
    args, tangents = tuple(args), tuple(tangents)
    if len(args) != len(tangents):
        raise ArgumentError(
            f"jvp needs one tangent per argument: there are {len(args)} arguments and "
            f"{len(tangents)} tangents"
        )
    return _pushed(UserFunction(f), args, seeds_like(tangents, args, "the arguments"))


def _pushed(run: UserFunction, args: tuple[Any, ...], directions: Sequence[Any]) -> tuple[Any, Any]:
    recording = Recording()
    try:
        inputs = Inputs(run.f, args, tuple(range(len(args))), recording)
        y = inputs.run(run, {})
        outputs, build = result_leaves(y)
        recorded = [leaf for leaf in outputs if type(leaf) is Array]
        pushed = iter(inputs.derived(along(directions), recorded))
        tangents_out = [next(pushed) if type(leaf) is Array else None for leaf in outputs]
        values = [plain(leaf, recording) for leaf in outputs]
        return build(values), build(finish(tangents_out, values, recording))
    except Overwritten:
        pass
    finally:
        recording.end()
    return _pushed(run, args, directions)


def along(tangents: Sequence[Any]) -> Derive:
    """Return the forward pass that begins with these tangents, one for each input."""
    return lambda outputs, nodes, recorded: attempt_forward(outputs, nodes, tangents, recorded)
