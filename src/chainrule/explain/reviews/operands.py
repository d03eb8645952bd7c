"""Hypotheses about wrong operands: another variable, another local gradient, a factor too many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.core.node import Node
from chainrule.explain.reviews.compare import close, is_informative, is_telling, largest, precise
from chainrule.explain.reviews.context import Context, Path
from chainrule.explain.reviews.report import Cause

__all__ = ["extra_factor", "substitutions", "with_replaced", "wrong_local", "wrong_operand"]


def wrong_operand(found: Any, path: Path, context: Context) -> Cause | None:
    """Find another upstream gradient, or another variable in place of one of the stage's."""
    if path.start is None:
        return None
    for name, g in {**context.gradients, **context.variables}.items():
        if np.shape(g) != np.shape(path.upstream) or close(g, path.upstream):
            continue
        if close(found, context.pulled(path, upstream=g)):
            right = context.gradient_name(path.start)
            text = f"multiplied by {name} where the upstream gradient is {right}"
            return Cause("wrong operand", text)
    for old, new, label in substitutions(path, context):
        if close(found, context.pulled(path, with_replaced(path, context, old, new))):
            return _in_place_of(label, old, context)
    return None


def _in_place_of(label: str, node: Node, context: Context) -> Cause:
    text = f"{label} was used in place of {context.reference.label(node)}"
    return Cause("wrong operand", text)


def substitutions(path: Path, context: Context) -> Iterator[tuple[Node, Any, str]]:
    """Go over the variables that could stand in place of a stage's inputs or output."""
    assert path.start is not None
    _, inputs = context.stage(path)
    for old in sorted(inputs | {path.start}, key=lambda n: n.birth):
        value = context.values[old]
        for label, new in context.variables.items():
            if np.shape(new) == np.shape(value) and is_telling(new) and not close(new, value):
                yield old, new, label


def with_replaced(path: Path, context: Context, old: Node, new: Any) -> dict[Node, Any]:
    """Return the values of a stage where one variable stands in another's place."""
    assert path.start is not None
    values = {**context.values, old: new}
    if old is not path.start:
        inside, _ = context.stage(path)
        for node in sorted(inside, key=lambda n: n.birth):
            values[node] = context.reference.compute(node, values)
    return values


def extra_factor(found: Any, path: Path, context: Context) -> Cause | None:
    """Find a variable by which the value is off: ``dz * z`` lacks ``1 - z``."""
    if not np.any(path.want):
        return None
    factors = dict(context.variables)
    if path.start is not None:
        inside, _ = context.stage(path)
        factors |= {context.reference.label(n): context.values[n] for n in inside}
    for name, value in factors.items():
        if np.shape(value) not in ((), np.shape(path.want)) or not is_informative(value):
            continue
        value = precise(value)
        for label, factor in ((name, value), (f"(1 - {name})", 1 - value)):
            if not is_informative(factor):
                continue
            if _fills(found, factor, path.want):
                text = f"the factor {label} of the local gradient is missing"
                return Cause("missing local", text)
            if close(found, path.want * factor):
                return Cause("wrong operand", f"a factor {label} too many")
    return None


def _fills(found: Any, factor: Any, want: Any) -> bool:
    """Tell whether a factor is all that a value lacks."""
    if want is None or not largest(found) or np.ndim(found) > np.ndim(want):
        return False
    try:
        return close(np.multiply(found, factor)[()], want)
    except ValueError:
        return False


#: Local gradients that are mixed up, by how they are written with a variable.
_WRITTEN: Sequence[tuple[str, Callable[[Any], Any]]] = (
    ("{} * (1 - {})", lambda v: v * (1 - v)),
    ("(1 - {}**2)", lambda v: 1 - v * v),
    ("(1 - {})", lambda v: 1 - v),
    ("{}", lambda v: v),
    ("{}**2", lambda v: v * v),
    ("({} <= 0)", lambda v: v <= 0),
)


def wrong_local(found: Any, path: Path, context: Context) -> Cause | None:
    """Find the upstream gradient times another local gradient: that of tanh after a sigmoid.

    If it would be right with the output of the stage, only the variable is wrong: ``h * (1 - h)``
    where ``z * (1 - z)`` is right.
    """
    if path.start is None:
        return None
    for name, variable in context.variables.items():
        if np.shape(variable) != np.shape(found) or not is_telling(variable):
            continue
        for written, local in _WRITTEN:
            product = _times(path.upstream, local, variable)
            if not is_telling(product) or not close(found, product):
                continue
            output = context.values[path.start]
            if close(path.want, _times(path.upstream, local, output)):
                return _in_place_of(name, path.start, context)
            if np.ndim(product) == 0:
                continue  # any number is a multiple of any other
            text = f"multiplied by {written.format(*[name] * 2)}, which is not the local gradient"
            return Cause("wrong local", f"{text} here")
    return None


def _times(upstream: Any, local: Callable[[Any], Any], value: Any) -> Any:
    """Return upstream * local(value); None where the shapes do not fit."""
    with np.errstate(all="ignore"):
        try:
            return np.multiply(upstream, local(precise(value)))[()]
        except ValueError:
            return None
