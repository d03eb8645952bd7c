"""autograd's module of that name: derivatives of functions of one argument, spaces and rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.core.node import Node as JVPNode
from chainrule.core.node import Node as VJPNode
from chainrule.interop.autograd import operators
from chainrule.interop.autograd.primitives import (
    def_linear,
    defjvp,
    defjvp_argnum,
    defjvp_argnums,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    primitive,
    primitive_jvps,
    primitive_vjps,
)
from chainrule.interop.autograd.vspaces import SparseObject, VSpace, vspace

__all__ = [
    "JVPNode",
    "SparseObject",
    "VJPNode",
    "VSpace",
    "def_linear",
    "defjvp",
    "defjvp_argnum",
    "defjvp_argnums",
    "defvjp",
    "defvjp_argnum",
    "defvjp_argnums",
    "make_jvp",
    "make_vjp",
    "primitive",
    "primitive_jvps",
    "primitive_vjps",
    "vspace",
]


def make_vjp(fun: Callable[[Any], Any], x: Any) -> Any:
    """Return ``(vjp, value)`` of a function at x."""
    return operators.make_vjp(fun)(x)


def make_jvp(fun: Callable[[Any], Any], x: Any) -> Any:
    """Return ``v -> (value, Jacobian times v)`` of a function at x."""
    return operators.make_jvp(fun)(x)
