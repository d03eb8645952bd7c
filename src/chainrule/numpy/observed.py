"""NumPy's functions whose results carry no gradient: masks, indices, shapes, answers, text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.array import value_of
from chainrule.numpy.axes import axis_of, operand
from chainrule.numpy.dispatch import FUNCTIONS, implements, observe, plain_call

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
    np.lexsort,
    np.nanargmax,
    np.nanargmin,
)
observe(np.argwhere, np.flatnonzero, shaped_by="values")


def _ask_kinds(*functions: Callable[..., Any]) -> None:
    """Enter functions that look at shapes and dtypes alone, which are the same in every run."""

    def enter(function: Callable[..., Any]) -> None:
        FUNCTIONS[function] = lambda *args, **kwargs: function(*map(value_of, args), **kwargs)

    for function in functions:
        enter(function)


_ask_kinds(
    np.common_type,
    np.diag_indices_from,
    np.iscomplexobj,
    np.isrealobj,
    np.tril_indices_from,
    np.triu_indices_from,
)


def _answer(*functions: Callable[..., Any]) -> None:
    """Enter functions that only look: at memory, or at numbers, to show them."""

    def enter(function: Callable[..., Any]) -> None:
        FUNCTIONS[function] = lambda *args, **kwargs: plain_call(function, args, kwargs)

    for function in functions:
        enter(function)


_answer(
    np.array2string,
    np.array_repr,
    np.array_str,
    np.can_cast,
    np.einsum_path,
    np.may_share_memory,
    np.min_scalar_type,
    np.shares_memory,
)


@implements(np.shape)
def shape(a: Any) -> tuple[int, ...]:
    return operand(a).shape  # type: ignore[no-any-return]


@implements(np.ndim)
def ndim(a: Any) -> int:
    return len(operand(a).shape)


@implements(np.size)
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


@implements(np.result_type)
def result_type(*arrays_and_dtypes: Any) -> Any:
    return np.result_type(*(value_of(x) for x in arrays_and_dtypes))
