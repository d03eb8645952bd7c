"""What loops hand on from turn to turn, which keeps its structure, its shapes and its dtypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.array import Array, dtype_of, shape_of
from chainrule.core.callables import name_of
from chainrule.core.source import where_am_i
from chainrule.errors import ArgumentError

__all__ = ["check_carried", "is_leaf", "spelled"]

_NUMBERS = (bool, int, float, complex)


def is_leaf(value: Any) -> bool:
    """Tell what may be a leaf of something carried: a number or an array."""
    return isinstance(value, (Array, np.ndarray, np.generic, *_NUMBERS))


def check_carried(loop: str, f: Callable[..., Any], before: Any, after: Any) -> None:
    """Raise where a turn hands on something of another structure, shape or dtype."""
    if type(before) is type(after) is float:
        return
    if trees.structure(before) != trees.structure(after):
        raise ArgumentError(
            f"{loop}: {name_of(f)} was given {spelled(before)} and returned {spelled(after)}, at "
            f"{where_am_i()}: what is carried keeps its structure from turn to turn"
        )
    pairs = zip(trees.flatten(before)[0], trees.flatten(after)[0], strict=True)
    for at, (old, new) in enumerate(pairs):
        for x in (old, new):
            if not is_leaf(x):
                raise ArgumentError(
                    f"{loop}: {_place(before, at)} is a {type(x).__name__}, at {where_am_i()}: "
                    "numbers and arrays are carried, and trees of them"
                )
        if shape_of(old) != shape_of(new):
            raise ArgumentError(
                f"{loop}: {name_of(f)} was given {_place(before, at)} of shape {shape_of(old)} and "
                f"returned one of shape {shape_of(new)}, at {where_am_i()}: what is carried keeps "
                "its shape from turn to turn"
            )
        if dtype_of(old) != dtype_of(new) and not _becomes(old, dtype_of(new)):
            raise ArgumentError(
                f"{loop}: {name_of(f)} was given {_place(before, at)} of dtype {dtype_of(old)} and "
                f"returned one of dtype {dtype_of(new)}, at {where_am_i()}: what is carried keeps "
                f"its dtype from turn to turn; begin with dtype {dtype_of(new)}, or cast what the "
                "turn makes"
            )


def _becomes(number: Any, dtype: np.dtype[Any]) -> bool:
    """Tell whether a Python number, which has no dtype of its own, goes along with a dtype."""
    kind = number.__class__  # that of the value, for an Array
    return kind in _NUMBERS and np.result_type(kind(0), dtype) == dtype


def _place(tree: Any, at: int) -> str:
    path = trees.paths(tree)[at]
    return f"carry{path}" if path else "a carry"


def spelled(tree: Any) -> str:
    """Spell the structure of a tree: ``(*, {'h': *})``."""
    if not trees.is_container(tree):
        return f"a {type(tree).__name__}"
    spelled = str(trees.structure(tree)).removeprefix("PyTreeSpec(").removesuffix(")")
    return spelled.partition(", namespace=")[0]
