"""Which arguments a transform differentiates by: checked, and named in messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import index
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.array import Array
from chainrule.core.callables import name_of, positional
from chainrule.errors import ArgumentError

__all__ = ["place_of", "positions", "refuse", "select"]

_ndarray = np.ndarray


def refuse(f: Callable[..., Any], arg: Any, leaf: Any, position: int, at: int) -> ArgumentError:
    """Say which argument cannot be differentiated, and what to write instead."""
    name = _place(f, arg, position, at)
    if isinstance(leaf, (bool, np.bool_)):
        what, cure = f"is a bool, {leaf}", "leave it out of argnums"
    elif isinstance(leaf, (int, np.integer)):
        what, cure = f"is an int, {leaf}", f"write {float(leaf)}, or leave it out of argnums"
    elif isinstance(leaf, (_ndarray, Array)) and type(leaf) in (_ndarray, Array):
        what = f"has dtype {leaf.dtype}"
        cure = "pass np.asarray(x, dtype=float), or leave it out of argnums"
    elif isinstance(leaf, _ndarray):
        what, cure = f"is a {type(leaf).__name__}", "pass a plain array, np.asarray(x)"
    else:
        what, cure = f"is a {type(leaf).__name__}", "pass a float or an array, or set argnums"
    return ArgumentError(
        f"{name} of {name_of(f)} {what}: a gradient exists by floating-point numbers only; {cure}"
    )


def place_of(
    f: Callable[..., Any], args: Sequence[Any], position: int, at: int | None = None
) -> str:
    """Name an argument of a function, or one leaf of it: ``argument 1 (params['w'])``."""
    return _place(f, args[position], position, at)


def _place(f: Callable[..., Any], arg: Any, position: int, at: int | None) -> str:
    where = trees.paths(arg)[at] if at is not None and trees.is_container(arg) else ""
    names, rest = positional(f)
    where = (names[position] if position < len(names) else rest or "") + where
    return f"argument {position} ({where})" if where else f"argument {position}"


def positions(argnums: Any) -> int | tuple[int, ...]:
    """Return argnums as an int or a tuple of ints.

    Raises:
        ArgumentError: it is neither an integer nor a sequence of them.
    """
    try:
        return index(argnums)
    except TypeError:
        pass
    try:
        return tuple(index(k) for k in argnums)
    except TypeError:
        raise ArgumentError(
            f"argnums is {argnums!r}: it is the position of an argument, 0, or several, (0, 1)"
        ) from None


def select(argnums: int | Sequence[int], args: Sequence[Any], f: Any) -> tuple[int, ...]:
    """Resolve argnums against the positional arguments.

    Raises:
        ArgumentError: there is no such argument, or one is named twice.
    """
    if type(argnums) is not int and type(argnums) is not tuple:
        argnums = positions(argnums)
    count = len(args)
    selected = _resolved(argnums, count)
    if selected is None:
        raise ArgumentError(
            f"argnums is {argnums}, but {name_of(f)} was called with {count} positional "
            f"argument{'s' if count != 1 else ''}: arguments to differentiate by are passed "
            "by position"
        )
    if len(set(selected)) < len(selected):
        raise ArgumentError(f"argnums is {argnums}: it names an argument twice")
    return selected


@lru_cache(1024)
def _resolved(argnums: int | tuple[int, ...], count: int) -> tuple[int, ...] | None:
    """Count negative positions from the end; None where one is out of range."""
    chosen = (argnums,) if isinstance(argnums, int) else argnums
    if not all(-count <= k < count for k in chosen):
        return None
    return tuple(k % count for k in chosen)
