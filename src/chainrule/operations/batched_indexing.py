"""Batching rules of indexing: each example picks, adds or writes its own entries.

Where the index arrays are the same for all examples, the index gets one more part in front, for all
of them. Where they are not, it gets the number of the example, an array like the others. NumPy puts
the axes of index arrays where the first of them stood, but in front if a slice stands between two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.array import dtype_of, shape_of
from chainrule.core.batching import LOOP, moved, raised, repeated, size_of
from chainrule.core.linear import broadcast_to
from chainrule.core.operation import Operation
from chainrule.core.traits import BatchingRule
from chainrule.operations.slot import SLOT

__all__ = ["adding", "picking", "picking_along", "taking", "writing"]

Params = Mapping[str, Any]
_ALL = slice(None)


class _Layout(NamedTuple):
    """Where the axes of one example's result come from.

    ``before`` axes stand in front of the ``advanced`` ones, which index arrays have made, and
    ``ndim`` there are. Index arrays that are apart put theirs in front of all.
    """

    before: int
    advanced: int
    ndim: int
    apart: bool


def _layout(ndim: int, parts: Sequence[Any], arrays: Sequence[Any], axes: Sequence[int]) -> _Layout:
    """Lay out the result of an index of an array; ``axes`` are the numbers of the arrays' own."""
    masks = iter(dtype_of(a).kind == "b" for a in arrays)
    lengths = iter(axes)
    used = advanced = 0
    kinds: list[tuple[str, int]] = []  # what each part is, and how many axes of the result it has
    for part in parts:
        if part is SLOT:
            own = next(lengths)
            is_mask = next(masks)
            used += own if is_mask else 1
            advanced = max(advanced, 1 if is_mask else own)
            kinds.append(("advanced", 0))
        elif part is None:
            kinds.append(("plain", 1))
        elif part is Ellipsis:
            kinds.append(("rest", 0))
        elif isinstance(part, slice):
            used += 1
            kinds.append(("plain", 1))
        else:
            used += 1
            kinds.append(("advanced" if arrays else "none", 0))
    rest = ndim - used
    found = [k for k, (kind, _) in enumerate(kinds) if kind == "advanced"]
    plain = sum(count for _, count in kinds)
    if not found:
        return _Layout(0, 0, plain + rest, False)
    apart = found[-1] - found[0] + 1 != len(found)
    before = 0
    if not apart:
        for kind, count in kinds[: found[0]]:
            before += rest if kind == "rest" else count
    return _Layout(before, advanced, plain + rest + advanced, apart)


class _Numbered(NamedTuple):
    """An index in which each example has its number."""

    parts: tuple[Any, ...]
    arrays: list[Any]
    layout: _Layout
    numbered: bool

    def to_numpys(self, x: Any) -> Any:
        """Bring examples in the order of one example's axes into the order of the index."""
        before, advanced, _, _ = self.layout
        if not self.numbered or not before:
            return x
        for k in range(advanced):
            x = moved(x, 1 + before + k, 1 + k)
        return x

    def to_examples(self, x: Any) -> Any:
        """Do the reverse."""
        before, advanced, _, apart = self.layout
        if not self.numbered:
            return moved(x, advanced, 0) if apart else x
        if before:
            for _ in range(advanced):
                x = moved(x, 1, before + advanced)
        return x


def _numbered(
    ndim: int, index: Any, arrays: Sequence[Any], many: Sequence[bool], size: int, always: bool
) -> _Numbered | None:
    """Return the index that picks for all examples at once; None where they differ in shape."""
    parts = index if isinstance(index, tuple) else (index,)
    axes = [len(shape_of(a)) - m for a, m in zip(arrays, many, strict=True)]
    if any(
        dtype_of(a).kind == "b" and (m or not n) for a, m, n in zip(arrays, many, axes, strict=True)
    ):
        return None
    layout = _layout(ndim, parts, arrays, axes)
    if not any(many) and not (always and layout.apart):
        return _Numbered((_ALL, *parts), list(arrays), layout, False)
    advanced = layout.advanced
    numbers = np.arange(size).reshape((size, *(1,) * advanced))
    own = [raised(a, advanced) if m else a for a, m in zip(arrays, many, strict=True)]
    return _Numbered((SLOT, *parts), [numbers, *own], layout, True)


def picking(
    row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Params
) -> Any:
    """Pick entries."""
    x, *arrays = operands
    many = batched[1:]
    if not batched[0] and not _is_simple(params["index"]):
        x = repeated(x, False, size_of(batched, operands))
    elif not batched[0]:  # an array of which each example picks: no copy for each
        if any(dtype_of(a).kind == "b" for a in arrays):
            return LOOP
        return row(x, *_broadcast(arrays, many), index=params["index"])
    size = shape_of(x)[0]
    found = _numbered(len(shape_of(x)) - 1, params["index"], arrays, many, size, False)
    if found is None:
        return LOOP
    return found.to_examples(row(x, *found.arrays, index=found.parts))


def _is_simple(index: Any) -> bool:
    """Tell an index of nothing but arrays at its beginning."""
    return isinstance(index, tuple) and all(part is SLOT for part in index)


def _broadcast(arrays: Sequence[Any], many: Sequence[bool]) -> list[Any]:
    ndim = max(len(shape_of(a)) - m for a, m in zip(arrays, many, strict=True))
    return [raised(a, ndim) if m else a for a, m in zip(arrays, many, strict=True)]


def adding(row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Params) -> Any:
    """Add entries into zeros."""
    g, *arrays = operands
    size = size_of(batched, operands)
    shape = params["shape"]
    found = _numbered(len(shape), params["index"], arrays, batched[1:], size, True)
    if found is None:
        return LOOP
    g = found.to_numpys(repeated(g, batched[0], size))
    return row(g, *found.arrays, index=found.parts, shape=(size, *shape))


def writing(
    row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Params
) -> Any:
    """Write entries into a copy."""
    x, v, *arrays = operands
    size = size_of(batched, operands)
    x = repeated(x, batched[0], size)
    many = batched[2:]
    if any(many) and params["index"] == (SLOT,) and dtype_of(arrays[0]).kind == "b":
        return _where(x, v, batched[1], arrays[0])
    found = _numbered(len(shape_of(x)) - 1, params["index"], arrays, many, size, True)
    if found is None:
        return LOOP
    if batched[1]:
        ndim = found.layout.ndim
        _, *shape = shape_of(v)
        if len(shape) > ndim:  # NumPy lets the value have axes of length 1 in front
            v = v.reshape((size, *shape[len(shape) - ndim :]))
        v = raised(v, ndim)
        v = found.to_numpys(v)
    elif found.numbered and found.layout.before and shape_of(v):
        v = found.to_numpys(raised(broadcast_to(v, shape=(size, *shape_of(v))), found.layout.ndim))
    return row(x, v, *found.arrays, index=found.parts)


def _where(x: Any, v: Any, many: bool, mask: Any) -> Any:
    """Write one number where a mask is True."""
    if len(shape_of(v)) - many:
        return LOOP
    ndim = len(shape_of(x)) - 1
    mask = mask.reshape((*shape_of(mask), *(1,) * (ndim + 1 - len(shape_of(mask)))))
    return np.where(mask, raised(v, ndim) if many else v, x)


def taking(pick: Operation) -> BatchingRule:
    """Return the rule of what picks along one axis, the same for each place along the others."""

    def rule(
        row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Params
    ) -> Any:
        (x, indices), (many_x, many) = operands, batched
        axis = params["axis"]
        if not many:
            return row(x, indices, **{**params, "axis": axis + 1})
        if not many_x:
            return moved(row(x, indices, **params), axis, 0)
        length = shape_of(x)[axis + 1]
        mode = params.get("mode", "raise")
        if mode != "raise":
            indices = np.clip(indices, 0, length - 1) if mode == "clip" else indices % length
        return picking(pick, batched, (x, indices), {"index": (*(_ALL,) * axis, SLOT)})

    return rule


def picking_along(
    row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Params
) -> Any:
    """Pick along one axis, with indices for each place along the others."""
    size = size_of(batched, operands)
    x, indices = (repeated(x, many, size) for x, many in zip(operands, batched, strict=True))
    return row(x, indices, axis=params["axis"] + 1)
