"""`custom_gradient`: a function whose pullback the user gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.array import Array, is_inexact, shape_of
from chainrule.core.callables import argument_names, name_of
from chainrule.core.joint import added
from chainrule.core.source import annotate, defined_at, where_am_i
from chainrule.errors import EndedRecordingError, GradientLostError, RuleError
from chainrule.numpy.conversion import has_gradient
from chainrule.numpy.creation import restack
from chainrule.numpy.view import UserFunction, wrote_what_was_lent
from chainrule.transforms.calls import (
    Arguments,
    Call,
    CallOperation,
    Form,
    Result,
    closed_over,
    is_observed,
    now,
    writes,
)
from chainrule.transforms.derived import derived
from chainrule.transforms.results import own

__all__ = ["custom_gradient"]

_NUMBERS = (bool, int, float, complex, np.generic, np.ndarray, Array)


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of which f gives the value and the pullback.

    For a gradient that is known in a better form than the rules would make: one that is stable,
    cheaper (of a fixed point, by the implicit function theorem), or clipped on purpose.

    Args:
        f: ``(*args) -> (value, pullback)``. The value is a number, an array, or a tree of them.
            ``pullback(g)``, with g of the structure and shapes of the value, returns one gradient
            for each positional argument, in a tuple, of its structure and shapes; None for zero. Of
            a single argument it may return the gradient by itself.

    Returns:
        A function of f's arguments that returns the value. By named arguments there is no gradient.

    Raises:
        RuleError: the pullback returns another number of gradients than there are arguments, or
            gradients of other structures or shapes; f does not return a pair.
        GradientLostError: the value depends on an array that is differentiated by and is not among
            the arguments; or such an array is given by name.

    Note:
        Derivatives of higher order are those of the pullback: of its argument, and of what f has
        computed for it. Forward derivatives are had from the pullback, which is linear. In code
        that is printed or compiled the lines of f and of the pullback stand where they are called.

    Source: ``jax.custom_gradient``, ``tf.custom_gradient``.

    >>> import numpy as np, chainrule as cr
    >>> @cr.custom_gradient
    ... def log1pexp(x):
    ...     e = np.exp(x)
    ...     return np.log(1 + e), lambda g: g * (1 - 1 / (1 + e))
    >>> cr.grad(log1pexp)(100.0)
    1.0
    """
    run = UserFunction(f)
    operation = CallOperation(name_of(f))

    @derived(custom_gradient, f)
    def customised(*args: Any, **kwargs: Any) -> Any:
        arguments = Arguments(args, kwargs)
        count = sum(len(trees.flatten(arg)[0]) for arg in args)
        if any(k >= count for k in arguments.at):
            raise _named(f)
        active = arguments.active
        if not active:
            value, _ = _pair(f, run(args, kwargs))
            if any(map(_is_differentiated, Result(value).arrays)):
                raise _closed(f)
            return value
        for x in active:
            x.node.recording.own_gradients = True
        observed = is_observed(active)
        since = now()
        value, pullback = _pair(f, _run(run, arguments, observed))
        result = Result(value)
        but = active if observed else ()
        if any(map(_is_differentiated, closed_over(result.arrays, since, but))):
            raise _closed(f)
        arguments.hold(active[0].node.recording)
        # Where the derivative is recorded, f is run again, on arrays that have a history.
        call = _Given(run, arguments, result.form, None if observed else pullback)
        return result.of_node(operation, call, result.packed())

    return customised


class _Given(Call):
    """A call whose pullback f gives."""

    def __init__(
        self,
        run: UserFunction,
        arguments: Arguments,
        form: Form,
        pullback: Callable[[Any], Any] | None,
    ) -> None:
        super().__init__(run, arguments, ())
        self._form = form
        self._pullback = pullback

    def result(self, returned: Any) -> Result:
        return Result(_pair(self.run.f, returned)[0])

    def gradients(
        self,
        sums: Sequence[Any],
        asked: Sequence[bool],
        g: Any,
        operands: Sequence[Any],
        output: Any,
        guarded: bool,
    ) -> Sequence[Any]:
        recorded = any(type(x) is Array for x in (g, *operands))
        args, kwargs = self.arguments.rebuilt(operands)
        pullback = self._pullback
        if pullback is None or recorded:
            try:
                _, pullback = _pair(self.run.f, self.run.with_fresh(lambda: (args, kwargs)))
            except EndedRecordingError as error:
                raise _closed(self.run.f) from error
        try:
            returned = pullback(self._form.rebuilt(own(g)))
        except Exception as error:
            annotate(error)
            raise
        found = _per_leaf(self.run.f, pullback, returned, args)
        gradients = [found[k] for k in self.arguments.at]
        if not recorded and any(map(_is_differentiated, gradients)):
            raise _closed(self.run.f)
        return added(sums, gradients, operands)


def _run(run: UserFunction, arguments: Arguments, observed: bool) -> Any:
    """Run a function without a history; with it where somebody wants to see all that is done."""
    what = "has a gradient of its own"
    if observed:
        handed = [own(x) for x in arguments.active]
        nodes = [x.node for x in handed]
        returned = run(*arguments.rebuilt(handed))
        if any(x.node is not node for x, node in zip(handed, nodes, strict=True)):
            raise writes(run.f, what)
        return returned
    try:
        return run(*arguments.plain())
    except Exception as error:
        if wrote_what_was_lent(error):
            raise writes(run.f, what) from error
        raise


def _pair(f: Callable[..., Any], returned: Any) -> tuple[Any, Callable[[Any], Any]]:
    if isinstance(returned, tuple) and len(returned) == 2 and callable(returned[1]):
        return returned
    raise RuleError(
        f"{name_of(f)} has a gradient of its own, so it must return a pair (value, pullback), the "
        f"second a function; it returned a {type(returned).__name__}: {defined_at(f)}"
    )


# The gradients.


def _per_leaf(
    f: Callable[..., Any], pullback: Callable[..., Any], returned: Any, args: Sequence[Any]
) -> list[Any]:
    """Return the gradient of each leaf of the arguments; None for zero."""
    if len(args) == 1 and not _is_for_one(returned, args[0]):
        returned = (returned,)
    if not isinstance(returned, tuple) or len(returned) != len(args):
        what = f"{len(returned)} gradients" if isinstance(returned, tuple) else _spelled(returned)
        raise RuleError(
            f"the pullback of {name_of(f)} returned {what}, it must return a tuple of one for each "
            f"of the {len(args)} arguments: {defined_at(pullback)}"
        )
    found: list[Any] = []
    for position, (g, arg) in enumerate(zip(returned, args, strict=True)):
        leaves, _ = trees.flatten(arg)
        if g is None:
            found += [None] * len(leaves)
            continue
        gradients = list(map(restack, trees.flatten(g)[0]))
        is_like = trees.structure(g) == trees.structure(arg)
        if not is_like or not all(map(_is_gradient_of, gradients, leaves)):
            name = argument_names(f, len(args))[position]
            raise RuleError(
                f"the pullback of {name_of(f)} returned {_spelled(g)} as the gradient of `{name}`, "
                f"which is {_spelled(arg)}: {defined_at(pullback)}"
            )
        found += gradients
    return found


def _is_for_one(returned: Any, arg: Any) -> bool:
    """Tell a tuple of the one gradient of a single argument from the gradient by itself."""
    is_one = isinstance(returned, tuple) and len(returned) == 1
    return is_one and trees.structure(returned) != trees.structure(arg)


def _is_gradient_of(g: Any, leaf: Any) -> bool:
    if not is_inexact(leaf):
        return True
    return isinstance(g, _NUMBERS) and shape_of(g) == shape_of(leaf)


def _spelled(tree: Any) -> str:
    """Say what a tree is by its shapes: ``{'W': (3, 2), 'b': (3,)}``."""
    leaves, build = trees.flatten(tree)
    shapes = [shape_of(x) if isinstance(x, _NUMBERS) else type(x).__name__ for x in leaves]
    if trees.is_container(tree):
        return str(build(shapes))
    if not isinstance(tree, _NUMBERS):
        return f"a {shapes[0]}"
    return f"an array of shape {shapes[0]}" if shapes[0] else "a number"


# What has no gradient.


def _is_differentiated(x: Any) -> bool:
    """Tell whether a value depends on what somebody may differentiate by.

    In a run for compiling nobody knows; then it is seen when the function runs by itself.
    """
    return (
        type(x) is Array
        and x.node is not None
        and not x.node.recording.every_guard
        and has_gradient(x)
    )


def _closed(f: Callable[..., Any]) -> GradientLostError:
    return GradientLostError(
        f"{name_of(f)} has a gradient of its own, by its arguments, and uses an array that is "
        f"differentiated by without being one of them, at {where_am_i()}: give it as an argument, "
        "or cut it off with chainrule.stop_gradient"
    )


def _named(f: Callable[..., Any]) -> GradientLostError:
    return GradientLostError(
        f"{name_of(f)} has a gradient of its own, by arguments that are given by position, and an "
        f"array that is differentiated by was given by name, at {where_am_i()}"
    )
