"""What the turns of a loop over arrays compute, in terms of primitives that machine code has."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.graph.graph import Apply, Constant, Vertex, copied, topological
from chainrule.native.ir.text import is_native
from chainrule.native.lower.gather import checks
from chainrule.native.lower.lengths import look_at_lengths
from chainrule.native.lower.primitives import as_primitives
from chainrule.native.lower.roles import Role, role_of
from chainrule.native.lower.turn_places import UnrollError

__all__ = ["as_body"]


def as_body(results: Sequence[Vertex]) -> list[Vertex]:
    """Write what a turn computes in terms of primitives, each result in memory of its own.

    Raises:
        UnrollError: something in it is not for machine code.
    """
    simple: list[Vertex] = []
    for x in as_primitives(results):
        own = isinstance(x, Apply) and role_of(x) not in (Role.VIEW, Role.NUMBER)
        simple.append(x if own and x not in simple else copied(x))
    look_at_lengths(topological(simple))
    for x in topological(simple):
        if not is_native(x.dtype):
            raise UnrollError(f"there are values of dtype {x.dtype} in it")
        if isinstance(x, Apply) and role_of(x) is Role.CALL:
            raise UnrollError(f"NumPy computes {x.operation.name} in it")
    constants = (x for x in topological(simple) if isinstance(x, Constant))
    arrays = {x for x in constants if not x.literal}
    if checks(simple, arrays):
        raise UnrollError("an index in it is an array that may be out of range")
    return simple
