"""Recording a function of large arrays without their values.

A recorded run needs values only where Python looks at them. So large arrays are Abstracts in it,
and it takes as long as for small ones. It is made twice, and what was recorded must be the same.
Where values are needed after all there is no such recording.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.abstract import Abstract, Scope, ValuesNeeded, type_of
from chainrule.core.array import Array
from chainrule.core.kinds import Elementwise
from chainrule.core.recording import Types
from chainrule.native.record.alike import alike, is_plain, same_value
from chainrule.native.record.run import NotFaithful, NotLarge, Recorded, Run, run
from chainrule.native.record.signature import Recorded as Inside
from chainrule.numpy.lookup import named_in
from chainrule.numpy.ufuncs import UFUNCS

__all__ = ["LARGE", "recorded_without_values"]

_SPECIAL = [row for row in named_in("scipy.special").values() if isinstance(row, Elementwise)]
#: Operations whose result, where it has no axes, is a number in NumPy, too.
_GIVE_NUMBERS = {
    *(row.name for row in (*UFUNCS.values(), *_SPECIAL)),
    *("sum", "mean", "var", "std", "max", "min", "prod", "any", "all", "argmax", "argmin"),
    *("norm", "logsumexp", "dot", "inner", "vdot", "trace", "getitem"),
} - {"clip", "conjugate"}  # which the methods of an array do otherwise
#: Entries from which on an array is large.
LARGE = 16_384


def recorded_without_values(
    f: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    names: Sequence[str],
) -> Recorded | None:
    """Record a function; see `chainrule.native.record.run` for what it is given.

    Returns:
        What was recorded; None where nothing is large, where values are needed, or where two runs
        differ or fail, which only real runs can tell more about.

    Raises:
        NotFaithful: compiled code could not do what the function does.
    """
    first, second = Scope(LARGE), Scope(LARGE)
    try:
        draft = run(f, args, kwargs, names, True, True, first)
        again = run(f, args, kwargs, names, True, True, second)
        if first.needed or second.needed or not _same_constants(draft, again):
            return None
        recorded, other = draft.recorded(_result(draft)), again.recorded(_result(again))
    except NotLarge:
        return None
    except NotFaithful:
        if first.needed or second.needed:
            return None
        raise
    except Inside:
        raise
    except Exception:
        return None  # the function itself may raise it, too, which real values will show
    program = recorded.program
    if not all(map(is_plain, program.vertices())) or not alike(program, other.program):
        return None
    return recorded


def _result(draft: Run) -> Any:
    """Return the result of a run as the function itself would, but for values.

    Raises:
        ValuesNeeded: the type of a part is not certain.
    """
    leaves, build = trees.flatten(draft.output)
    if not all(_is_typed(leaf, draft.types) for leaf in leaves if type(leaf) is Array):
        raise ValuesNeeded
    return build([leaf.value if type(leaf) is Array else leaf for leaf in leaves])


def _is_typed(leaf: Array, types: Types) -> bool:
    """Tell whether the function itself would return a value of the same type.

    For arrays with axes it would. A number may be an array of no axes in its place: not where it
    comes from a ufunc or a reduction, for these give numbers, nor where a transform saw to it.
    """
    kind, node = type_of(leaf.value), leaf.node
    if leaf.shape or kind is float:
        return True
    if kind in (int, bool):
        return type(leaf.value) is not Abstract
    while node not in types.given and node.parents:
        if node.operation.name not in ("identity", "stop_gradient"):
            return kind is not np.ndarray and node.operation.name in _GIVE_NUMBERS
        parent = node.parents[0]
        if parent is None:
            return False
        node = parent
    return True


def _same_constants(a: Run, b: Run) -> bool:
    """Tell whether results are made alike, and of the same where nothing was recorded."""
    if trees.paths(a.output) != trees.paths(b.output):
        return False
    pairs = zip(trees.flatten(a.output)[0], trees.flatten(b.output)[0], strict=True)
    return all(type(x) is type(y) and (type(x) is Array or same_value(x, y)) for x, y in pairs)
