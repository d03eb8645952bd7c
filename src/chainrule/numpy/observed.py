"""NumPy's functions whose results carry no gradient: masks, indices, shapes, answers, text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.array import Array, value_of
from chainrule.numpy.axes import axis_of, operand
from chainrule.numpy.dispatch import implements, observe, plain
from chainrule.numpy.memory import laid_out

__all__: list[str] = []

# One array or answer, which stays in the graph while code is staged.
observe(
    np.allclose,
    np.argpartition,
    np.array_equal,
    np.array_equiv,
    np.digitize,
    np.isclose,
    np.isin,
    np.isneginf,
    np.isposinf,
    np.isreal,
    np.iscomplex,
    np.nanargmax,
    np.nanargmin,
)
observe(np.argwhere, np.flatnonzero, shaped_by="values")


def _answer(look: Callable[[Any], Any], *functions: Callable[..., Any]) -> None:
    """Enter functions that only look; ``look`` turns arguments with Arrays into plain ones."""

    def enter(function: Callable[..., Any]) -> None:
        implements(function, observes=True)(
            lambda *args, **kwargs: function(*look(args), **look(kwargs))
        )

    for function in functions:
        enter(function)


def _unnoted(tree: Any, of: Callable[[Any], Any] = value_of) -> Any:
    """Return the values of Arrays, of which nothing is learnt but shape and dtype."""
    if isinstance(tree, dict):
        return {name: _unnoted(item, of) for name, item in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(_unnoted(item, of) for item in tree)
    return of(tree)


def _in_memory(tree: Any) -> Any:
    memories: dict[int, Any] = {}
    return _unnoted(tree, lambda x: laid_out(x, memories) if type(x) is Array else x)


_answer(plain, np.array2string, np.array_repr, np.array_str, np.min_scalar_type)
_answer(
    _unnoted,
    np.can_cast,
    np.common_type,
    np.diag_indices_from,
    np.einsum_path,
    np.iscomplexobj,
    np.isrealobj,
    np.result_type,
    np.tril_indices_from,
    np.triu_indices_from,
)
_answer(_in_memory, np.may_share_memory, np.shares_memory)


@implements(np.shape, observes=True)
def shape(a: Any) -> tuple[int, ...]:
    return operand(a).shape  # type: ignore[no-any-return]


@implements(np.ndim, observes=True)
def ndim(a: Any) -> int:
    return len(operand(a).shape)


@implements(np.size, observes=True)
def size(a: Any, axis: Any = None) -> int:
    a = operand(a)
    if axis is None:
        return int(a.size)
    if isinstance(axis, tuple):
        total = 1
        for k in axis:
            total *= a.shape[axis_of(k, a.ndim)]
        return total
    return int(a.shape[axis_of(axis, a.ndim)])
