"""One run of a function, to be pulled back or pushed forward: what every operator here is made of.

autograd's operators differ from chainrule's in what they let through: outputs may be complex, or
arrays of one entry where a number is wanted. The engine is the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.array import Array, shape_of, value_of
from chainrule.core.recording import Recording
from chainrule.numpy.creation import restack, result_leaves
from chainrule.numpy.dispatch import arrays_in
from chainrule.numpy.view import UserFunction
from chainrule.transforms.argnums import select
from chainrule.transforms.forward import along
from chainrule.transforms.inputs import Inputs, Overwritten, run_once
from chainrule.transforms.results import finish, plain
from chainrule.transforms.reverse import is_independent, seeds_like, upstream, warn_independent

__all__ = ["Argnum", "Linearised", "plain_value", "pull", "push", "seen", "slope"]

#: One position, or several.
Argnum = int | Sequence[int]


class Linearised(NamedTuple):
    """A function's value, and the linear map that its derivative is there."""

    value: Any
    map: Callable[[Any], Any]


def pull(run: UserFunction, argnum: Argnum, args: Sequence[Any], kwargs: Any) -> Linearised:
    """Run a function, and return its value and its pullback by some of its arguments.

    The pullback takes a gradient of the value's structure, and returns one of the argument's, or a
    tuple of such.
    """
    chosen = select(argnum, args, run.f)
    inputs, outputs, values, build = run_once(run, args, chosen, kwargs)
    if all(is_independent(leaf, inputs) for leaf in outputs):
        warn_independent(run.f)
    value = build(values)

    def pullback(g: Any) -> Any:
        seeds = seeds_like(g, value)
        starts = [
            (y, seed)
            for y, seed in zip(outputs, seeds, strict=True)
            if type(y) is Array and seed is not None
        ]
        derive = upstream([seed for _, seed in starts])
        gradients = inputs.derived(derive, [y for y, _ in starts])
        built = inputs.build(finish(gradients, inputs.values, inputs.recording))
        return built[0] if isinstance(argnum, int) else built

    return Linearised(value, pullback)


def slope(run: UserFunction, argnum: Argnum, args: Sequence[Any], kwargs: Any, what: str) -> Any:
    """Return a function's value, one real number, and its gradient.

    Raises:
        TypeError: the value is something else; ``what`` asked for it.
    """
    recording = Recording(nodes=[])
    try:
        inputs = Inputs(run.f, args, select(argnum, args, run.f), recording)
        y = restack(inputs.run(run, kwargs))
        one = _one_like(y, what)
        gradients = [None] * len(inputs.nodes)
        if type(y) is Array:
            gradients = inputs.derived(upstream([one]), [y])
        if all(g is None for g in gradients) and is_independent(y, inputs):
            warn_independent(run.f)
        built = inputs.build(finish(gradients, inputs.values, recording))
        return plain(y, recording), built[0] if isinstance(argnum, int) else built
    except Overwritten:
        pass
    finally:
        recording.end()
    return slope(run, argnum, args, kwargs, what)


def _one_like(y: Any, what: str) -> Any:
    """Return 1, of the type of a real number or of an array with one."""
    value = y.sample if type(y) is Array else y
    if type(value) is float:
        return 1.0
    if (
        not isinstance(value, (np.floating, np.ndarray))
        or math.prod(shape_of(y)) != 1
        or value.dtype.kind != "f"
    ):
        raise TypeError(
            f"{what} only applies to real scalar-output functions. Try jacobian, "
            "elementwise_grad or holomorphic_grad."
        )
    return np.ones(shape_of(y), value.dtype)[()]


def push(run: UserFunction, argnum: Argnum, args: Sequence[Any], kwargs: Any, v: Any) -> Any:
    """Return a function's value and its derivative along ``v``, which is like its argument."""
    recording = Recording()
    try:
        places = select(argnum, args, run.f)
        inputs = Inputs(run.f, args, places, recording)
        x = args[places[0]] if isinstance(argnum, int) else tuple(args[k] for k in places)
        directions = seeds_like(v, x)
        y = inputs.run(run, kwargs)
        outputs, build = result_leaves(y)
        if all(is_independent(leaf, inputs) for leaf in outputs):
            warn_independent(run.f)
        recorded = [leaf for leaf in outputs if type(leaf) is Array]
        pushed = iter(inputs.derived(along(directions), recorded))
        tangents = [next(pushed) if type(leaf) is Array else None for leaf in outputs]
        values = [plain(leaf, recording) for leaf in outputs]
        return build(values), build(finish(tangents, values, recording))
    except Overwritten:
        pass
    finally:
        recording.end()
    return push(run, argnum, args, kwargs, v)


def seen(fun: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function as functions here may call it: as recorded code, where Arrays are given."""
    run = UserFunction(fun)

    def call(*args: Any, **kwargs: Any) -> Any:
        recorded = next(arrays_in([args, kwargs]), None) is not None
        return run(args, kwargs) if recorded else fun(*args, **kwargs)

    return call


def plain_value(value: Any) -> Any:
    """Return a value as its user expects it: a float64 number as a float."""
    value = value_of(value)
    return float(value) if type(value) is np.float64 else value
