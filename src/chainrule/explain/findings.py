"""What can go wrong in a forward and backward pass, found in the numbers of one run.

Each function looks at an `Observation` for one kind of trouble and returns what it found; `find`
asks them all. A finding says what it means and what to do about it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.array import is_floating
from chainrule.core.node import Node
from chainrule.core.reach import ancestors
from chainrule.explain.activations import Activation, activations
from chainrule.explain.non_finite import non_finite_gradients, non_finite_values
from chainrule.explain.numbers import format_number, is_scalar, norm
from chainrule.explain.observation import Finding, Observation, pull
from chainrule.transforms.calls import CallOperation

__all__ = [
    "FLAT",
    "MANY",
    "RATIO",
    "Finding",
    "Observation",
    "find",
    "non_finite_gradients",
    "non_finite_values",
    "saturated",
    "silent",
    "vanishing_or_exploding",
    "zero_gradients",
]

#: An entry is saturated where the slope is below this share of the largest slope.
FLAT = 0.06
#: Share of saturated entries from which on it is worth saying.
MANY = 0.25
#: Factor between gradient norms from which on they vanish or explode.
RATIO = 1000.0
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
        if not flat.size:
            continue
        share = float(flat.mean())
        stuck = _units_where(flat)
        if share < MANY and not stuck:
            continue
        what = _saturation(run, activation, share, stuck, flat)
        numbers = {"share": share, "units": stuck}
        found.append(run.finding("saturated", activation.node, what, _SMALLER, numbers=numbers))
    return found


def _saturation(
    run: Observation, activation: Activation, share: float, stuck: int | None, flat: Any
) -> str:
    name, kind = run.name(activation.node), activation.kind
    if is_scalar(activation.node.output):
        slope = float(activation.slope)
        return (
            f"the {kind} in {name} is saturated at {format_number(activation.node.output)}: its "
            f"slope is {_percent(slope)} of the largest, so almost no gradient gets through."
        )
    units = f", {stuck} of {flat.shape[-1]} units on every row" if stuck else ""
    return (
        f"{_percent(share)} of the {kind}s in {name} are saturated{units}: there the slope is "
        f"below {_percent(FLAT)} of the largest, and almost no gradient gets through."
    )


_SMALLER = "Smaller weights, or inputs scaled to mean 0 and variance 1, keep it out of there."


def silent(run: Observation) -> list[Finding]:
    """Find ReLUs with units that have no positive input on these rows."""
    found = []
    for activation in activations(run):
        if activation.kind != "relu":
            continue
        off = np.asarray(~activation.slope)
        if not off.size:
            continue
        rows = off.size // off.shape[-1] if off.ndim else 1
        units = _units_where(off)
        # On one row a silent unit says nothing yet, unless all of them are.
        dead = (off.size if off.all() else 0) if units is None else units
        if not dead:
            continue
        name = run.name(activation.node)
        total = off.shape[-1] if units is not None else off.size
        if is_scalar(activation.node.output):
            what = f"the ReLU in {name} is silent: its input is {format_number(activation.input)}"
        else:
            here = f"on these {rows} rows" if units is not None else "here"
            what = f"{dead} of {total} units of the ReLU in {name} have no positive input {here}"
        numbers = {"units": dead, "of": total, "share": float(off.mean())}
        found.append(run.finding("silent", activation.node, f"{what}.", _LEAKY, numbers=numbers))
    return found


_LEAKY = (
    "A silent unit gives 0 and gets no gradient, so its weights never change: try a smaller "
    "learning rate or initial weights, or a leaky ReLU."
)


def _units_where(flags: Any) -> int | None:
    """Count the columns in which all flags are set; None where there is only one row."""
    if flags.ndim < 2 or flags.size == flags.shape[-1]:
        return None
    return int(flags.reshape(-1, flags.shape[-1]).all(axis=0).sum())


def _percent(share: float) -> str:
    percent = 100 * share
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
            what = (
                f"the gradient of {argument.name} is exactly 0: no step would change it."
                f"{_stopped_at(run, node, zero)}"
            )
            advice = _NO_FAULT
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
        found.append(run.finding("zero gradient", node, what, _NO_FAULT, backward=True))
    return found


_NO_FAULT = "That is as it should be at a minimum and in a branch that is not taken."


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
    ends = _first_and_last(run)
    if ends is None:
        return []
    first, last = ends
    late, early = norm(run.gradients[last]), norm(run.gradients[first])
    if not (0 < late < math.inf and 0 < early < math.inf):
        return []  # zero and non-finite gradients are findings of their own
    ratio = early / late
    if 1 / RATIO <= ratio <= RATIO:
        return []
    path = (
        f"from {format_number(late)} at {run.name(last)} "
        f"to {format_number(early)} at {run.name(first)}"
    )
    if ratio < 1:
        kind = "vanishing"
        what = f"the gradient vanishes: its norm shrinks {path}, so the first stages hardly learn."
        advice = (
            "Larger initial weights, ReLU in place of sigmoid or tanh, normalisation or skip "
            "connections let more of it through."
        )
    else:
        kind = "exploding"
        what = (
            f"the gradient explodes: its norm grows {path}: a step changes the first stages most."
        )
        advice = "Smaller initial weights, normalisation or clipping the gradient's norm tame it."
    return [run.finding(kind, first, what, advice, backward=True, numbers={"ratio": ratio})]


def _first_and_last(run: Observation) -> tuple[Node, Node] | None:
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
