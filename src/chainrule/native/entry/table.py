"""The table behind a compiled function: what only this process knows, in words of 8 bytes.

The entry's code is kept on disk and holds no address; it finds them at the places given here, which
depend on the layout alone:

    fallback, arena, number of watches, pointer to the watches,
    per input: what is expected of it,   per captured array: the object, what is expected,
    per output: what is expected of it,  the objects that arguments and result are known by

What is expected of an array: dtype, number of axes, lengths. Of a scalar: its type, and its dtype.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import CellType
from typing import Any

import numpy as np

from chainrule.native.entry.layout import Layout, Slot, Watch, objects
from chainrule.native.entry.objects import CELL_CONTENTS, function_offset
from chainrule.numpy.closure import ABSENT

__all__ = ["ARENA", "FALLBACK", "WATCHES", "WATCH_COUNT", "Places", "fill", "places"]

FALLBACK, ARENA, WATCH_COUNT, WATCHES, _FIRST = range(5)


@dataclass(frozen=True)
class Places:
    """Where in the table the words of each input, captured array and output begin.

    Attributes:
        objects: the same of each object that arguments or result are known by, by its id.
    """

    inputs: tuple[int, ...]
    captured: tuple[int, ...]
    outputs: tuple[int, ...]
    objects: dict[int, int]


def places(layout: Layout) -> Places:
    """Lay the table out."""
    after = _FIRST

    def place(slots: Sequence[Slot], more: int) -> Iterator[int]:
        nonlocal after
        for slot in slots:
            yield after
            after += len(_expected(slot)) + more

    inputs = tuple(place(layout.inputs, 0))
    captured = tuple(place(layout.captured, 1))
    outputs = tuple(place(layout.outputs, 0))
    return Places(inputs, captured, outputs, {x: after + k for k, x in enumerate(_known(layout))})


def fill(
    layout: Layout,
    fallback: Any,
    captured: Sequence[np.ndarray[Any, Any]],
    watched: Sequence[Watch],
) -> tuple[np.ndarray[Any, Any], tuple[Any, ...]]:
    """Return the table, and what must be kept as long as it is used."""
    arena = np.empty(layout.arena_bytes + 64 if layout.arena_bytes else 0, np.uint8)
    aligned = -(-arena.ctypes.data // 64) * 64
    watches = np.array([word for watch in watched for word in _words(watch)], np.int64)
    words = [id(fallback), aligned if arena.size else 0, len(watched), watches.ctypes.data]
    for slot in layout.inputs:
        words += _expected(slot)
    for slot, array in zip(layout.captured, captured, strict=True):
        words += [id(array), *_expected(slot)]
    for slot in layout.outputs:
        words += _expected(slot)
    words += _known(layout)
    table = np.array(words, np.int64)
    return table, (arena, watches, fallback, tuple(captured), tuple(watched), layout)


def _known(layout: Layout) -> list[int]:
    """Return the addresses of the objects that arguments and result are known by, each once."""
    whole = [part for part in (layout.arguments, layout.structure) if part is not None]
    return list(dict.fromkeys(id(x) for part in whole for x in objects(part)))


def _expected(slot: Slot) -> list[int]:
    # NumPy's own dtypes live as long as it does; one of another origin is kept with the layout.
    if slot.kind == "array":
        return [id(slot.dtype), len(slot.shape), *slot.shape]
    return [id(float) if slot.kind == "float" else id(slot.dtype.type), id(slot.dtype)]


def _words(watch: Watch) -> list[int]:
    """Return an address, a key, and what must be there.

    Without a key, that is a word in memory, as far from the address as a cell's content is.
    """
    value = 0 if watch.value is ABSENT else id(watch.value)
    if isinstance(watch.holder, dict):
        return [id(watch.holder), id(watch.key), value]
    if isinstance(watch.holder, CellType):
        return [id(watch.holder), 0, value]
    offset = function_offset(watch.key)
    assert offset is not None, "known() found it"
    place = id(watch.holder) + offset - CELL_CONTENTS
    return [place, 0, 0 if watch.value is None else value]
