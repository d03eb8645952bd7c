"""Whether a graph of all turns does in each of them what the few turns did that were recorded.

An index that grows evenly may leave its array in a later turn: a negative one becomes another
entry, a slice becomes shorter. Then the graph is not that of the function. And an operation on an
array that is as long as the turn says may be another one where that has one entry, or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from chainrule.core.kinds import broadcast_to, unbroadcast
from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply, Vertex, topological
from chainrule.graph.loops.affine import Affine, Counter, Integer, at
from chainrule.graph.loops.alike import NotAlikeError
from chainrule.graph.loops.bounds import all_there
from chainrule.graph.loops.loop import Loop, element, tape
from chainrule.operations import contraction, indexing, reduction

__all__ = ["doubt_of", "is_of_any_length"]

_Corner: TypeAlias = "Mapping[Counter, int]"

#: What is the same operation for arrays of any length, besides what acts on entries.
_OF_ANY_LENGTH = frozenset(
    {contraction.matmul, contraction.dot, contraction.vdot, contraction.outer}
    | {reduction.sum, unbroadcast, broadcast_to}
)
_INDEXING = frozenset({indexing.getitem, indexing.set_at, indexing.scatter_add})


def is_of_any_length(operation: Operation) -> bool:
    """Tell an operation that is the same one for arrays of any length, down to none."""
    if operation in _OF_ANY_LENGTH or operation in _INDEXING:
        return True
    return operation.entrywise or operation in (tape, element)


def doubt_of(outputs: Iterable[Vertex]) -> str | None:
    """Say why a later turn may do something else than is in the graph; None if none does.

    Args:
        outputs: of a graph with loops whose numbers of turns are known.

    Raises:
        NotAlikeError: one does, as its index leaves an array.
    """
    outputs = list(outputs)
    if not all_there(outputs, {}, fewest=0):
        raise NotAlikeError("turns that read what is not there")
    try:
        _check(topological(outputs), [{}], [])
    except _UncertainError as doubt:
        return str(doubt)
    return (
        None if all_there(outputs, {}) else "a loop has no turn in some turns of the one around it"
    )


class _UncertainError(Exception):
    """A later turn may do something else."""


class _OutsideError(Exception):
    """An index leaves its array."""


def _check(
    vertices: Iterable[Vertex], corners: Sequence[_Corner], beyond: Sequence[_Corner]
) -> None:
    """Look at a graph, or at the body of a loop.

    Args:
        vertices: of the graph.
        corners: the turns of the loops around it between which all turns lie. What grows evenly is
            in between, too.
        beyond: others between which they lie, where a loop has no turn.
    """
    doubt: _UncertainError | None = None
    for vertex in vertices:
        if not isinstance(vertex, Apply):
            continue
        try:
            if isinstance(vertex.operation, Loop):
                _check_loop(vertex.operation, corners, beyond)
            elif vertex.operation in _INDEXING:
                _check_index(vertex, corners, beyond)
            elif vertex.operation not in (tape, element):
                _check_lengths(vertex)
        except _UncertainError as found:
            doubt = doubt or found
    if doubt is not None:
        raise doubt


def _check_loop(loop: Loop, corners: Sequence[_Corner], beyond: Sequence[_Corner]) -> None:
    ends: list[_Corner] = []
    others: list[_Corner] = []
    for corner in (*corners, *beyond):
        count = at(loop.turns, corner)
        if count < 0:
            raise _UncertainError("a loop would have fewer turns than none")
        made = ends if count and corner in corners else others
        made += [{**corner, loop.counter: turn} for turn in {0, max(count - 1, 0)}]
    _check(loop.body, ends, others)


def _check_lengths(vertex: Apply) -> None:
    name, shape = vertex.operation.name, vertex.shape
    others = {key: x for key, x in vertex.params.items() if key != "shape" or x != shape}
    if _grows(others):
        raise _UncertainError(f"`{name}` is told something else in each turn")
    lengths = [x.shape for x in (vertex, *vertex.operands)]
    if _grows(lengths) and not is_of_any_length(vertex.operation):
        raise _UncertainError(f"`{name}` of arrays of another length in each turn")


def _grows(value: Any) -> bool:
    """Tell whether there is an integer that grows in parameters."""
    if isinstance(value, Mapping):
        return any(map(_grows, value.values()))
    if isinstance(value, (tuple, list)):
        return any(map(_grows, value))
    if isinstance(value, (slice, range)):
        return any(map(_grows, (value.start, value.stop, value.step)))
    return isinstance(value, Affine)


def _check_index(vertex: Apply, corners: Sequence[_Corner], beyond: Sequence[_Corner]) -> None:
    params = vertex.params
    adds, reads = (vertex.operation is x for x in (indexing.scatter_add, indexing.getitem))
    shape = params["shape"] if adds else vertex.operands[0].shape
    parts = list(indexing.index_parts(params["index"]))
    if not all(map(_is_constant, parts)):
        if _grows(parts) or _grows(shape):
            raise _UncertainError("an index of arrays and of what grows with the turn")
        return  # the running program looks at the arrays
    picked = vertex.shape if reads else None
    for corner in corners:
        try:
            _in_one_turn(parts, shape, picked, corner)
        except _OutsideError as error:
            raise NotAlikeError(str(error)) from None
    try:
        _from_one_end(parts, corners)
    except _OutsideError as error:
        raise NotAlikeError(str(error)) from None
    try:
        for corner in beyond:
            _in_one_turn(parts, shape, picked, corner)
        _from_one_end(parts, [*corners, *beyond])
    except _OutsideError as error:
        raise _UncertainError(str(error)) from None


def _is_constant(part: Any) -> bool:
    """Tell what is no array, and stands for none."""
    return part is None or part is Ellipsis or isinstance(part, (int, slice, Affine))


def _in_one_turn(
    parts: Sequence[Any],
    shape: Sequence[Integer],
    picked: Sequence[Integer] | None,
    corner: _Corner,
) -> None:
    """Look whether an index is one of an array, and picks as much as it is said to."""
    axes = sum(part is not None and part is not Ellipsis for part in parts)
    whole = [slice(None)] * (len(shape) - axes)
    where = parts.index(Ellipsis) if Ellipsis in parts else len(parts)
    extents, lengths = iter(shape), iter(picked or ())
    for part in (*parts[:where], *whole, *parts[where + 1 :]):
        if part is None:
            next(lengths, None)
            continue
        n = _at(next(extents), corner)
        if not isinstance(part, slice):
            if not -n <= _at(part, corner) < n:
                raise _OutsideError("an index leaves the array")
            continue
        length = next(lengths, None)
        start, stop, step = (
            None if x is None else _at(x, corner) for x in (part.start, part.stop, part.step)
        )
        if _grows(part) and step not in (None, 1):
            raise _UncertainError("a slice with steps, of another length in each turn")
        first, end, _ = slice(start, stop, step).indices(n)
        if _grows(part) and not (_is_bound(start, n) and _is_bound(stop, n) and first <= end):
            raise _OutsideError("a slice is cut off at an end of the array")
        count = len(range(first, end, step or 1))
        if length is not None and _at(length, corner) != count:
            raise _OutsideError("a slice has another length than follows from its bounds")


def _is_bound(bound: int | None, n: int) -> bool:
    return bound is None or -n <= bound <= n


def _from_one_end(parts: Sequence[Any], corners: Sequence[_Corner]) -> None:
    """Look whether integers that grow count from the same end of an axis in all turns."""
    for part in parts:
        for x in (part.start, part.stop) if isinstance(part, slice) else (part,):
            if isinstance(x, Affine) and len({_at(x, corner) < 0 for corner in corners}) > 1:
                raise _OutsideError("an index begins to count from the other end of the array")


def _at(integer: Any, corner: _Corner) -> int:
    try:
        return at(integer, corner)
    except KeyError:  # of what another loop has kept
        raise _UncertainError("an index of what another loop has kept") from None
