"""What `chainrule.scan` keeps of each turn, one above the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.array import Array, dtype_of, shape_of
from chainrule.core.callables import name_of
from chainrule.core.counted import Fixed, Seen
from chainrule.core.source import where_am_i
from chainrule.errors import ArgumentError
from chainrule.numpy.creation import restack, to_be_filled
from chainrule.transforms.carried import is_leaf, spelled

__all__ = ["Stack"]


class Stack(Seen):
    """Arrays of so many turns, of which each turn fills an entry."""

    def __init__(self, f: Callable[..., Any], turns: int) -> None:
        self._f = f
        self._turns = turns
        self._made: list[Any] = []
        self._like: Any = None  # the first y
        self._build: Callable[[Iterable[Any]], Any] | None = None

    def put(self, t: int, y: Any) -> None:
        """Fill the entries of a turn."""
        leaves, build = trees.flatten(y)
        leaves = [restack(leaf) for leaf in leaves]
        if self._build is None:
            self._like, self._build = y, Fixed(build)
            self._made = [self._room(x, at) for at, x in enumerate(leaves)]
        elif trees.structure(y) != trees.structure(self._like):
            raise self._refused(f"y is {spelled(y)}, in turns before it is {spelled(self._like)}")
        for k, leaf in enumerate(leaves):
            made = self._made[k]
            if shape_of(leaf) != made.shape[1:] or dtype_of(leaf) != made.dtype:
                raise self._refused(
                    f"y{trees.paths(y)[k]} has shape {shape_of(leaf)} and dtype {dtype_of(leaf)}, "
                    f"in turns before it has shape {made.shape[1:]} and dtype {made.dtype}"
                )
            if type(leaf) is Array and type(made) is not Array:
                made = self._made[k] = to_be_filled(made)
            made[t] = leaf

    def built(self) -> Any:
        """Return the arrays in the structure of y."""
        assert self._build is not None
        return self._build(self._made)

    def _room(self, leaf: Any, at: int) -> Any:
        if not is_leaf(leaf):
            where = f"y{trees.paths(self._like)[at]}"
            raise self._refused(
                f"{where} is a {type(leaf).__name__}; numbers and arrays are stacked"
            )
        return np.zeros((self._turns, *shape_of(leaf)), dtype_of(leaf))

    def _refused(self, what: str) -> ArgumentError:
        return ArgumentError(f"scan: what {name_of(self._f)} returned: {what}, at {where_am_i()}")
