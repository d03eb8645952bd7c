"""The kinds of operation: what a row declares, and what its kind makes of that.

============  =====================================  ============================================
kind          declared                               supplied by the kind
============  =====================================  ============================================
elementwise   output, local gradient per operand     broadcasting, pullback, pushforward, vmap
linear        output, pullback per operand           pushforward: the operation on the tangents
general       output, pullback per operand           pushforward: pulling back twice
constant      output                                 no gradient flows
============  =====================================  ============================================

Rules are functions of the operands and the output, written with operations and operators. On plain
values they compute numbers; on Arrays the same rules record a graph, which is how derivatives of
any order, compiled code and printed code come about.

Complex numbers on the way from real inputs to a real output: the gradient by z = x + iy is
d/dx - i d/dy, as in JAX and HIPS autograd. With it rules of functions that have a complex
derivative (products, exp, fft) are what they are for real numbers, with no conjugate in them; the
gradient of a real operand is the real part (`conform`). A row says ``dtypes="fc"`` where its rules
are right for complex numbers; all others refuse them.
"""

import chainrule.core.apply  # noqa: F401  # makes operations callable
from chainrule.core.constant import Constant, constant, stopped
from chainrule.core.elementwise import Elementwise, elementwise, guarded_multiply, identity, unknown
from chainrule.core.general import General, general
from chainrule.core.linear import (
    Linear,
    astype,
    broadcast_to,
    conform,
    linear,
    real,
    sum_to,
    to_float,
    unbroadcast,
)

__all__ = [
    "Constant",
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
    "identity",
    "linear",
    "real",
    "stopped",
    "sum_to",
    "to_float",
    "unbroadcast",
    "unknown",
]
