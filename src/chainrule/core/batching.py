"""Batching rules: an operation computed for many examples at once, as `vmap` asks for it.

A rule is ``(row, batched, operands, params) -> result``. Operand k has the axis of the examples in
front if ``batched[k]``, and the result always has it; at least one operand does. Rules are written
as all others are, in operators, methods and operations, so that what they compute is recorded where
an operand is an Array.

Here are the rules that many rows have in common. A rule that does not serve certain parameters
returns `LOOP`: then the operation is computed for one example after the other, as it is where a row
has no rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from chainrule.core.array import shape_of
from chainrule.core.linear import broadcast_to
from chainrule.core.operation import Operation
from chainrule.core.traits import BatchingRule

__all__ = [
    "LOOP",
    "OtherShapeError",
    "along",
    "batched_result",
    "broadcasting",
    "in_one_row",
    "joined",
    "matrices",
    "moved",
    "of_one",
    "raised",
    "repeated",
    "size_of",
    "whole",
]

Params: TypeAlias = "Mapping[str, Any]"

#: What a rule returns where only a loop over the examples is right.
LOOP: Final = object()


class OtherShapeError(ValueError):
    """A result has another shape than it had when the operation was recorded."""

    def __init__(self, shape: tuple[int, ...], before: tuple[int, ...]) -> None:
        super().__init__(f"the result has shape {shape}, and had {before}")
        self.shape = shape


def batched_result(
    row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Params
) -> Any:
    """Compute an operation for all examples at once; `LOOP` where no rule does."""
    if row.batch is not None:
        return row.batch(row, batched, operands, params)
    return broadcasting(row, batched, operands, params) if row.entrywise else LOOP


# Operands.


def size_of(batched: Sequence[bool], operands: Sequence[Any]) -> int:
    """Return the number of examples."""
    return shape_of(operands[list(batched).index(True)])[0]


def raised(x: Any, ndim: int) -> Any:
    """Give each example ``ndim`` axes, as broadcasting does: axes of length 1 come in front."""
    n, *shape = shape_of(x)
    missing = ndim - len(shape)
    return x.reshape((n, *(1,) * missing, *shape)) if missing > 0 else x


def repeated(x: Any, is_batched: bool, size: int) -> Any:
    """Give an operand that all examples share the axis of the examples."""
    return x if is_batched else broadcast_to(x, shape=(size, *shape_of(x)))


def moved(x: Any, source: int, target: int) -> Any:
    """Move one axis to another place."""
    axes = list(range(len(shape_of(x))))
    axes.insert(target, axes.pop(source))
    return x if axes == sorted(axes) else x.transpose(axes)


def aligned(batched: Sequence[bool], operands: Sequence[Any]) -> list[Any]:
    """Let the examples of all operands broadcast with each other."""
    ndim = max(len(shape_of(x)) - b for b, x in zip(batched, operands, strict=True))
    return [raised(x, ndim) if b else x for b, x in zip(batched, operands, strict=True)]


# Rules.


def broadcasting(
    row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Params
) -> Any:
    """Compute what acts on each entry alone, and broadcasts."""
    if len(operands) > 1:
        operands = aligned(batched, operands)
    return row(*operands, **params)


def matrices(
    row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Params
) -> Any:
    """Compute what acts on matrices in the last two axes, with the same axes in front of them."""
    size = size_of(batched, operands)
    return row(*(repeated(x, b, size) for b, x in zip(batched, operands, strict=True)), **params)


def joined(row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Params) -> Any:
    """Compute what joins any number of operands along ``axis``."""
    size = size_of(batched, operands)
    operands = [repeated(x, b, size) for b, x in zip(batched, operands, strict=True)]
    return row(*operands, **{**params, "axis": params["axis"] + 1})


def along(*names: str, **defaults: Any) -> BatchingRule:
    """Return the rule of what works along the axes that these parameters say.

    Those of them that a call may leave out have their defaults here. Negative axes, counted from
    the end, stay as they are; None stands for all axes.
    """

    def rule(
        row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Params
    ) -> Any:
        if not batched[0] or any(batched[1:]):
            return LOOP
        ndim = len(shape_of(operands[0])) - 1
        given = {**defaults, **params}
        shifted = {name: _shifted(given[name], ndim) for name in names}
        return row(*operands, **{**given, **shifted})

    return rule


def _shifted(axis: Any, ndim: int) -> Any:
    if axis is None:
        return tuple(range(1, ndim + 1))
    if isinstance(axis, tuple):
        return tuple(k + 1 if k >= 0 else k for k in axis)
    return axis + 1 if axis >= 0 else axis


def of_one(rule: Callable[..., Any]) -> BatchingRule:
    """Return the rule of what has one operand: ``rule(row, x, **params)``."""
    return lambda row, batched, operands, params: rule(row, *operands, **params)


def whole(rule: BatchingRule) -> BatchingRule:
    """Extend a rule to ``axis=None`` where that means all entries in one row, as in `argmax`."""

    def extended(
        row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Params
    ) -> Any:
        if params.get("axis") is not None:
            return rule(row, batched, operands, params)
        return in_one_row(row, operands[0], 1, params)

    return extended


def in_one_row(row: Operation, x: Any, axis: Any, params: Params) -> Any:
    """Compute what takes all entries of each example in one row, along an ``axis`` of its own."""
    n, *shape = shape_of(x)
    rest = {name: value for name, value in params.items() if name not in ("axis", "keepdims")}
    y = row(np.reshape(x, (n, math.prod(shape))), axis=axis, **rest)
    return np.reshape(y, (n, *(1,) * len(shape))) if params.get("keepdims") else y
