"""The three kinds of operation, and the few operations that the kinds themselves need.

============  =====================================  ============================================
kind          declared                               supplied by the kind
============  =====================================  ============================================
elementwise   output, local gradient per operand     broadcasting, pullback, pushforward
linear        output, pullback per operand           pushforward: the operation on the tangents
general       output, pullback per operand           pushforward: pulling back twice
============  =====================================  ============================================

Rules are functions of the operands and the output, written with operations and operators. On plain
values they compute numbers; on Arrays the same rules record a graph, which is how derivatives of
any order, compiled code and printed code come about.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence, Set
from types import FunctionType
from typing import Any, TypeAlias

import numpy as np

from chainrule.core.abstract import Abstract, as_array
from chainrule.core.array import Array, Leaf, shape_of
from chainrule.core.operation import Operation, parameters_used
from chainrule.core.recording import Recording
from chainrule.errors import UnsupportedError

__all__ = [
    "Elementwise",
    "General",
    "Linear",
    "astype",
    "broadcast_to",
    "conform",
    "constant",
    "elementwise",
    "general",
    "guarded_multiply",
    "linear",
    "stopped",
    "sum_to",
    "unbroadcast",
]

LocalGradient: TypeAlias = "Callable[..., Any] | int | None"
Rule: TypeAlias = "Callable[..., Any] | None"

_ndarray = np.ndarray
_float64 = np.float64


class Elementwise(Operation):
    """Acts on every entry alone, with NumPy broadcasting between operands."""

    def __init__(self, name: str, compute: Callable[..., Any], *, d: Any, **traits: Any) -> None:
        super().__init__(name, compute, **traits)
        self.d: tuple[LocalGradient, ...] = d if isinstance(d, tuple) else (d,)

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
            gradient = d(*operands, output, **params) * g
        elif d == 1:
            gradient = g
        elif not d:
            return None
        elif d == -1:
            gradient = -g
        else:
            gradient = d(*operands, output, **params) * g  # type: ignore[operator]
        like = operands[k]
        if type(gradient) is _ndarray is type(like) and gradient.shape == like.shape:
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
        # In code that is read, guards stand where the local gradient can be infinite, unless the
        # reader asks for all of them; elsewhere an infinite operand may make it so, and guards cost
        # little: `backward` asks for them only where a first attempt without gave nothing finite.
        if self.singular or not (_is_plain(g) or _is_plain(local)):
            return guarded_multiply(g, local)
        return local * g

    def needs(self, k: int, arity: int) -> tuple[Set[int], bool]:
        d = self.d[k]
        if not callable(d):
            return frozenset(), False
        return _positions(d, arity, first=0)


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
            if not _is_observed(g):
                product = guarded_multiply(g != 0, product)  # where first is inf, and g is 0
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
        **traits: Any,
    ) -> None:
        super().__init__(name, compute, **traits)
        self.pullback: Any = _rules(pullback, variadic)
        self.multilinear = multilinear
        self.variadic = variadic

    def pull(
        self, k: int, g: Any, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
    ) -> Any:
        if self.variadic:
            return conform(self.pullback(k, g, *operands, **params), operands[k])
        if not self._flows(k):
            return None
        return conform(self.pullback[k](g, *operands, **params), operands[k])

    pull_fast = pull  # there is no product here in which 0 could meet infinity

    def push(
        self,
        tangents: Sequence[Any],
        operands: Sequence[Any],
        output: Any,
        params: Mapping[str, Any],
    ) -> Any:
        active = [k for k, t in enumerate(tangents) if t is not None and self._flows(k)]
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
                (tangents[j] if j in active else _zeros_like(x)) if self._flows(j) else x
                for j, x in enumerate(operands)
            ),
            **params,
        )

    def _flows(self, k: int) -> bool:
        return self.variadic or (k < len(self.pullback) and self.pullback[k] is not None)

    def needs(self, k: int, arity: int) -> tuple[Set[int], bool]:
        if self.variadic:
            others = set(range(arity)) - {k} if self.multilinear else set()
            return others, False
        if not self._flows(k):
            return frozenset(), False
        operands, _ = _positions(self.pullback[k], arity, first=1)
        return operands - {k}, False


class General(Operation):
    """Anything else: its pullback may use all operands and the output."""

    def __init__(
        self,
        name: str,
        compute: Callable[..., Any],
        *,
        pullback: Any,
        pushforward: Callable[..., Any] | None = None,
        variadic: bool = False,
        **traits: Any,
    ) -> None:
        super().__init__(name, compute, **traits)
        self.pullback: Any = _rules(pullback, variadic)
        self.pushforward = pushforward
        self.variadic = variadic

    def pull(
        self, k: int, g: Any, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
    ) -> Any:
        if self.variadic:
            return conform(self.pullback(k, g, *operands, output, **params), operands[k])
        rule = self.pullback[k]
        if rule is None:
            return None
        return conform(rule(g, *operands, output, **params), operands[k])

    pull_fast = pull

    def push(
        self,
        tangents: Sequence[Any],
        operands: Sequence[Any],
        output: Any,
        params: Mapping[str, Any],
    ) -> Any:
        if self.pushforward is not None:
            return self.pushforward(tangents, *operands, output, **params)
        # The pullback is linear in g, so its own pullback, wherever it starts, is the pushforward
        # (Griewank and Walther, Evaluating Derivatives, 2008, section 3.7).
        from chainrule.core.backward import backward

        start = np.zeros(shape_of(output), dtype=_dtype_of(output))
        probe = Array(start, Leaf(Recording()))
        total = None
        for k, tangent in enumerate(tangents):
            if tangent is None:
                continue
            pulled = self.pull(k, probe, operands, output, params)
            if type(pulled) is not Array:
                continue
            (part,) = backward([(pulled, tangent)], [probe.node])
            if part is not None:
                total = part if total is None else total + part
        return total

    def needs(self, k: int, arity: int) -> tuple[Set[int], bool]:
        if self.variadic:
            return frozenset(range(arity)), True
        if self.pullback[k] is None:
            return frozenset(), False
        operands, output = _positions(self.pullback[k], arity, first=1)
        if self.pushforward is not None:
            more, output_too = _positions(self.pushforward, arity, first=1)
            operands, output = operands | more, output or output_too
        return operands, output


class Constant(Operation):
    """An operation whose output carries no gradient: comparisons, argmax, isnan."""

    differentiable = False

    def pull(
        self, k: int, g: Any, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
    ) -> Any:
        return None

    def push(
        self,
        tangents: Sequence[Any],
        operands: Sequence[Any],
        output: Any,
        params: Mapping[str, Any],
    ) -> Any:
        return None

    def needs(self, k: int, arity: int) -> tuple[Set[int], bool]:
        return frozenset(), False


def _rules(pullback: Any, variadic: bool) -> Any:
    if variadic or isinstance(pullback, tuple):
        return pullback
    return (pullback,)


def _positions(rule: Callable[..., Any], arity: int, first: int) -> tuple[Set[int], bool]:
    """Return which operands a rule reads, and whether it reads the output after them."""
    if not isinstance(rule, FunctionType):  # a bound method, say: it may read all of them
        return frozenset(range(arity)), True
    code = rule.__code__
    used = parameters_used(rule)
    names = code.co_varnames[first : code.co_argcount]
    operands = frozenset(k for k, name in enumerate(names[:arity]) if name in used)
    if code.co_flags & inspect.CO_VARARGS:  # *rest: the operands without a name, and the output
        if code.co_varnames[code.co_argcount + code.co_kwonlyargcount] not in used:
            return operands, False
        return operands.union(range(len(names), arity)), True
    return operands, len(names) > arity and names[arity] in used


def elementwise(name: str, compute: Callable[..., Any], *, d: Any, **traits: Any) -> Elementwise:
    """Declare an operation that acts on every entry alone.

    Args:
        name: what graphs, messages and printed code call it.
        compute: the function of plain values, broadcasting as NumPy does.
        d: the local gradient, a function of ``(*operands, output)``; for several operands a tuple
            of them. ``1``, ``-1`` and ``0`` stand for constants, None for an operand that has no
            derivative. Write it with operators and operations, so that it can be recorded too.
        traits: see `Operation`; ``singular=True`` where d can be infinite.

    >>> import numpy as np, chainrule as cr
    >>> cube = cr.elementwise("cube", lambda x: x**3, d=lambda x, y: 3 * x**2)
    >>> cr.grad(cube)(2.0)
    12.0
    """
    return Elementwise(name, compute, d=d, **traits)


def linear(
    name: str,
    compute: Callable[..., Any],
    *,
    pullback: Any,
    multilinear: bool = False,
    variadic: bool = False,
    **traits: Any,
) -> Linear:
    """Declare an operation that is linear in its operands.

    Args:
        name: what graphs, messages and printed code call it.
        compute: the function of plain values; keyword arguments are static parameters.
        pullback: ``(g, *operands, **params) -> gradient`` per operand, where of the operand itself
            only ``shape`` and ``dtype`` may be used; None for an operand without a derivative.
            Operands after the last rule (index arrays) have no derivative either.
        multilinear: linear in each operand while the others are held fixed (a product), not in all
            of them together (a concatenation).
        variadic: any number of operands; ``pullback(k, g, *operands, **params)`` serves them all.
        traits: see `Operation`.
    """
    return Linear(
        name, compute, pullback=pullback, multilinear=multilinear, variadic=variadic, **traits
    )


def general(
    name: str,
    compute: Callable[..., Any],
    *,
    pullback: Any,
    pushforward: Callable[..., Any] | None = None,
    variadic: bool = False,
    **traits: Any,
) -> General:
    """Declare an operation by its pullback.

    Args:
        name: what graphs, messages and printed code call it.
        compute: the function of plain values; keyword arguments are static parameters.
        pullback: ``(g, *operands, output, **params) -> gradient`` per operand, or None.
        pushforward: ``(tangents, *operands, output, **params) -> tangent``, where None in
            ``tangents`` is zero. Left out, it is had by pulling back twice.
        variadic: any number of operands; ``pullback(k, g, *operands, output, **params)``.
        traits: see `Operation`.

    >>> import numpy as np, chainrule as cr
    >>> dist = cr.operation(
    ...     "dist",
    ...     lambda a, b: np.sqrt(np.sum((a - b) ** 2)),
    ...     pullback=(lambda g, a, b, y: g * (a - b) / y, lambda g, a, b, y: g * (b - a) / y),
    ... )
    >>> cr.grad(dist)(np.array([3.0, 4.0]), np.zeros(2))
    array([0.6, 0.8])
    """
    return General(
        name, compute, pullback=pullback, pushforward=pushforward, variadic=variadic, **traits
    )


def constant(name: str, compute: Callable[..., Any], **traits: Any) -> Constant:
    """Declare an operation whose output carries no gradient (booleans, integers)."""
    return Constant(name, compute, **traits)


# What the kinds need.


def _dtype_of(value: Any) -> np.dtype[Any]:
    found: np.dtype[Any] = value.dtype if hasattr(value, "dtype") else np.asarray(value).dtype
    return found


def _zeros_like(value: Any) -> Any:
    return 0.0 if type(value) is float else np.zeros(shape_of(value), _dtype_of(value))


def _is_observed(x: Any) -> bool:
    return type(x) is Array and x.node.recording.note is not None


def _is_plain(x: Any) -> bool:
    return _is_observed(x) and not x.node.recording.every_guard


def conform(g: Any, like: Any) -> Any:
    """Cast a gradient to the dtype of its operand, so that float32 stays float32."""
    if g is None or type(g) is float or type(like) is float:
        return g
    try:
        dtype = like.dtype
        if g.dtype is dtype or g.dtype == dtype or dtype.kind != "f":
            return g
    except AttributeError:
        return g
    if g.dtype.kind == "c":
        raise _complex_gradient()
    return astype(g, dtype=dtype)


def _complex_gradient() -> UnsupportedError:
    return UnsupportedError(
        "a complex gradient reached a real operand: complex numbers are not supported yet"
    )


def sum_to(g: Any, like: Any) -> Any:
    """Undo broadcasting: sum a gradient over the axes along which its operand was repeated."""
    if type(like) is float or type(like) is _float64:
        if type(g) is float or type(g) is _float64:
            return g
        if shape_of(g):
            g = unbroadcast(g, shape=())
        if _dtype_of(g).kind == "c":
            raise _complex_gradient()
        return g
    if type(g) is _ndarray and type(like) is _ndarray:
        if g.shape != like.shape:
            g = _unbroadcast(g, shape=like.shape)
        return g if g.dtype is like.dtype else conform(g, like)
    shape = shape_of(like)
    if shape_of(g) != shape:
        g = unbroadcast(g, shape=shape)
    return conform(g, like)


def _unbroadcast(g: Any, *, shape: tuple[int, ...]) -> Any:
    g = as_array(g)
    extra = g.ndim - len(shape)
    if extra > 0:
        g = np.add.reduce(g, axis=0 if extra == 1 else tuple(range(extra)))
    if g.shape == shape:
        return g
    axes = tuple(k for k, n in enumerate(shape) if n == 1 and g.shape[k] != 1)
    return np.add.reduce(g, axis=axes, keepdims=True)


def _broadcast_to(x: Any, shape: tuple[int, ...]) -> Any:
    if shape_of(x) == () and type(x) is not Abstract:
        # What np.broadcast_to does, without its overhead: one number with strides of zero.
        x = np.array(x)
        x.flags.writeable = False  # nobody else has it: it is a constant to all who see it
        x = np.ndarray(shape, x.dtype, x, 0, (0,) * len(shape))
        x.flags.writeable = False
        return x
    return np.broadcast_to(x, shape)


def _guarded_multiply(g: Any, local: Any) -> Any:
    number = type(local) is not _ndarray and not shape_of(local)
    if number and (type(g) is float or type(g) is _float64):
        return local * g if g != 0.0 else 0.0
    product = local * g
    # One pass over the product finds out whether any entry can be NaN at all.
    if type(product) is Abstract or math.isfinite(np.add.reduce(product, axis=None)):
        return product
    return np.where(np.equal(g, 0), np.zeros((), _dtype_of(product)), product)[()]


unbroadcast: Linear = linear(
    "unbroadcast", _unbroadcast, pullback=lambda g, x, shape: broadcast_to(g, shape=x.shape)
)
broadcast_to: Linear = linear(
    "broadcast_to",
    _broadcast_to,
    pullback=lambda g, x, shape: unbroadcast(g, shape=shape_of(x)),
    source="np.broadcast_to({0}, {shape})",
)
astype = linear(
    "astype",
    lambda x, dtype: as_array(x).astype(dtype)[()],
    pullback=lambda g, x, dtype: g,
    source="{0}.astype(np.{dtype})",
)
#: ``g * local`` in which a zero upstream gradient stops even an infinite local one: 0 * inf = 0.
guarded_multiply: Elementwise = _GuardedMultiply(
    "guarded_multiply",
    _guarded_multiply,
    d=(lambda g, local, y: local, lambda g, local, y: g),
    singular=True,
)
#: The node that gives a transform a fresh input without cutting it off from an outer recording.
identity = elementwise("identity", lambda x: x, d=1)
#: A constant: a plain value in an eager gradient, but a part of the graph where that is noted.
stopped = constant("stop_gradient", lambda x: x)
