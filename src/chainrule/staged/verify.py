"""Printed code is run once before anyone sees it: it has to do what the eager gradient does."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from chainrule import trees
from chainrule.core.array import is_single, shape_of, value_of
from chainrule.staged.staged import Staged
from chainrule.staged.write import Recorded

__all__ = ["Difference", "difference"]

_VANISHES = 1e-150  # below it, one of two formulas may have lost what the other has: a square


class Difference(NamedTuple):
    """What is another in staged code than in the run, and whether the code is to blame for it.

    It is not where the value is infinite or NaN, nor where Python's floats raise an error: there is
    no gradient that it could be compared with.
    """

    text: str
    is_wrong: bool


def difference(staged: Staged, recorded: Recorded) -> Difference | None:
    """Compare staged code with the run that it was made from; None where they agree."""
    trace, args, order, expected = recorded
    value = value_of(trace.output)
    try:
        with np.errstate(all="ignore"):
            found, gradients = staged.call(args)
    except ArithmeticError as error:  # Python's own floats raise where NumPy's gives inf
        return Difference(f"the staged code raises {error!r}", False)
    terms = [argument.value for argument in trace.inputs]  # what sums may be of
    terms += [stage.value for stage in staged.stages]
    terms += [line.value for line in staged.backward]
    sizes = map(np.abs, terms)
    largest = max((float(np.max(x, initial=0.0, where=np.isfinite(x))) for x in sizes), default=0.0)
    if not _close(staged, found, value, largest):
        return Difference(f"the value in the staged code is {found!r}, but it is {value!r}", True)
    leaves = iter(trees.flatten(gradients)[0])
    for argument in sorted(trace.inputs, key=lambda a: order.index(a.position)):
        zero = np.zeros(shape_of(argument.value))
        assert argument.node is not None
        wanted, gradient = expected.get(argument.node, zero), next(leaves)
        if not _close(staged, gradient, wanted, largest):
            text = f"the gradient of {argument.name} in the staged code is {gradient!r}, but it is "
            return Difference(f"{text}{wanted!r}", bool(np.isfinite(value)))
    return None


def _close(staged: Staged, found: Any, expected: Any, largest: float) -> bool:
    """Compare, with room for the rounding of sums whose largest term is given.

    A shorter formula may have a limit where the rules, one after another, give NaN.
    """
    if shape_of(found) != shape_of(expected):
        return False
    known = np.where(np.isnan(expected), np.nan, found)
    scale = np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected))
    values = [expected, *(argument.value for argument in staged.trace.inputs)]
    values += [stage.value for stage in staged.stages]
    values += [line.value for line in staged.backward]
    single = any(map(is_single, values))
    tolerance, rounding = (1e-3, 1e-5) if single else (1e-8, 1e-13)
    atol = max(tolerance * scale, rounding * largest, _VANISHES)
    return np.allclose(known, expected, rtol=tolerance, atol=atol, equal_nan=True)
