"""Where NaN and inf first arise, in the forward pass and in the backward pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.node import Node
from chainrule.explain.numbers import format_number
from chainrule.explain.observation import Finding, Observation, pull

__all__ = ["non_finite_gradients", "non_finite_values"]


def non_finite_values(run: Observation) -> list[Finding]:
    """Find the first NaN and the first inf of the forward pass, with the values that made it.

    Infinity that the user put in, as into the mask of an attention, is nothing to speak of where
    all comes out finite.
    """
    result = run.output is not None and _finite(run.output.output)
    harmless = result and all(map(_finite, run.gradients.values()))
    after = (
        "It does not reach the result." if result else "Everything computed from it is affected."
    )
    found: list[Finding] = []
    for kind, is_bad in (("nan", np.isnan), ("inf", np.isinf)):
        given = kind == "nan" or not harmless
        finding = _first_bad(run, kind, is_bad, given, after)
        if finding is not None:
            found.append(finding)
    return found


def _first_bad(run: Observation, kind: str, is_bad: Any, given: bool, after: str) -> Finding | None:
    """Find where one of them comes from; what was given by the user counts if `given`."""
    word = _WORD[kind]
    if given:
        for argument in run.trace.arguments:
            if argument.node is not None and _any(is_bad, argument.value):
                what = f"the argument {argument.name} contains {word} already."
                return run.finding(kind, argument.node, what, after)
    for node in run.live:
        if not _any(is_bad, node.output):
            continue
        bad = [k for k, x in enumerate(node.operands) if _any(is_bad, x)]
        if not bad:
            operands = _operands(run, node, is_bad(np.asarray(node.output)))
            what = f"{word} arises here, in `{node.operation.name}` of {operands}. {after}"
            return run.finding(kind, node, what, node.operation.advice or _KEEP_AWAY)
        if given and all(node.parents[k] is None for k in bad):
            name = run.trace.constant_names.get(id(node.operands[bad[0]]))
            constant = f"the constant {name}" if name else "a constant"
            what = f"{word} comes in here: {constant} in `{node.operation.name}` contains it."
            return run.finding(kind, node, what, after)
    return None


_WORD = {"nan": "NaN", "inf": "inf"}
_KEEP_AWAY = "Keep the operands away from such values."


def _any(is_bad: Any, value: Any) -> bool:
    entries = np.asarray(value)
    return entries.dtype.kind in "fc" and bool(is_bad(entries).any())


def _finite(value: Any) -> bool:
    entries = np.asarray(value)
    return entries.dtype.kind not in "fc" or bool(np.isfinite(entries).all())


def _operands(run: Observation, node: Node, bad: Any) -> str:
    """Describe the operands of a node at the first entry where something is bad."""
    count = int(bad.sum())
    index = tuple(int(k) for k in np.argwhere(bad)[0]) if bad.ndim else ()
    parts = []
    for x, parent in zip(node.operands, node.parents, strict=True):
        value = np.asarray(x)
        if value.dtype == object:
            continue
        name = _operand_name(run, node, parent)
        try:  # elementwise: the entry that was broadcast to this place
            entry = np.broadcast_to(value, bad.shape)[index]
            at = f"[{', '.join(map(str, index))}]" if name and value.ndim == len(index) > 0 else ""
            number = format_number(entry)
            parts.append(f"{name}{at} = {number}" if name else number)
        except ValueError:
            finite = value[np.isfinite(value)] if value.dtype.kind == "f" else value
            span = f" from {format_number(finite.min())} to {format_number(finite.max())}"
            parts.append(f"{name or 'an array'} {value.shape}{span if finite.size else ''}")
    more = f", at {count} of {bad.size} entries" if bad.ndim else ""
    return " and ".join(parts) + more


def _operand_name(run: Observation, node: Node, parent: Node | None) -> str:
    return run.name(parent) if parent is not None and run.is_named(parent) else ""


def non_finite_gradients(run: Observation) -> list[Finding]:
    """Find the operation whose local gradient first makes the backward pass NaN or inf."""
    found: list[Finding] = []
    for kind, is_bad in (("nan", np.isnan), ("inf", np.isinf)):
        nodes = [n for n in run.gradients if _any(is_bad, run.gradients[n])]
        for node in sorted(nodes, key=lambda n: -n.birth):
            users = run.consumers.get(node, [])
            if any(_any(is_bad, run.gradients.get(user, 0.0)) for user, _ in users):
                continue  # it came from later
            culprit = next((u for u, k in users if _pulls(is_bad, run, u, k)), None)
            if culprit is None or not all(map(_finite, (culprit.output, *culprit.operands))):
                continue  # it comes from the forward pass
            found.append(_bad_slope(run, kind, culprit, node))
            break
    return found


def _pulls(is_bad: Any, run: Observation, user: Node, k: int) -> bool:
    g = run.gradients.get(user)
    # From a gradient that is inf already, NaN is only a consequence.
    return g is not None and _finite(g) and _any(is_bad, pull(user, k, g))


def _bad_slope(run: Observation, kind: str, culprit: Node, node: Node) -> Finding:
    bad = ~np.isfinite(np.asarray(run.gradients[node], dtype=float))
    what = (
        f"{_WORD[kind]} arises here in the backward pass: `{culprit.operation.name}` has no finite "
        f"slope at {_operands(run, culprit, bad)} ({run.place(culprit)})."
    )
    return run.finding(kind, culprit, what, culprit.operation.advice or _KEEP_AWAY, backward=True)
