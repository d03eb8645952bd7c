"""The kinds of operation: what a row declares, and what its kind makes of that.

============  =====================================  ============================================
kind          declared                               supplied by the kind
============  =====================================  ============================================
elementwise   output, local gradient per operand     broadcasting, pullback, pushforward
linear        output, pullback per operand           pushforward: the operation on the tangents
general       output, pullback per operand           pushforward: pulling back twice
constant      output                                 no gradient flows
============  =====================================  ============================================

Rules are functions of the operands and the output, written with operations and operators. On plain
values they compute numbers; on Arrays the same rules record a graph, which is how derivatives of
any order, compiled code and printed code come about.
"""

import chainrule.core.apply  # noqa: F401  # makes operations callable
from chainrule.core.constant import Constant, constant, stopped
from chainrule.core.elementwise import Elementwise, elementwise, guarded_multiply, identity
from chainrule.core.general import General, general
from chainrule.core.linear import (
    Linear,
    astype,
    broadcast_to,
    conform,
    linear,
    sum_to,
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
    "stopped",
    "sum_to",
    "unbroadcast",
]
