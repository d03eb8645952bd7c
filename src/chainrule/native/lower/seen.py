"""Parts of arrays that a loop does not change: they need no tape, since they can be read again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chainrule.core.placeholder import Placeholder, is_array
from chainrule.graph.graph import Apply, Vertex
from chainrule.native.ir.moving import Integer, Word, put, put_in, this_turn
from chainrule.native.lower.parts import Stretch, lengths, taken, window

__all__ = ["light", "looked_at", "moved"]


def light(value: Any, size: tuple[int, ...]) -> Any:
    """Return a value without its entries."""
    return Placeholder(size, value.dtype) if is_array(value) else value


def moved(views: Iterable[Apply], word: Word, by: Integer) -> tuple[Apply, ...]:
    """Return views with something else in the place of a word."""
    return tuple(_moved(view, word, by) for view in views)


def _moved(view: Apply, word: Word, by: Integer) -> Apply:
    params, size = view.params, put_in(view.shape, word, by)
    if view.operation is window:
        params = {**params, "place": tuple(_shifted(k, word, by) for k in params["place"])}
    elif "shape" in params:
        params = {**params, "shape": size}
    return Apply(view.operation, view.operands, params, light(view.value, size))


def _shifted(k: range | Stretch, word: Word, by: Integer) -> range | Stretch:
    if isinstance(k, range):
        return k
    start = put(k.start, word, by)
    (length,) = put_in(lengths([k]), word, by)
    if isinstance(start, int) and isinstance(this_turn(length), int):
        return range(start, start + length * k.step, k.step)
    return Stretch(start, length, k.step)


def looked_at(array: Vertex, views: Iterable[Apply]) -> Vertex:
    """Return a view of an array."""
    for view in views:
        if view.operation is window:
            array = taken(array, view.params["place"])
        else:
            array = Apply(view.operation, (array,), view.params, view.value)
    return array
