"""Which vertices stay finite, whatever the arguments are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.core.array import dtype_of
from chainrule.core.domain import REAL
from chainrule.core.kinds import Elementwise, Linear
from chainrule.graph.graph import Apply, Constant, Input, Vertex, is_number, topological
from chainrule.graph.looks import saw
from chainrule.operations import elementwise

__all__ = ["all_finite", "always_finite"]


def all_finite(value: Any) -> bool:
    """Tell whether no entry is infinite or NaN; integers may be larger than any float."""
    return dtype_of(value).kind not in "fc" or bool(np.all(np.isfinite(value)))


def always_finite(x: Vertex) -> bool:
    """Tell whether a vertex is finite, and will be for all finite arguments (that are not huge)."""
    finite: dict[Vertex, bool] = {}
    for vertex in topological([x]):
        if isinstance(vertex, Apply):
            here = _keeps_finite(vertex, finite)
        else:
            here = vertex.finite if isinstance(vertex, Input) else True
        finite[vertex] = here and saw(all_finite, vertex)
    return finite[x]


def _keeps_finite(x: Apply, finite: Mapping[Vertex, bool]) -> bool:
    """Tell whether an operation makes nothing infinite of its operands."""
    operation = x.operation
    if x.dtype.kind not in "fc":
        return True
    if not all(finite[operand] for operand in x.operands):
        return False
    if operation is elementwise.divide:
        return _never_zero(x.operands[1])
    if operation is elementwise.power:
        return is_number(x.operands[1]) and _is_natural_number(x.operands[1].value)
    if isinstance(operation, Elementwise):
        domain = operation.domain
        anywhere = domain is None or domain == REAL or set(domain) == {REAL}
        return anywhere and not operation.singular
    return isinstance(operation, Linear)


def _is_natural_number(exponent: float) -> bool:
    return exponent >= 0 and exponent == math.floor(exponent)


def _never_zero(x: Vertex) -> bool:
    return isinstance(x, Constant) and saw(_all, x)


def _all(value: Any) -> bool:
    return bool(np.all(value))
