"""The linear kind, and the linear operations that every kind needs: casting and broadcasting.

An operation is linear in its operands together (a sum, a reshape, a concatenation) or in each alone
(``multilinear``: a matrix product). Its pushforward is the operation itself, of the tangents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, Unpack

import numpy as np

from chainrule.core.array import dtype_of, is_complex, shape_of
from chainrule.core.dependence import Dependence, Numbered, numbers
from chainrule.core.domain import example
from chainrule.core.operation import Operation, rows_of
from chainrule.core.rules import per_operand, positions_read
from chainrule.core.series import convolved
from chainrule.core.traits import Traits

__all__ = [
    "Linear",
    "astype",
    "broadcast_to",
    "conform",
    "linear",
    "real",
    "sum_to",
    "to_float",
    "unbroadcast",
]

_ndarray = np.ndarray
_float64 = np.float64


class Linear(Operation):
    """Linear in its differentiable operands, jointly or (``multilinear``) in each alone.

    The pullback of operand k never needs the value of operand k, only its shape.
    """

    def __init__(
        self,
        name: str,
        compute: Callable[..., Any],
        *,
        pullback: Any,
        multilinear: bool = False,
        variadic: bool = False,
        **traits: Unpack[Traits],
    ) -> None:
        super().__init__(name, compute, **traits)
        if multilinear:
            self.series = convolved
        self.pullback: Any = per_operand(pullback, variadic)
        self.multilinear = multilinear
        self.variadic = variadic

    def pull(
        self, k: int, g: Any, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
    ) -> Any:
        pullback = self.pullback
        if self.variadic:
            return conform(pullback(k, g, operands, **params), operands[k])
        rule = pullback[k] if k < len(pullback) else None
        if rule is None:
            return None
        return conform(rule(g, *operands, **params), operands[k])

    pull_fast = pull  # there is no product here in which 0 could meet infinity

    def push(
        self,
        tangents: Sequence[Any],
        operands: Sequence[Any],
        output: Any,
        params: Mapping[str, Any],
    ) -> Any:
        active = [k for k, t in enumerate(tangents) if t is not None and self.flows(k)]
        if not active:
            return None
        if self.multilinear:
            parts = [
                self(*(tangents[j] if j == k else x for j, x in enumerate(operands)), **params)
                for k in active
            ]
            return sum(parts[1:], parts[0])
        return self(
            *(
                (tangents[j] if j in active else _zeros_like(x)) if self.flows(j) else x
                for j, x in enumerate(operands)
            ),
            **params,
        )

    def flows(self, k: int) -> bool:
        return self.variadic or (k < len(self.pullback) and self.pullback[k] is not None)

    def needs(self, k: int, arity: int) -> tuple[Set[int], bool]:
        if self.variadic:
            others = set(range(arity)) - {k} if self.multilinear else set()
            return others, False
        if not self.flows(k):
            return frozenset(), False
        operands, _ = positions_read(self.pullback[k], arity, first=1)
        return operands - {k}, False


linear = rows_of(Linear)


# What gives a gradient the dtype and the shape of its operand.


def _zeros_like(value: Any) -> Any:
    return 0.0 if type(value) is float else np.zeros(shape_of(value), dtype_of(value))


def conform(g: Any, like: Any) -> Any:
    """Cast a gradient to the dtype of its operand, so that float32 stays float32.

    The gradient of a real operand is the real part of what came by way of complex numbers: it does
    not move off the real axis.
    """
    if g is None or type(g) is float:
        return g
    if type(g) is _ndarray is type(like) and g.dtype is like.dtype:
        return g
    if type(like) is float or type(g) is complex:
        return real(g) if is_complex(g) and not is_complex(like) else g
    try:
        dtype = like.dtype
        if g.dtype is dtype or g.dtype == dtype or dtype.kind not in "fc":
            return g
    except AttributeError:
        return g
    if dtype.kind == "f" and g.dtype.kind == "c":
        g = real(g)
        return g if g.dtype == dtype else astype(g, dtype=dtype)
    return astype(g, dtype=dtype)


def sum_to(g: Any, like: Any) -> Any:
    """Undo broadcasting: sum a gradient over the axes along which its operand was repeated."""
    if type(like) is float or type(like) is _float64:
        if type(g) is float or type(g) is _float64:
            return g
        if shape_of(g):
            g = unbroadcast(g, shape=())
        return real(g) if is_complex(g) else g
    if type(g) is _ndarray and type(like) is _ndarray:
        if g.shape != like.shape:
            g = _unbroadcast(g, shape=like.shape)
        return g if g.dtype is like.dtype else conform(g, like)
    shape = shape_of(like)
    if shape_of(g) != shape:
        g = unbroadcast(g, shape=shape)
    return conform(g, like)


def _unbroadcast(g: Any, *, shape: tuple[int, ...]) -> Any:
    g = np.asarray(g)
    extra = g.ndim - len(shape)
    if extra > 0:
        g = np.add.reduce(g, axis=0 if extra == 1 else tuple(range(extra)))
    if g.shape == shape:
        return g
    axes = tuple(k for k, n in enumerate(shape) if n == 1 and g.shape[k] != 1)
    return np.add.reduce(g, axis=axes, keepdims=True)


def _broadcast_to(x: Any, shape: tuple[int, ...]) -> Any:
    if shape_of(x) == ():
        # What np.broadcast_to does, without its overhead: one number with strides of zero.
        if type(x) is not _ndarray:
            x = np.array(x)
            x.setflags(write=False)  # nobody else has it: it is a constant to all who see it
        x = np.ndarray(shape, x.dtype, x, 0, (0,) * len(shape))
        x.setflags(write=False)
        return x
    return np.broadcast_to(x, shape)


def _batched_unbroadcast(
    row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Mapping[str, Any]
) -> Any:
    (g,) = operands
    n, *rest = shape_of(g)
    shape = params["shape"]
    ones = (1,) * (len(rest) - len(shape))  # the axes that vanish
    y = row(g, shape=(n, *ones, *shape))
    return y.reshape((n, *shape)) if ones else y


def _batched_broadcast(
    row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Mapping[str, Any]
) -> Any:
    (x,) = operands
    n, *rest = shape_of(x)
    shape = params["shape"]
    missing = len(shape) - len(rest)
    if missing:
        x = x.reshape((n, *(1,) * missing, *rest))
    return row(x, shape=(n, *shape))


def _unbroadcast_dependence(
    row: Any, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Dependence:
    shape = shape_of(operands[0])
    return Numbered(None, np.broadcast_to(numbers(params["shape"]), shape))


unbroadcast: Linear = linear(
    "unbroadcast",
    _unbroadcast,
    pullback=lambda g, x, shape: broadcast_to(g, shape=x.shape),
    reduces=True,
    dtypes="fc",
    depends=_unbroadcast_dependence,
    batch=_batched_unbroadcast,
)
broadcast_to: Linear = linear(
    "broadcast_to",
    _broadcast_to,
    pullback=lambda g, x, shape: unbroadcast(g, shape=shape_of(x)),
    source="np.broadcast_to({0}, {shape})",
    glyph="repeat",
    moves=True,
    view=True,
    dtypes="fc",
    batch=_batched_broadcast,
)
astype = linear(
    "astype",
    lambda x, dtype: np.asarray(x).astype(dtype)[()],
    pullback=lambda g, x, dtype: g,
    source="{0}.astype(np.{dtype})",
    entrywise=True,
    dtypes="fc",
)
#: Python's ``float``, which is no array of numbers and widens no dtype.
to_float = linear(
    "to_float",
    lambda x: np.asarray(x, float) if shape_of(x) else float(x),
    pullback=lambda g, x: g,
    source="float({0})",
    entrywise=True,
    examples=(example(()),),
    dtypes="f",
)
#: The real part. The gradient of a complex operand is then real, too.
real: Linear = linear(
    "real",
    np.real,
    pullback=lambda g, x: g,
    source="{0}.real",
    entrywise=True,
    examples=(example(()), example((2, 3))),
    view=True,
    dtypes="fc",
)
