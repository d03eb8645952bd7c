"""What autograd is extended with: primitives, their rules, and vector spaces."""

from __future__ import annotations

from chainrule.interop.autograd.core import JVPNode, VJPNode
from chainrule.interop.autograd.primitives import (
    def_linear,
    defjvp,
    defjvp_argnum,
    defjvp_argnums,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    notrace_primitive,
    primitive,
)
from chainrule.interop.autograd.tracer import Box, register_notrace
from chainrule.interop.autograd.vspaces import SparseObject, VSpace, vspace

__all__ = [
    "Box",
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
    "notrace_primitive",
    "primitive",
    "register_notrace",
    "vspace",
]
