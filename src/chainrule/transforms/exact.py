"""Results of transforms inside a recording that is to keep the types of its function's results.

Around a transform such a recording (of ``chainrule.compile``) sees Arrays where the function as it
is would see plain numbers, and a transform gives plain numbers other types than Arrays: a gradient
by a float is a float. Here they get them as Arrays, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.abstract import retyped, type_of
from chainrule.core.apply import apply_unary
from chainrule.core.array import Array
from chainrule.core.kinds import astype, identity
from chainrule.core.node import Node
from chainrule.core.recording import Recording, has_ended

__all__ = ["alone", "as_float", "like_value", "with_type"]

_float64 = np.dtype(float)


def alone(value: Array, recording: Recording) -> bool:
    """Tell whether a result would be plain without the recording around its transform's.

    It would be unless it depends on an input of another transform that is still running.
    """
    outer = value.node.recording
    if outer.types is None:
        return False
    fresh = outer.types.fresh
    stack: list[Node] = [value.node]
    seen = set(stack)
    while stack:
        node = stack.pop()
        owner = fresh.get(node) if node.parents else node.recording
        if owner not in (None, recording, outer) and not has_ended(owner):
            return False
        for parent in node.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return True


def like_value(like: Any, recording: Recording) -> Any:
    """Return what tells the type of a result: the value itself, if it would be plain."""
    return like.value if type(like) is Array and alone(like, recording) else like


def with_type(g: Array, like: Any, recording: Recording) -> Array:
    """Give a gradient or tangent the type that it would have if it were plain."""
    like = like_value(like, recording)
    kind = type_of(like)
    if kind is Array or not alone(g, recording):
        return g
    if issubclass(kind, float):  # np.float64 is a float, too
        return _retyped(g, float, _float64)
    if issubclass(kind, (np.ndarray, np.generic)):
        return _retyped(g, kind, like.dtype)
    return g


def _retyped(value: Array, kind: type, dtype: np.dtype[Any]) -> Array:
    if value.dtype != dtype:
        value = astype(value, dtype=dtype)
    if type_of(value.value) is not kind:
        value = apply_unary(identity, lambda x: retyped(x, kind), value)
    types = value.node.recording.types
    if types is not None:
        types.given.add(value.node)
    return value


def as_float(value: Array) -> Array:
    """Return a number as a Python float."""
    return _retyped(value, float, _float64)
