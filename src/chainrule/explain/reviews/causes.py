"""Likely causes of a wrong gradient, each tried on numbers.

A hypothesis is a way to go wrong: turn the sign, leave the upstream gradient out, use another
variable. It is accepted if it reproduces the value that was found. Source text is never looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from chainrule.core.array import shape_of
from chainrule.core.node import Node
from chainrule.explain.reviews.compare import close, ratio
from chainrule.explain.reviews.operands import (
    extra_factor,
    substitutions,
    with_replaced,
    wrong_local,
    wrong_operand,
)
from chainrule.explain.reviews.scene import Cause, Path, Scene, alike, is_informative, pulled

__all__ = ["BROAD", "NARROW", "Hypothesis", "cause_of", "cause_of_value", "number"]

Hypothesis = Callable[[Any, Path, Scene], Cause | None]

#: Operations whose local gradient nobody would speak of.
_PLAIN = frozenset({"add", "subtract", "negative", "positive", "multiply", "divide"})


def cause_of(
    found: Any, path: Path, scene: Scene, hypotheses: Sequence[Hypothesis]
) -> Cause | None:
    """Return why a contribution is not what it should be, or None if nothing explains it."""
    for hypothesis in hypotheses:
        cause = hypothesis(found, path, scene)
        if cause is not None:
            return cause
    return None


def _sign(found: Any, path: Path, scene: Scene) -> Cause | None:
    if np.any(path.want) and close(found, -path.want):
        return Cause("sign", "the sign is wrong: it should be the negative of this")
    return None


def _transpose(found: Any, path: Path, scene: Scene) -> Cause | None:
    want = path.want
    if np.ndim(want) == 2 and np.shape(found) == np.shape(want)[::-1] and close(found, want.T):
        return Cause("transpose", "this is the transpose of the right value")
    if path.start is None:
        return None
    inside, _ = scene.truth.stage(path.start, path.boundaries)
    for node in inside:
        for parent in {p for p in node.parents if p is not None and p is not scene.node}:
            value = scene.values[parent]
            if np.ndim(value) == 2 and value.shape[0] == value.shape[1]:
                turned = {**scene.values, parent: value.T}
                if close(found, pulled(path, scene, turned)):
                    name = scene.truth.label(parent)
                    return Cause("transpose", f"{name} and its transpose are mixed up")
    g = path.upstream
    square = np.ndim(g) == 2 and g.shape[0] == g.shape[1]
    if square and close(found, pulled(path, scene, scene.values, g.T)):
        name = scene.gradient_name(path.start)
        return Cause("transpose", f"{name} and its transpose are mixed up")
    return None


def _missing_sum(found: Any, path: Path, scene: Scene) -> Cause | None:
    want, shape = path.want, np.shape(path.want)
    reshaped = np.shape(found) != shape and np.size(found) == np.size(want)
    if reshaped and close(np.reshape(found, shape), want):
        text = f"the numbers are right, the shape is {np.shape(found)}, not {shape}"
        return Cause("shape", text)
    axes = _summed_axes(np.shape(found), shape)
    if axes:
        summed = np.sum(found, axis=axes).reshape(shape)
        if close(summed, want):
            batch = " (the batch)" if axes == (0,) else ""
            return Cause(
                "missing sum",
                f"the sum over axis {', '.join(map(str, axes))}{batch} is missing: it was "
                f"broadcast on the way forward, shape {shape} to {np.shape(found)}",
            )
        k = ratio(summed, want)
        if k is not None and path.start is not None:
            return Cause(
                "missing sum", f"a sum over axis {axes} and {_factor_words(k)} are missing"
            )
    if path.start is None:
        return None
    # The right numbers before they were summed: summed over other axes, or over all.
    before = _before_sum(path, scene)
    if before is None:
        return None
    right = _summed_axes(np.shape(before), shape)
    if not right or not close(np.sum(before, axis=right).reshape(shape), want):
        return None
    for axis in [*range(np.ndim(before)), None]:
        for keepdims in (False, True):
            if close(found, np.sum(before, axis=axis, keepdims=keepdims)):
                over = "all axes" if axis is None else f"axis {axis}"
                return Cause(
                    "missing sum",
                    f"this is the sum over {over}; what was broadcast is axis "
                    f"{', '.join(map(str, right))}, and only that is to be summed",
                )
    return None


def _before_sum(path: Path, scene: Scene) -> Any:
    """Return what flows back to the node before it is summed over what was broadcast."""
    value = scene.values[scene.node]
    for consumer, _ in scene.truth.consumers.get(scene.node, []):
        shape = shape_of(scene.values[consumer])
        if len(shape) <= len(shape_of(value)):
            continue
        try:
            wide = np.broadcast_to(value, shape)
        except ValueError:
            continue
        return pulled(path, scene, {**scene.values, scene.node: wide})
    return None


def _summed_axes(found: tuple[int, ...], want: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes to sum so that one shape becomes another, () if that is not possible."""
    extra = len(found) - len(want)
    if extra < 0 or found == want:
        return ()
    kept = found[extra:]
    if any(n not in (m, 1) for m, n in zip(kept, want, strict=True)):
        return ()
    axes = tuple(range(extra))
    return axes + tuple(
        k + extra for k, (m, n) in enumerate(zip(kept, want, strict=True)) if m != n
    )


def _missing_upstream(found: Any, path: Path, scene: Scene) -> Cause | None:
    if path.start is None or not is_informative(path.upstream):
        return None
    name = scene.gradient_name(path.start)
    cause = Cause(
        "missing upstream",
        f"the upstream gradient {name} is missing: this is the local gradient alone",
    )
    ones = np.ones_like(path.upstream, dtype=np.float64)[()]
    local = pulled(path, scene, scene.values, ones)
    if local is not None and not close(local, path.want) and alike(found, local):
        return cause
    # Of a matrix product: the other factor, maybe transposed, without the upstream gradient.
    inside, _ = scene.truth.stage(path.start, path.boundaries)
    for node in inside:
        if node.operation.name not in ("matmul", "dot", "multiply"):
            continue
        for operand, parent in zip(node.operands, node.parents, strict=True):
            value = operand if parent is None else scene.values[parent]
            if parent is scene.node or not np.ndim(value):
                continue
            if close(found, value) or close(found, np.transpose(value)):
                return cause
    return None


def _missing_local(found: Any, path: Path, scene: Scene) -> Cause | None:
    if path.start is None:
        return None
    if alike(found, path.upstream) and not close(path.want, path.upstream):
        name = scene.gradient_name(path.start)
        return Cause(
            "missing local",
            f"this is the upstream gradient {name} alone: the local gradient is missing",
        )
    return None


def _skipped_local(found: Any, path: Path, scene: Scene) -> Cause | None:
    """Find that a ReLU, say, was forgotten between two matrix products."""
    if path.start is None:
        return None
    inside, _ = scene.truth.stage(path.start, path.boundaries)
    for node in inside:
        parents = {p for p in node.parents if p is not None}
        if len(parents) != 1 or node.operation.name in _PLAIN:
            continue
        (parent,) = parents
        if np.shape(scene.values[parent]) != np.shape(scene.values[node]):
            continue
        without = scene.truth.pull_stage(
            path.start, path.upstream, scene.node, scene.values, path.boundaries, skip=node
        )
        if close(found, without):
            place = scene.truth.location(node)
            where = f" in `{place.text}`" if place is not None and place.text else ""
            text = f"the local gradient of {node.operation.name}{where} is missing"
            return Cause("missing local", text)
    return None


def _missing_factor(found: Any, path: Path, scene: Scene) -> Cause | None:
    """Find that the other factor of a product was left out, maybe before a sum."""
    if path.start is None:
        return None
    inside, _ = scene.truth.stage(path.start, path.boundaries)
    for node in inside:
        if node.operation.name not in ("multiply", "divide"):
            continue
        for parent in node.parents:
            if parent is None or parent is scene.node:
                continue
            value = np.asarray(scene.values[parent], dtype=np.float64)
            without = {**scene.values, parent: np.ones_like(value)[()]}
            if is_informative(value) and alike(found, pulled(path, scene, without)):
                name = scene.truth.label(parent)
                return Cause("missing local", f"the factor that {name} makes is missing")
    return None


def _factor(found: Any, path: Path, scene: Scene) -> Cause | None:
    k = ratio(found, path.want)
    if k is None or close(found, path.want):
        return None
    common = {2.0, 0.5, -2.0, -0.5, 3.0, 1 / 3}
    lengths = {n for value in scene.values.values() for n in (*np.shape(value), np.size(value))}
    common |= {float(n) for n in lengths if n > 1} | {1 / n for n in lengths if n > 1}
    if np.size(found) == 1 and not any(abs(k - c) <= 1e-6 * abs(c) for c in common):
        return None  # any number is a multiple of any other
    return Cause(
        "factor", f"this is {number(k)} times the right value: {_factor_words(k, lengths)}"
    )


def _factor_words(k: float, lengths: Collection[int] = ()) -> str:
    """Say what a constant factor in a wrong gradient usually means."""
    n = round(max(abs(k), 1 / abs(k)))
    sign = " and the sign is wrong" if k < 0 else ""
    if n in lengths and n > 2:
        if abs(k) > 1:
            return f"the 1/{n} of a mean is missing{sign}"
        return f"a 1/{n} too many, a mean in place of a sum{sign}"
    if abs(k) < 1:
        return f"a factor {number(1 / abs(k))} is missing{sign}"
    return f"a factor {number(abs(k))} too many{sign}"


def number(k: float) -> str:
    """Write a factor as a fraction where it is one."""
    fraction = Fraction(k).limit_denominator(10_000)
    if abs(float(fraction) - k) <= 1e-6 * abs(k):
        return str(fraction)
    return f"{k:.6g}"


#: One thing at a time done wrong on one path: tried on all paths first.
NARROW: Sequence[Hypothesis] = (
    _sign,
    _transpose,
    _missing_sum,
    _missing_upstream,
    _missing_local,
    _factor,
    _skipped_local,
    _missing_factor,
)
#: With any variable in any place.
BROAD: Sequence[Hypothesis] = (wrong_operand, extra_factor, wrong_local)


def cause_of_value(found: Any, want: Any, node: Node, scene: Scene) -> Cause:
    """Return why a value of the forward pass is not what it should be."""
    path = Path(want)
    detail = None
    for hypothesis in (_sign, _transpose, _missing_sum, _factor):
        cause = hypothesis(found, path, scene)
        if cause is not None:
            detail = cause.text
            break
    else:
        boundaries = frozenset(scene.truth.own_names)
        stage = Path(want, node, None, boundaries)
        for old, new, label in substitutions(stage, scene):
            if old is not node and close(found, with_replaced(stage, scene, old, new)[node]):
                detail = f"{label} was used in place of {scene.truth.label(old)}"
                break
    if detail is None and np.shape(found) != np.shape(want):
        detail = f"the shape is {np.shape(found)}, not {np.shape(want)}"
    text = "the value of the forward pass is wrong" + (f": {detail}" if detail else "")
    return Cause("forward value", text)
