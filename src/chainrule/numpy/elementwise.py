"""NumPy's functions of every entry that are not ufuncs: choices, rounding, parts of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.core import kinds
from chainrule.core.apply import apply
from chainrule.core.array import Array, is_complex
from chainrule.numpy.axes import operand
from chainrule.numpy.creation import asarray
from chainrule.numpy.dispatch import UNSET, arrays_in, implements, refuse, unsupported
from chainrule.numpy.indexing import nonzero
from chainrule.numpy.memory import take_view
from chainrule.operations import elementwise as rows

__all__: list[str] = []


@implements(np.where)
def where(condition: Any, x: Any = UNSET, y: Any = UNSET, /) -> Any:
    if x is UNSET and y is UNSET:
        return nonzero(condition)
    if x is UNSET or y is UNSET:
        raise ValueError("either both or neither of x and y should be given")
    return apply(rows.where, np.where, (condition, x, y))


@implements(np.clip)
def clip(
    a: Any,
    a_min: Any = UNSET,
    a_max: Any = UNSET,
    out: Any = None,
    *,
    min: Any = UNSET,
    max: Any = UNSET,
    **kwargs: Any,
) -> Any:
    refuse("clip", **kwargs)
    low = _bound(min if a_min is UNSET else a_min)
    high = _bound(max if a_max is UNSET else a_max)
    if low is None:
        return rows.positive(a) if high is None else np.minimum(a, high)
    if high is None:
        return np.maximum(a, low)
    return apply(rows.clip, np.clip, (a, low, high))


def _bound(value: Any) -> Any:
    return None if value is UNSET or value is np._NoValue else value


@implements(np.round, np.around)
def round_(a: Any, decimals: int = 0, out: Any = None) -> Any:
    return apply(rows.around, np.round, (a,), {"decimals": decimals})


@implements(np.fix)
def fix(x: Any, out: Any = None) -> Any:
    return apply(rows.trunc, np.trunc, (operand(x),))


@implements(np.sinc)
def sinc(x: Any) -> Any:
    return apply(rows.sinc, np.sinc, (operand(x),))


@implements(np.nan_to_num)
def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    if next(arrays_in([nan, posinf, neginf]), None) is not None:
        raise unsupported("np.nan_to_num by its replacements", "write np.where(np.isnan(x), v, x)")
    params = {"nan": nan, "posinf": posinf, "neginf": neginf}
    made = apply(rows.nan_to_num, rows.nan_to_num.compute, (operand(x),), params)
    if copy or type(x) is not Array or type(x.value) is not np.ndarray:
        return made
    x[...] = made
    return x


@implements(np.real)
def real(val: Any) -> Any:
    return take_view(kinds.real, operand(val), {})


@implements(np.imag)
def imag(val: Any) -> Any:
    return take_view(rows.imag, operand(val), {})


@implements(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    z = operand(z)
    angle = np.arctan2(imag(z), real(z))
    return np.rad2deg(angle) if deg else angle


@implements(np.real_if_close)
def real_if_close(a: Any, tol: float = 100) -> Any:
    a = asarray(a)
    if not is_complex(a):
        return a
    if tol > 1:
        tol = np.finfo(a.dtype).eps * tol
    return a.real if np.all(abs(a.imag) < tol) else a


@implements(np.select)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = where(condition, choice, result)
    return result
