"""Things that change while code runs: what they hold, put back, and whether they have changed."""

from __future__ import annotations

from collections import OrderedDict
from types import CellType
from typing import Any

import numpy as np

from chainrule.core.array import Array
from chainrule.core.captured import fingerprint
from chainrule.numpy.closure import ABSENT, content

__all__ = ["Held", "content_of", "put_into"]


class Held:
    """What a list, a dict or an Array holds at some time.

    Args:
        x: the object.
    """

    def __init__(self, x: Any) -> None:
        self.of = x
        self._content = content_of(x)
        self._print = _print(x)

    def is_current(self) -> bool:
        """Tell whether it holds the same still."""
        before, now = self._content, content_of(self.of)
        if type(self.of) is Array:
            return bool(now[1] is before[1]) and _print(self.of) == self._print
        return _is_same(before, now)


def _print(x: Any) -> Any:
    is_constant = type(x) is Array and x.node is None
    return fingerprint(np.asarray(x.value)) if is_constant else None


def content_of(x: Any) -> Any:
    """Return what an Array, a cell, a list, a deque or a dict holds."""
    kind = type(x)
    if kind is Array:
        return x.held, x.node
    if kind is CellType:
        return content(x)
    return dict(x) if kind in (dict, OrderedDict) else list(x)


def put_into(x: Any, held: Any) -> None:
    """Let it hold what it did, or something else."""
    kind = type(x)
    if kind is Array:
        x.held, x.node = held
    elif kind is CellType:
        if held is not ABSENT:
            x.cell_contents = held
    elif not _is_same(content_of(x), held):
        x.clear()
        if kind in (dict, OrderedDict):
            x.update(held)
        else:
            x.extend(held)


def _is_same(before: Any, now: Any) -> bool:
    """Tell whether two lists or dicts hold the same objects."""
    if len(before) != len(now):
        return False
    if isinstance(before, dict):
        return list(before) == list(now) and all(now[key] is x for key, x in before.items())
    return all(x is y for x, y in zip(before, now, strict=True))
