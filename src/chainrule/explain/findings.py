"""What can go wrong in a forward and backward pass, found in the numbers of one run.

Each function looks at an `Observation` for one kind of trouble and returns what it found; `find`
asks them all. A finding says what it means and what to do about it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.array import is_floating
from chainrule.core.node import Node
from chainrule.core.reach import ancestors
from chainrule.explain.activations import activations
from chainrule.explain.measures import (
    ADVICE,
    FLAT,
    TEXTS,
    dead_units,
    is_saturated,
    is_steep,
    share,
    units,
)
from chainrule.explain.non_finite import non_finite_gradients, non_finite_values
from chainrule.explain.numbers import format_number, is_scalar, norm
from chainrule.explain.observation import Finding, Observation, pull
from chainrule.transforms.calls import CallOperation

__all__ = [
    "Finding",
    "Observation",
    "find",
    "first_and_last",
    "non_finite_gradients",
    "non_finite_values",
    "saturated",
    "silent",
    "vanishing_or_exploding",
    "zero_gradients",
]

_ROUNDING = 1e-12  # what is left of gradients that cancel out


def find(run: Observation) -> list[Finding]:
    """Look for everything, forward pass first."""
    looks: tuple[Callable[[Observation], list[Finding]], ...] = (
        non_finite_values,
        saturated,
        silent,
        non_finite_gradients,
        zero_gradients,
        vanishing_or_exploding,
    )
    return [finding for look in looks for finding in look(run)]


# Activations.


def saturated(run: Observation) -> list[Finding]:
    """Find sigmoids and tanhs whose slope is nearly zero at many entries."""
    found = []
    for activation in activations(run):
        if activation.kind == "relu":
            continue
        flat = np.asarray(activation.slope) < FLAT
        if not flat.size or not is_saturated(flat):
            continue
        part, stuck = float(share(flat)), units(flat)
        stuck = stuck if stuck is None else int(stuck)
        said = {"kind": activation.kind, "name": run.name(activation.node)}
        if is_scalar(activation.node.output):
            value = format_number(activation.node.output)
            what = said_of("saturated", **said, value=value, slope=percent(activation.slope))
        else:
            key = "saturated units" if stuck else "saturated share"
            said |= {"share": percent(part), "flat": percent(FLAT)}
            what = said_of(key, **said, units=stuck, of=flat.shape[-1] if flat.ndim else 1)
        numbers = {"share": part, "units": stuck}
        advice = ADVICE["saturated"]
        found.append(run.finding("saturated", activation.node, what, advice, numbers=numbers))
    return found


def silent(run: Observation) -> list[Finding]:
    """Find ReLUs with units that have no positive input on these rows."""
    found = []
    for activation in activations(run):
        if activation.kind != "relu":
            continue
        off = np.asarray(~activation.slope)
        dead = int(dead_units(off)) if off.size else 0
        if not dead:
            continue
        in_rows = units(off) is not None
        of = off.shape[-1] if in_rows else off.size
        if is_scalar(activation.node.output):
            key = "silent"
        else:
            key = "silent rows" if in_rows else "silent here"
        what = said_of(
            key,
            name=run.name(activation.node),
            value=format_number(activation.input) if key == "silent" else "",
            units=dead,
            of=of,
            rows=off.size // off.shape[-1] if off.ndim else 1,
        )
        numbers = {"units": dead, "of": of, "share": float(off.mean())}
        advice = ADVICE["silent"]
        found.append(run.finding("silent", activation.node, what, advice, numbers=numbers))
    return found


def said_of(key: str, **values: Any) -> str:
    """Say something of `chainrule.explain.measures.TEXTS`."""
    return TEXTS[key].format(**values)


def percent(share: Any) -> str:
    """Write a share in percent."""
    percent = 100 * float(share)
    return f"{percent:.0f}%" if percent >= 1 or percent == 0 else f"{percent:.2g}%"


# Gradients that are too small or too large.


def zero_gradients(run: Observation) -> list[Finding]:
    """Find stages where the gradient becomes exactly zero, and arguments that it does not reach."""
    found = []
    zero = {node for node in run.live if node in run.dependent and _is_zero(run, node)}
    origins = [
        node for node in zero if not any(user in zero for user, _ in run.consumers.get(node, []))
    ]
    for argument in run.trace.arguments:
        node = argument.node
        if node is None or not argument.wanted:
            continue
        if node not in run.reached:
            what, advice = f"the result does not depend on {argument.name}: its gradient is 0.", ""
        elif _is_zero(run, node):
            what = f"{said_of('zero', name=argument.name)}{_stopped_at(run, node, zero)}"
            advice = ADVICE["zero"]
        else:
            continue
        found.append(run.finding("zero gradient", node, what, advice, backward=True))
    for node in sorted(origins, key=lambda node: -node.birth):
        if not run.is_named(node) or node is run.output or _cancels(run, node):
            continue
        users = run.consumers.get(node, [])
        if all(isinstance(user.operation, CallOperation) and k == 0 for user, k in users):
            continue  # the value of a function with a gradient of its own
        what = (
            f"the gradient of {run.name(node)} is exactly 0, so nothing flows back to what it is "
            f"made from.{_stopped_at(run, node, zero)}"
        )
        found.append(run.finding("zero gradient", node, what, ADVICE["zero"], backward=True))
    return found


def _is_zero(run: Observation, node: Node) -> bool:
    if node.parents and not (node.operation.differentiable and is_floating(node.output)):
        return False
    return not np.any(run.gradients.get(node, 0.0))


def _stopped_at(run: Observation, node: Node, zero: set[Node]) -> str:
    """Name the operation behind which the gradient is not zero any more."""
    seen = {node}
    stack = [node]
    while stack:
        here = stack.pop()
        for user, _ in run.consumers.get(here, []):
            if user not in zero and user.operation.differentiable:
                if _cancels(run, here):
                    return f" What reaches {run.name(here)} on several paths cancels out."
                return f" It is stopped at {run.place(user)}."
            if user not in seen:
                seen.add(user)
                stack.append(user)
    return ""


def _cancels(run: Observation, node: Node) -> bool:
    """Tell whether a gradient is a sum of others, as that of a maximum subtracted in a softmax.

    The sum is one over paths or, where the node was broadcast, over entries. With other weights it
    would not be so small.
    """
    parts = []
    for user, k in run.consumers.get(node, []):
        if user in run.gradients and user.operation.differentiable:
            g = run.gradients[user]
            parts += [norm(pull(user, k, g)), norm(pull(user, k, _reweighted(g)))]
    return norm(run.gradients.get(node, 0.0)) <= _ROUNDING * max(parts, default=0.0) > 0


def _reweighted(g: Any) -> Any:
    return g if is_scalar(g) else g * np.random.default_rng(0).uniform(-1, 1, g.shape)


def vanishing_or_exploding(run: Observation) -> list[Finding]:
    """Compare the gradient's norm at the last stage with that at the first one that leads to it."""
    ends = first_and_last(run)
    if ends is None:
        return []
    first, last = ends
    late, early = norm(run.gradients[last]), norm(run.gradients[first])
    for kind in ("vanishing", "exploding"):
        # Zero and non-finite gradients are findings of their own.
        if is_steep(early, late, kind == "vanishing"):
            what = said_of(
                kind,
                late=format_number(late),
                last=run.name(last),
                early=format_number(early),
                first=run.name(first),
            )
            numbers = {"ratio": early / late}
            return [run.finding(kind, first, what, ADVICE[kind], backward=True, numbers=numbers)]
    return []


def first_and_last(run: Observation) -> tuple[Node, Node] | None:
    """Return the stages to compare: the last one that others lead to, and the first of these.

    Gradients of arrays are compared with one another, those of numbers only where nothing else is:
    the gradient of a mean is small because it is shared out, not because it vanishes.
    """
    stages = [
        n for n in run.live if run.is_named(n) and n in run.gradients and is_floating(n.output)
    ]
    arrays = [n for n in stages if not is_scalar(n.output)]
    stages = arrays or [n for n in stages if n is not run.output]
    if not arrays and run.output is not None:
        stages.append(run.output)  # its gradient is 1
    used: set[Node] = set()
    for last in reversed(stages):
        if last in used:
            continue
        leading = set(ancestors([last])[:-1])
        used |= leading
        first = next((n for n in stages if n in leading and not _cancels(run, n)), None)
        if first is not None:
            return first, last
    return None
