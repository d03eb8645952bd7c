"""`checkpoint`: compute again in the backward pass instead of keeping what the forward pass made.

Source: Griewank and Walther, Algorithm 799: revolve, 2000; as an operation that runs its function
again, ``jax.checkpoint``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.core.array import Array, is_single, value_of
from chainrule.core.callables import name_of
from chainrule.core.chain_rule import chain_rule
from chainrule.core.kinds import identity
from chainrule.core.node import Leaf
from chainrule.core.reach import dependent, reach
from chainrule.core.recording import Recording, resumed
from chainrule.core.source import where_am_i
from chainrule.errors import EndedRecordingError, GradientMismatchError, UnsupportedError
from chainrule.numpy.view import UserFunction, wrote_what_was_lent
from chainrule.transforms.calls import (
    Arguments,
    Call,
    CallOperation,
    Result,
    closed_over,
    is_seen_through,
    now,
    writes,
)
from chainrule.transforms.derived import derived
from chainrule.transforms.results import own

__all__ = ["checkpoint"]


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return f as a function of which the backward pass keeps nothing but the arguments.

    What f makes on the way is freed when f returns, and computed once more when its gradient is
    asked for: time for memory. Value and gradient are the same to the last bit, and there are
    derivatives of any order and in both directions. A loop of n turns whose turns, k at a time, are
    such a function keeps n / k + k of them in place of n; `scan` and `fori_loop` do that with
    ``checkpoint=k``.

    Args:
        f: a function of arrays, numbers and trees of them; what it refers to otherwise may have a
            history, too. It gives the same at each run, and does not write into its arguments.

    Note:
        Printed and compiled code are those of f: the code that `compile` makes has a plan of its
        memory, see ``tape_limit`` there.

    Raises:
        GradientMismatchError: in the backward pass, where f gives something else than before.

    >>> import numpy as np, chainrule as cr
    >>> layer = cr.checkpoint(lambda x: np.tanh(np.sin(x) ** 2))
    >>> cr.grad(lambda x: layer(layer(x)))(1.0)
    0.4...
    """
    run = UserFunction(f)
    operation = CallOperation(name_of(f))

    @derived(checkpoint, f)
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        arguments = Arguments(args, kwargs)
        if is_seen_through(arguments.active):
            return run(args, kwargs)
        since = now()
        try:
            returned = run(*arguments.plain())
        except Exception as error:
            if wrote_what_was_lent(error):
                raise writes(f, "is checkpointed") from error
            raise
        result = Result(returned)
        closed = closed_over(result.arrays, since)
        if is_seen_through(closed):
            return run(args, kwargs)
        operands = [*closed, *arguments.active]
        if not operands:
            return returned
        for x in closed:
            x.node.recording.nodes = None  # it would keep what this run has made
        arguments.hold(operands[0].node.recording)
        packed = value_of(result.packed())
        return result.of_node(operation, _Again(run, arguments, closed), packed)

    return checkpointed


class _Again(Call):
    """A call whose backward pass begins with the forward pass."""

    def result(self, returned: Any) -> Result:
        return Result(returned)

    def gradients(
        self,
        sums: Sequence[Any],
        asked: Sequence[bool],
        g: Any,
        operands: Sequence[Any],
        output: Any,
        guarded: bool,
    ) -> Sequence[Any]:
        recorded = any(type(x) is Array for x in (g, *operands, *sums))
        recording = Recording()
        count = len(self.arguments.at)
        fresh = [_fresh(x, recording) for x in operands[:count]]
        inputs = [*fresh, *self.closed]
        ended = set() if recorded else {x.node.recording for x in self.closed}
        try:
            with resumed(ended):
                again = self.run.with_fresh(lambda: self.arguments.rebuilt(map(own, fresh)))
                y = Result(again).packed()
            self._check(y, output)
            wanted = [x.node for x, is_asked in zip(inputs, asked, strict=True) if is_asked]
            found = dict.fromkeys(wanted)
            # With the sums to begin with, parts are added in the order in which they always are.
            starts = [
                (x, total) for x, total in zip(inputs, sums, strict=True) if total is not None
            ]
            nodes = wanted
            if type(y) is Array:
                starts.append((y, g))
                nodes = dependent(reach([y.node], wanted)[0], wanted)
            chain_rule(nodes, set(nodes), starts, found, recorded, False, guarded)
        except EndedRecordingError as error:
            raise UnsupportedError(
                f"{name_of(self.run.f)} is checkpointed, and uses an array that is differentiated "
                f"by without being among its arguments, so there is no further derivative, at "
                f"{where_am_i()}, when its recording is over: give it as an argument"
            ) from error
        finally:
            recording.end()
        return [found.get(x.node) for x in inputs]

    def _check(self, again: Any, before: Any) -> None:
        """Raise if the function has not given what it gave before, up to rounding.

        A transform inside may add in another order where it is differentiated itself.
        """
        found, expected = value_of(again), value_of(before)
        if np.array_equal(found, expected, equal_nan=True):
            return
        tolerance = 1e-4 if is_single(expected) else 1e-9
        largest = np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected))
        if np.shape(found) != np.shape(expected) or not np.allclose(
            found, expected, tolerance, tolerance * largest, equal_nan=True
        ):
            raise GradientMismatchError(
                f"{name_of(self.run.f)} is checkpointed, and gave something else when it was run "
                f"again for its gradient, at {where_am_i()}: it draws random numbers, or reads "
                "what has changed since; give it as an argument"
            )


def _fresh(x: Any, recording: Recording) -> Array:
    return identity(x) if type(x) is Array else Array(x, Leaf(recording))
