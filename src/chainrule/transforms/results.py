"""The results of a transform on their way back to the user, and what the user may write into."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from chainrule.core.apply import apply_unary
from chainrule.core.array import Array, dtype_of, shape_of
from chainrule.core.callables import name_of
from chainrule.core.kinds import astype, identity
from chainrule.core.recording import Recording
from chainrule.errors import UnsupportedError

__all__ = ["check_real", "finish", "own", "plain"]

_ndarray = np.ndarray
_float64 = np.float64
_NUMBERS = (float, complex, np.generic)


def plain(value: Any, recording: Recording) -> Any:
    """Return a result as its user expects it: a plain value, and a float64 number as a float.

    It stays an Array where an outer recording may still differentiate it.
    """
    value = _unwrapped(value, recording)
    if type(value) is _float64:
        return float(value)
    if type(value) is Array and value.__class__ is _float64:
        return apply_unary(identity, float, value)
    return value


def _unwrapped(value: Any, recording: Recording) -> Any:
    if type(value) is Array:
        if value.node is None:
            return value.held
        outer = value.node.recording
        if outer is recording or not (_is_float(value) or outer.note is not None):
            return value.value
    return value


def check_real(values: Iterable[Any], f: Callable[..., Any]) -> None:
    """Raise where an output that is being differentiated is complex.

    Raises:
        UnsupportedError: it is; its gradient would come out as zero.
    """
    for value in values:
        if type(value) is Array and value.dtype.kind == "c":
            raise UnsupportedError(
                f"the output of {name_of(f)} is complex ({value.dtype}), so it has no gradient: "
                "differentiate a real number made of it, such as np.abs(y)**2, y.real or y.imag. "
                "The derivative of a holomorphic function is chainrule.holomorphic_grad(f), and "
                "all of an array's are chainrule.jacobian(f)"
            )


def own(value: Any) -> Any:
    """Copy what the caller may write into while a graph still needs it."""
    if type(value) is Array:
        return Array(value.held, value.node)
    return np.array(value) if type(value) is _ndarray else value


def _is_float(value: Array) -> bool:
    return value.dtype.kind in "fc"


def finish(results: Sequence[Any], values: Sequence[Any], recording: Recording) -> list[Any]:
    """Give gradients or tangents the type, dtype and shape of what they belong to.

    Each also has memory of its own.
    """
    finished = []
    given: set[int] = set()
    for g, like in zip(results, values, strict=True):
        if type(g) is Array:
            g = _unwrapped(g, recording)
        kind = like.__class__
        if g is None:
            zero = np.zeros(shape_of(like), dtype_of(like))
            g = zero if kind is _ndarray else kind(0) if kind in (float, complex) else zero[()]
        elif type(g) is Array:
            g = _with_type(g, like)
        elif kind is _ndarray:
            if type(g) is not _ndarray or g.dtype != like.dtype:
                g = np.array(g, dtype=like.dtype)
            if g.base is not None or not g.flags.writeable or id(g) in given:
                g = np.array(g)
            given.add(id(g))
        elif type(g) is not kind and issubclass(kind, _NUMBERS):
            g = kind(g)
        finished.append(g)
    return finished


def _with_type(g: Array, like: Any) -> Array:
    """Give an Array the type and the dtype of another value."""
    kind = like.__class__
    dtype = np.dtype(float) if kind is float else getattr(like, "dtype", g.dtype)
    if g.dtype != dtype:
        g = astype(g, dtype=dtype)
    if g.__class__ is not kind:
        g = apply_unary(identity, np.asarray if kind is _ndarray else kind, g)
    return g
