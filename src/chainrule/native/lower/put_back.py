"""Updates that leave an array as it is: what a backward pass takes out and puts back, and nothing.

The gradient of ``c[i] += v`` reads the entries of c's gradient, writes zeros over them, and adds
them again, as those of ``c[i]`` on the right-hand side.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.graph.graph import Apply, Vertex, is_number, is_operation, topological
from chainrule.graph.rewrite import same_kind, with_operands
from chainrule.native.lower.parts import FixedPlace, apart, fixed_place
from chainrule.operations import elementwise
from chainrule.operations.indexing import getitem, scatter_add, set_at

__all__ = ["put_back", "without_empty_updates"]

_MOST_BETWEEN = 8  # sums over which zeros that were written are looked for


def put_back(outputs: Sequence[Vertex]) -> list[Vertex]:
    """Write gradients over others, in place of zeros to which they are added, or leave both out.

    The outputs are recorded ones. A sum of -0.0 and a zero that was written is -0.0 here.
    """
    order = topological(outputs)
    if not any(is_operation(x, set_at) for x in order):
        return list(outputs)
    putting, done = _Putting(), dict[Vertex, Vertex]()
    for vertex in order:
        new = with_operands(vertex, done)
        if is_operation(new, set_at, elementwise.add):
            new = putting.added_to_zeros(new) or new
        done[vertex] = new
    return [done[x] for x in outputs]


class _Putting:
    """Finds ``set_at(x, 0, place) + scatter_add(g, place)``.

    Attributes:
        distance: of sums in which zeros were written first, how many terms ago.
    """

    def __init__(self) -> None:
        self.distance: dict[Vertex, int] = {}

    def added_to_zeros(self, vertex: Apply) -> Vertex | None:
        """Put the gradient in the place of the zeros, with sums at other places in between."""
        if vertex.operation is set_at:
            if len(vertex.operands) == 2 and is_number(vertex.operands[1], 0):
                self.distance[vertex] = 0
            return None
        for x, g in (vertex.operands, vertex.operands[::-1]):
            distance = self.distance.get(x, _MOST_BETWEEN)
            place = _added_at(g, vertex) if distance < _MOST_BETWEEN else None
            if place is not None:
                assert isinstance(g, Apply)
                self.distance[vertex] = distance + 1
                return _without_zeros(x, g, place)
        return None


def _without_zeros(total: Vertex, added: Apply, place: FixedPlace) -> Vertex | None:
    between: list[tuple[Apply, int]] = []
    x = total
    while not is_operation(x, set_at):
        assert isinstance(x, Apply)
        for k, g in enumerate(x.operands):
            other = _added_at(g, x)
            if other is not None and apart(other, place):
                between.append((x, k))
                x = x.operands[1 - k]
                break
        else:
            return None
        if not is_operation(x, set_at, elementwise.add):
            return None
    base, value, *arrays = x.operands
    if arrays or not is_number(value, 0) or not same_kind(base, x) or _place(x) != place:
        return None
    (g,) = added.operands
    made: Vertex = Apply(set_at, (base, g), x.params, x.value)
    if is_operation(g, getitem) and g.operands == (base,) and _place(g) == place:
        made = base
    for total_between, k in reversed(between):
        pair = (made, total_between.operands[k])
        made = Apply(elementwise.add, pair, total_between.params, total_between.value)
    return made


def _added_at(x: Vertex, total: Vertex) -> FixedPlace | None:
    """Return where entries are added, if they are to no others than those of an array."""
    if not is_operation(x, scatter_add) or len(x.operands) > 1 or not same_kind(x, total):
        return None
    return fixed_place(x.params["index"], x.shape)


def _place(x: Apply) -> FixedPlace | None:
    """Return what an operation reads or writes."""
    return fixed_place(x.params["index"], x.operands[0].shape)


def without_empty_updates(outputs: Sequence[Vertex]) -> list[Vertex]:
    """Leave out what writes or adds no entries, as turns do with ``a[:i]`` where i is 0."""
    if not any(map(_is_empty, topological(outputs))):
        return list(outputs)
    done: dict[Vertex, Vertex] = {}
    for vertex in topological(outputs):
        done[vertex] = _without_empty(with_operands(vertex, done))
    return [done[x] for x in outputs]


def _without_empty(vertex: Vertex) -> Vertex:
    if not isinstance(vertex, Apply):
        return vertex
    if vertex.operation is set_at and _is_empty(vertex) and same_kind(vertex.operands[0], vertex):
        return vertex.operands[0]
    if vertex.operation is elementwise.add:
        for x, g in (vertex.operands, vertex.operands[::-1]):
            if is_operation(g, scatter_add) and _is_empty(g) and same_kind(x, vertex):
                return x
    return vertex


def _is_empty(vertex: Vertex) -> bool:
    """Tell an update of no entries; shapes may hold integers that grow from turn to turn."""
    if not is_operation(vertex, scatter_add, set_at):
        return False
    which = int(vertex.operation is set_at)
    return len(vertex.operands) == 1 + which and 0 in vertex.operands[which].shape
