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
from chainrule.explain.reviews.compare import alike, close, is_informative, precise, ratio
from chainrule.explain.reviews.context import Context, Path
from chainrule.explain.reviews.operands import (
    extra_factor,
    substitutions,
    with_replaced,
    wrong_local,
    wrong_operand,
)
from chainrule.explain.reviews.report import Cause
from chainrule.operations import contraction, elementwise

__all__ = ["BROAD", "NARROW", "Hypothesis", "cause_of", "cause_of_value", "number"]

Hypothesis = Callable[[Any, Path, Context], Cause | None]

_PRODUCTS = frozenset({contraction.matmul, contraction.dot, elementwise.multiply})
_WITH_FACTORS = frozenset({elementwise.multiply, elementwise.divide})
#: Operations whose local gradient nobody would speak of.
_PLAIN = frozenset(
    {elementwise.add, elementwise.subtract, elementwise.negative, elementwise.positive}
)


def cause_of(
    found: Any, path: Path, context: Context, hypotheses: Sequence[Hypothesis]
) -> Cause | None:
    """Return why a contribution is not what it should be, or None if nothing explains it."""
    for hypothesis in hypotheses:
        cause = hypothesis(found, path, context)
        if cause is not None:
            return cause
    return None


def _sign(found: Any, path: Path, context: Context) -> Cause | None:
    if np.any(path.want) and close(found, -path.want):
        return Cause("sign", "the sign is wrong: it should be the negative of this")
    return None


def _transpose(found: Any, path: Path, context: Context) -> Cause | None:
    want = path.want
    if np.ndim(want) == 2 and np.shape(found) == np.shape(want)[::-1] and close(found, want.T):
        return Cause("transpose", "this is the transpose of the right value")
    if path.start is None:
        return None
    operands = {p for node in context.stage(path)[0] for p in node.parents if p is not None}
    for node in operands - {context.node}:
        value = context.values[node]
        if _is_square(value):
            turned = context.pulled(path, {**context.values, node: value.T})
            if close(found, turned):
                return _mixed_up(context.reference.label(node))
    g = path.upstream
    if _is_square(g) and close(found, context.pulled(path, upstream=g.T)):
        return _mixed_up(context.gradient_name(path.start))
    return None


def _is_square(value: Any) -> bool:
    return np.ndim(value) == 2 and value.shape[0] == value.shape[1]


def _mixed_up(name: str) -> Cause:
    return Cause("transpose", f"{name} and its transpose are mixed up")


def _missing_sum(found: Any, path: Path, context: Context) -> Cause | None:
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
    before = _before_sum(path, context)
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


def _before_sum(path: Path, context: Context) -> Any:
    """Return what flows back to the node before it is summed over what was broadcast."""
    value = context.values[context.node]
    for consumer, _ in context.reference.consumers.get(context.node, []):
        shape = shape_of(context.values[consumer])
        if len(shape) <= len(shape_of(value)):
            continue
        try:
            wide = np.broadcast_to(value, shape)
        except ValueError:
            continue
        return context.pulled(path, {**context.values, context.node: wide})
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


def _missing_upstream(found: Any, path: Path, context: Context) -> Cause | None:
    if path.start is None or not is_informative(path.upstream):
        return None
    name = context.gradient_name(path.start)
    cause = Cause(
        "missing upstream",
        f"the upstream gradient {name} is missing: this is the local gradient alone",
    )
    ones = np.ones_like(precise(path.upstream))[()]
    local = context.pulled(path, upstream=ones)
    if local is not None and not close(local, path.want) and alike(found, local):
        return cause
    # Of a matrix product: the other factor, maybe transposed, without the upstream gradient.
    for node in context.stage(path)[0]:
        if node.operation not in _PRODUCTS:
            continue
        for operand, parent in zip(node.operands, node.parents, strict=True):
            value = operand if parent is None else context.values[parent]
            if parent is context.node or not np.ndim(value):
                continue
            if close(found, value) or close(found, np.transpose(value)):
                return cause
    return None


def _missing_local(found: Any, path: Path, context: Context) -> Cause | None:
    if path.start is None:
        return None
    if alike(found, path.upstream) and not close(path.want, path.upstream):
        name = context.gradient_name(path.start)
        return Cause(
            "missing local",
            f"this is the upstream gradient {name} alone: the local gradient is missing",
        )
    return None


def _missing_factor(found: Any, path: Path, context: Context) -> Cause | None:
    """Find that one factor of the chain was left out: a ReLU's, say, or what a product makes.

    Or that it is the value of a function: sin for cos.
    """
    if path.start is None:
        return None
    for node in context.stage(path)[0]:
        parents = [p for p in dict.fromkeys(node.parents) if p is not None]
        if node.operation in _WITH_FACTORS:
            for parent in parents:
                value = precise(context.values[parent])
                if parent is context.node or not is_informative(value):
                    continue
                without = {**context.values, parent: np.ones_like(value)[()]}
                if alike(found, context.pulled(path, without)):
                    name = context.reference.label(parent)
                    return Cause("missing local", f"the factor that {name} makes is missing")
        elif len(parents) == 1 and node.operation not in _PLAIN:
            shapes = {np.shape(context.values[n]) for n in (node, *parents)}
            if len(shapes) > 1:
                continue
            place = context.reference.location(node)
            where = f" in `{place.text}`" if place is not None and place.text else ""
            local = f"the local gradient of {node.operation.name}{where}"
            if close(found, context.pulled(path, local=(node, 1.0))):
                return Cause("missing local", f"{local} is missing")
            if close(found, context.pulled(path, local=(node, context.values[node]))):
                return Cause("wrong local", f"its value stands in place of {local}")
    return None


def _factor(found: Any, path: Path, context: Context) -> Cause | None:
    k = ratio(found, path.want)
    if k is None or close(found, path.want):
        return None
    common = {2.0, 0.5, -2.0, -0.5, 3.0, 1 / 3}
    lengths = {n for value in context.values.values() for n in (*np.shape(value), np.size(value))}
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
    _missing_factor,
)
#: With any variable in any place.
BROAD: Sequence[Hypothesis] = (wrong_operand, extra_factor, wrong_local)


def cause_of_value(found: Any, want: Any, node: Node, context: Context) -> Cause:
    """Return why a value of the forward pass is not what it should be."""
    path = Path(want)
    detail = None
    for hypothesis in (_sign, _missing_sum, _factor):
        cause = hypothesis(found, path, context)
        if cause is not None:
            detail = cause.text
            break
    else:
        boundaries = frozenset(context.reference.own_names)
        stage = Path(want, node, None, boundaries)
        for old, new, label in substitutions(stage, context):
            if old is not node and close(found, with_replaced(stage, context, old, new)[node]):
                detail = f"{label} was used in place of {context.reference.label(old)}"
                break
    if detail is None and np.shape(found) != np.shape(want):
        detail = f"the shape is {np.shape(found)}, not {np.shape(want)}"
    text = "the value of the forward pass is wrong" + (f": {detail}" if detail else "")
    return Cause("forward value", text)
