"""Signs move outwards, to a sum or a difference, which takes them for nothing.

What `-x` is multiplied by may as well be multiplied by `x`: each operation rounds alike, and a turn
waits for one less. Results are the same up to the sign of a zero.
"""

from __future__ import annotations

from chainrule.core.kinds import guarded_multiply
from chainrule.graph.graph import Apply, Vertex, is_operation
from chainrule.operations import elementwise

__all__ = ["signed"]

_OTHER = {elementwise.add: elementwise.subtract, elementwise.subtract: elementwise.add}


def signed(vertex: Apply) -> Apply:
    """Return an operation on single numbers without the signs of its operands, if it can be."""
    if vertex.dtype.kind != "f" or any(x.dtype != vertex.dtype for x in vertex.operands):
        return vertex
    if vertex.operation in (elementwise.multiply, guarded_multiply):
        operands = tuple(_size(x) for x in vertex.operands)
        found = Apply(vertex.operation, operands, vertex.params, vertex.value)
        odd = sum(a is not b for a, b in zip(operands, vertex.operands, strict=True)) % 2
        return Apply(elementwise.negative, (found,), {}, vertex.value) if odd else found
    if vertex.operation in _OTHER:
        a, b = vertex.operands
        if _size(b) is not b:
            return Apply(_OTHER[vertex.operation], (a, _size(b)), vertex.params, vertex.value)
        if _size(a) is not a and vertex.operation is elementwise.add:
            return Apply(elementwise.subtract, (b, _size(a)), vertex.params, vertex.value)
    return vertex


def _size(x: Vertex) -> Vertex:
    """Return what a vertex is the negative of, or itself."""
    return x.operands[0] if is_operation(x, elementwise.negative) else x
