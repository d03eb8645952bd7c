"""What autograd's NumPy has of its own, or does otherwise than NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.array import Array, value_of

__all__ = ["WHOLE", "make_diagonal", "where"]


def _whole(kind: Any) -> Any:
    """Return an integer type that is called with Arrays, too: who asks for it wants no gradient."""

    def new(cls: Any, x: Any = 0, *args: Any) -> Any:
        return kind.__new__(cls, value_of(x), *args)

    return type(kind)(kind.__name__, (kind,), {"__new__": new, "__module__": kind.__module__})


WHOLE = {
    kind.__name__: _whole(kind) for kind in (np.int8, np.int16, np.int32, np.int64, np.integer)
}


def where(condition: Any, *args: Any, **kwargs: Any) -> Any:
    """As ``np.where``; of Python's numbers and lists alone it is a number or list of Python's."""
    given = {**dict(zip("xy", args, strict=False)), **kwargs}
    if not given:
        return np.where(condition)
    if given.keys() != {"x", "y"}:
        raise ValueError("either both or neither of x and y should be given")
    result = np.where(condition, given["x"], given["y"])
    return result if any(map(_is_numpys, (condition, *given.values()))) else result.tolist()


def _is_numpys(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return any(map(_is_numpys, x))
    return isinstance(x, (Array, np.ndarray, np.generic))


def make_diagonal(D: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Return matrices, in the last two axes, that have the last axis of D on their diagonals."""
    if (offset, axis1, axis2) != (0, -1, -2):
        raise NotImplementedError("make_diagonal supports offset=0, axis1=-1, axis2=-2")
    return D[..., None] * np.eye(D.shape[-1])
