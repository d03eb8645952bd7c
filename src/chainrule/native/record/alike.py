"""Whether two recorded runs are the same: what a function does that remembers nothing.

Two runs on Abstracts have no results to compare. But all that their results come from is in them:
operations, constants, what Python saw, and how the result is made of what was computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np

from chainrule.core.abstract import Abstract
from chainrule.core.source import is_internal
from chainrule.graph.graph import Apply, Constant, Vertex
from chainrule.native.record.program import Program

__all__ = ["alike", "is_plain", "same_value"]

_ndarray = np.ndarray
_CALLED = (np.ufunc, BuiltinFunctionType, type, type(np.sum))


def alike(a: Program, b: Program) -> bool:
    """Tell whether two programs compute the same from the same."""
    partners: dict[Vertex, Vertex] = dict(zip(a.inputs, b.inputs, strict=True))
    if len(a.captured) != len(b.captured) or len(a.guards) != len(b.guards):
        return False
    if any(x.value is not y.value for x, y in zip(a.captured, b.captured, strict=True)):
        return False
    partners |= dict(zip(a.captured, b.captured, strict=True))
    first, second = a.vertices(), b.vertices()
    if len(first) != len(second) or len(a.outputs) != len(b.outputs):
        return False
    for x, y in zip(first, second, strict=True):
        if x not in partners and _same(x, y, partners):
            partners[x] = y
        if partners.get(x) is not y:
            return False
    outputs = zip(a.outputs, b.outputs, strict=True)
    guards = zip(a.guards, b.guards, strict=True)
    return all(partners[x] is y for x, y in outputs) and all(
        partners[x] is y and same_value(seen, other) for (x, seen), (y, other) in guards
    )


def _same(x: Vertex, y: Vertex, partners: Mapping[Vertex, Vertex]) -> bool:
    if isinstance(x, Constant) and isinstance(y, Constant):
        return same_value(x.value, y.value)
    return (
        isinstance(x, Apply)
        and isinstance(y, Apply)
        and x.operation is y.operation
        and len(x.operands) == len(y.operands)
        and all(partners[p] is q for p, q in zip(x.operands, y.operands, strict=True))
        and same_value(dict(x.params), dict(y.params))
        and type(x.value) is type(y.value)
        and x.shape == y.shape
        and x.dtype == y.dtype
    )


def same_value(a: Any, b: Any) -> bool:
    """Tell whether two constants or parameters are the same, to the last bit."""
    if a is b:
        return True
    kind = type(a)
    if kind is not type(b):
        return False
    if kind is tuple or kind is list:
        return len(a) == len(b) and all(map(same_value, a, b))
    if kind is dict:
        return list(a) == list(b) and all(map(same_value, a.values(), b.values()))
    if kind is slice:
        return same_value((a.start, a.stop, a.step), (b.start, b.stop, b.step))
    if kind is _ndarray or isinstance(a, np.generic):
        if a.dtype != b.dtype or a.shape != b.shape or a.dtype.hasobject:
            return False
        if a.strides == b.strides:
            once = tuple(slice(None) if step else slice(0, 1) for step in a.strides)
            a, b = a[once], b[once]  # what is repeated
        return bool(np.all(_bits(a) == _bits(b)))
    if kind is float:
        return bool(a.hex() == b.hex())
    if isinstance(a, np.dtype):
        return bool(a == b)
    return kind in (int, bool, str, bytes, complex) and repr(a) == repr(b)


def _bits(x: Any) -> _ndarray[Any, Any]:
    return np.ascontiguousarray(x).view(np.uint8)


def is_plain(vertex: Vertex) -> bool:
    """Tell whether a vertex is as good as in a run with values.

    Its computation must be chainrule's, NumPy's or Python's own, for functions that a user declared
    may remember something; and no constant may be an Abstract that was taken out of its Array.
    """
    if not isinstance(vertex, Apply):
        return type(vertex.value) is not Abstract
    compute = vertex.operation.compute
    if isinstance(compute, FunctionType):
        return is_internal(compute.__code__)
    return isinstance(compute, _CALLED)
