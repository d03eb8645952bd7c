"""What autograd calls its boxes and their tracing."""

from __future__ import annotations

from typing import Any

from chainrule.core.array import Array, value_of
from chainrule.core.node import Node
from chainrule.interop.autograd.primitives import notrace_primitive, primitive

__all__ = ["Box", "Node", "getval", "isbox", "notrace_primitive", "primitive", "register_notrace"]

#: What a function under a transform sees in place of a number or an ndarray.
Box = Array


def isbox(x: Any) -> bool:
    """Tell a value whose history is being recorded."""
    return type(x) is Array


def getval(x: Any) -> Any:
    """Return the plain value."""
    return value_of(x)


def register_notrace(trace_type: Any, primitive_fun: Any) -> None:
    """Do nothing: what has no derivative is not recorded anyway."""
