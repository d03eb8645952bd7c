"""Which entries of a solution depend on which of the equations, see `chainrule.core.dependence`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.array import shape_of
from chainrule.core.dependence import Dependence, Numbered, numbers, whole

__all__ = ["of_solve"]


def of_solve(
    row: Any, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Dependence:
    """Tell matrices of a batch apart, and the columns of b."""
    shape, result = shape_of(operands[k]), shape_of(output)
    columns = len(shape_of(operands[1])) > 1
    if k == 0:
        once = numbers(shape[:-2] + (1,) * (1 + columns))
        own = numbers((*shape[:-2], 1, 1))
    elif columns:
        once = own = numbers((*shape[:-2], 1, shape[-1]))
    else:
        return whole(row, k, operands, output, params)
    return Numbered(np.broadcast_to(once, result), np.broadcast_to(own, shape))
