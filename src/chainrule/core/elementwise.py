"""The elementwise kind: a function of every entry alone, with NumPy's broadcasting.

Declared are the output and the local gradient by each operand. Pullback and pushforward multiply
with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence, Set
from types import FunctionType
from typing import Any, TypeAlias, Unpack

import numpy as np

from chainrule.core.array import Array, dtype_of, is_complex, shape_of, value_of
from chainrule.core.complex_parts import cartesian, parts_of
from chainrule.core.linear import broadcast_to, conform, sum_to
from chainrule.core.operation import Operation, rows_of
from chainrule.core.rules import positions_read
from chainrule.core.series import convolved
from chainrule.core.traits import Traits

__all__ = ["Elementwise", "elementwise", "guarded_multiply", "identity", "is_observed", "unknown"]

LocalGradient: TypeAlias = "Callable[..., Any] | int | None"

_ndarray = np.ndarray
_float64 = np.float64


def unknown(*operands: Any, **params: Any) -> Any:
    """Stand for a local gradient that nobody knows: such an operand may not have a history."""
    raise NotImplementedError


class Elementwise(Operation):
    """Acts on every entry alone, with NumPy broadcasting between operands."""

    def __init__(
        self, name: str, compute: Callable[..., Any], *, d: Any, **traits: Unpack[Traits]
    ) -> None:
        super().__init__(name, compute, **traits)
        self.entrywise = True
        self.d: tuple[LocalGradient, ...] = d if isinstance(d, tuple) else (d,)
        self.unknown = tuple(k for k, rule in enumerate(self.d) if rule is unknown)
        self.refuses = self.real_only or bool(self.unknown)

    def pull(
        self, k: int, g: Any, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
    ) -> Any:
        d = self.d[k]
        if not d:  # None or 0: no gradient flows
            return None
        if d == 1:
            gradient = g
        elif d == -1:
            gradient = -g
        else:
            local = d(*operands, output, **params)  # type: ignore[operator]
            gradient = self._times(g, local)
        return sum_to(gradient, operands[k])

    def pull_fast(
        self, k: int, g: Any, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
    ) -> Any:
        d = self.d[k]
        if type(d) is FunctionType:
            # One expression, so that NumPy computes in the memory of a large local gradient
            # wherever it is a temporary: one that no name, here or in the rule, refers to.
            if params:
                gradient = d(*operands, output, **params) * g
            elif len(operands) == 2:  # spelled out, a call takes half the time
                gradient = d(operands[0], operands[1], output) * g
            elif len(operands) == 1:
                gradient = d(operands[0], output) * g
            else:
                gradient = d(*operands, output) * g
        elif d == 1:
            gradient = g
        elif not d:
            return None
        elif d == -1:
            gradient = -g
        else:
            gradient = d(*operands, output, **params) * g  # type: ignore[operator]
        like = operands[k]
        kind = type(gradient)
        if kind is type(like):
            if kind is float or kind is _float64:
                return gradient
            if kind is _ndarray and gradient.shape == like.shape:
                return gradient if gradient.dtype is like.dtype else conform(gradient, like)
        return sum_to(gradient, like)

    def push(
        self,
        tangents: Sequence[Any],
        operands: Sequence[Any],
        output: Any,
        params: Mapping[str, Any],
    ) -> Any:
        total = None
        for d, tangent in zip(self.d, tangents, strict=True):
            if tangent is None or not d:
                continue
            if d == 1:
                part = tangent
            elif d == -1:
                part = -tangent
            else:
                local = d(*operands, output, **params)  # type: ignore[operator]
                part = self._times(tangent, local)
            total = part if total is None else total + part
        if total is not None and shape_of(total) != shape_of(output):
            total = broadcast_to(total, shape=shape_of(output))
        return conform(total, output)

    def _times(self, g: Any, local: Any) -> Any:
        # In code that is read, guards stand where the local gradient can be infinite, or is, unless
        # the reader asks for all of them; elsewhere an infinite operand may make it so, and guards
        # cost little: `backward` asks for them only where a first attempt gave nothing finite.
        if not self.singular and (_is_plain(g) or _is_plain(local)):
            product = local * g
            if np.all(np.isfinite(value_of(product))):
                return product
        # What a choice left out stops even an infinite upstream gradient.
        return guarded_multiply(local, g) if self.selects else guarded_multiply(g, local)

    def flows(self, k: int) -> bool:
        return bool(self.d[k])

    def needs(self, k: int, arity: int) -> tuple[Set[int], bool]:
        d = self.d[k]
        if not callable(d):
            return frozenset(), False
        return positions_read(d, arity, first=0)


elementwise = rows_of(Elementwise)


# A product in which 0 * inf = 0.


class _GuardedMultiply(Elementwise):
    """A product of which the first operand, where it is 0, stops the second and its derivatives."""

    def pull(
        self, k: int, g: Any, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
    ) -> Any:
        first, second = operands
        if k == 0:
            product = guarded_multiply(g, second)
        else:
            product = guarded_multiply(first, g)
            if not (is_observed(g) or is_observed(first)):
                met = ~np.isfinite(value_of(first))
                if np.any(met):  # where first is inf, and g is 0: elsewhere derivatives go on
                    product = guarded_multiply(~(met & np.equal(value_of(g), 0)), product)
        return sum_to(product, operands[k])

    def push(
        self,
        tangents: Sequence[Any],
        operands: Sequence[Any],
        output: Any,
        params: Mapping[str, Any],
    ) -> Any:
        (first, second), (t, u) = operands, tangents
        if u is None:
            return guarded_multiply(t, second)
        part = guarded_multiply(first, u)
        return part if t is None else guarded_multiply(t, second) + part


def is_observed(x: Any) -> bool:
    """Tell whether a value is recorded to become code, which is for other numbers, too."""
    return type(x) is Array and x.node is not None and x.node.recording.note is not None


def _is_plain(x: Any) -> bool:
    return is_observed(x) and not x.node.recording.every_guard


def _guarded_multiply(g: Any, local: Any) -> Any:
    number = type(local) is not _ndarray and not shape_of(local)
    if number and (type(g) is float or type(g) is _float64):
        if g != 0.0:
            return local * g
        if local - local != 0:  # it is infinite, or NaN
            np.multiply(0.0, np.inf)  # tells whoever listens to NumPy, as an array does
        return type(local + g)(0.0)  # of the type of the product, whatever g is
    product = local * g
    # One pass over the product finds out whether any entry can be NaN at all.
    if math.isfinite(abs(np.add.reduce(product, axis=None))):
        return product
    return np.where(np.equal(g, 0), np.zeros((), dtype_of(product)), product)[()]


def _guarded_form(g: Any, local: Any) -> Any:
    """Return the product of complex numbers: each part of g stops what it is multiplied with."""
    (p, q), (a, b) = parts_of(g), parts_of(local)
    if not is_complex(g):
        return cartesian(guarded_multiply(p, a), guarded_multiply(p, b))
    if not is_complex(local):
        return cartesian(guarded_multiply(p, a), guarded_multiply(q, a))
    return cartesian(
        guarded_multiply(p, a) - guarded_multiply(q, b),
        guarded_multiply(p, b) + guarded_multiply(q, a),
    )


#: ``g * local`` in which a zero upstream gradient stops even an infinite local one: 0 * inf = 0.
guarded_multiply: Elementwise = _GuardedMultiply(
    "guarded_multiply",
    _guarded_multiply,
    d=(lambda g, local, y: local, lambda g, local, y: g),
    singular=True,
    numpy=(),
    glyph="*",
    dtypes="fc",
    cartesian=_guarded_form,
    series=convolved,
)
#: The node that gives a transform a fresh input without cutting it off from an outer recording.
identity = elementwise("identity", lambda x: x, d=1, numpy=(), moves=True, view=True, dtypes="fc")
