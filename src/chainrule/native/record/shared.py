"""Arrays that share memory where nothing is recorded: views of one another.

After a write all recorded arrays that share the memory are taken anew (`chainrule.numpy.memory`).
Where something still went on with what one of them was before, or wrote into a view of an argument
or of a captured array, compiled code would not do what the function does. Both are noticed here,
whether or not the values of the recorded run show it, and the function runs as Python.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np

from chainrule.core import chain_rule, forward
from chainrule.core.kinds import identity
from chainrule.core.node import Node
from chainrule.core.source import is_internal, user_location
from chainrule.operations import elementwise, indexing
from chainrule.operations.indexing import index_parts
from chainrule.transforms import stable

__all__ = ["SharedMemory"]

#: They may give what they are given, but not in user code: copies, and what NumPy computes.
_COPIES = frozenset({identity, elementwise.positive})
_RULES = frozenset(os.path.abspath(x.__file__ or "") for x in (chain_rule, forward, stable))


@dataclass(frozen=True, slots=True)
class _Write:
    """A write into an array that shares its memory."""

    view: Node  # what the array was before
    new: Node
    where: str


class SharedMemory:
    """Which recorded arrays share memory, and what was written into one of them.

    Args:
        outside: what the nodes are called that stand for arrays of the caller's own.

    Attributes:
        fault: what compiled code would do otherwise, if anything.
    """

    def __init__(self, outside: Mapping[Node, str]) -> None:
        self.fault: str | None = None
        self._outside = outside
        self._origin: dict[Node, Node] = {}  # of a view
        self._views: dict[Node, list[Node]] = {}  # by what they are views of in the end
        self._old: dict[Node, _Write] = {}

    def note(self, node: Node, value: Any) -> None:
        """Look at a new node: at what it reads, and whether it is a view."""
        if self._old:
            for parent in node.parents:
                if parent in self._old and not self._writes_back(node):
                    self._read_again(parent)
        if _is_view(node) and type(value) is np.ndarray:
            parent = node.parents[0]
            assert parent is not None
            self._origin[node] = parent
            self._views.setdefault(self._root(node), []).append(node)

    def read(self, node: Node) -> None:
        """Look at a node whose value Python sees, or that is returned."""
        if node in self._old:
            self._read_again(node)

    def written(self, old: Node, new: Node) -> None:
        """Take notice of a write into an array."""
        root = self._root(old)
        views = self._views.get(root)
        if views is None:
            return
        where = str(user_location() or "an unknown line")
        if root is not old and root in self._outside:
            self._complain(f"it writes into {self._outside[root]}")
        self._old.update(dict.fromkeys((root, *views), _Write(old, new, where)))

    def laid_out(self) -> None:
        """Take notice that a result depends on how an array lies in memory."""
        self._complain(
            f'it asks for the order of entries in memory, at {user_location()}: write order="C" '
            'or order="F"'
        )

    def _root(self, node: Node) -> Node:
        while node in self._origin:
            node = self._origin[node]
        return node

    def _writes_back(self, node: Node) -> bool:
        """Tell the second half of ``a[i] += v``, which writes into ``a`` what is there already."""
        write = self._old.get(node.parents[0]) if node.parents[0] is not None else None
        return (
            write is not None
            and node.operation is indexing.set_at
            and write.view.operation is indexing.getitem
            and self._origin.get(write.view) is node.parents[0]
            and node.parents[1:] == (write.new,)
            and index_parts(node.params["index"]) == index_parts(write.view.params["index"])
        )

    def _read_again(self, node: Node) -> None:
        if self.fault is None and not _is_in_rule():
            self._complain(
                f"it writes into an array at {self._old[node].where}, and then goes on with what a "
                "view of it was before: write into the array itself, a[i, j] = v, and take the "
                "view afterwards"
            )

    def _complain(self, fault: str) -> None:
        self.fault = self.fault or fault


def _is_view(node: Node) -> bool:
    """Tell whether an array may share memory with another; with arrays as indices it does not."""
    return node.operation.view and node.operation not in _COPIES and len(node.parents) == 1


def _is_in_rule() -> bool:
    """Tell whether a rule is running, which reads what an array was when it was used.

    So does a stable form that is recorded in the place of what was used.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_internal(frame.f_code):
        if frame.f_code.co_filename in _RULES:
            return True
        frame = frame.f_back
    return False
