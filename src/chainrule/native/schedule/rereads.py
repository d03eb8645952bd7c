"""Parts of updates that are computed, entry by entry, from what they are written over."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from chainrule.graph.graph import Apply, Vertex
from chainrule.native.lower.roles import Role, is_alias
from chainrule.native.schedule.readers import Reader, Storage

__all__ = ["Rereads"]

_NEAR = 64  # operations up to which a part is looked through for reads of what it writes over


class Rereads:
    """Finds them.

    Args:
        roles: what each vertex is.
        users: of each vertex.
        final: the vertices that are wanted.
    """

    def __init__(
        self,
        roles: Mapping[Vertex, Role],
        users: Mapping[Vertex, Sequence[Apply]],
        final: Collection[Vertex],
    ) -> None:
        self._roles, self._users, self._final = roles, users, final

    def of(
        self, vertex: Apply, over: Sequence[Reader], storage: Storage
    ) -> tuple[dict[Reader, Vertex], int]:
        """Find readers of the very entries that a part is written over, one by one, and no others.

        Returns:
            these, each with the part; and the number of entries in parts that have to be computed
            elsewhere first, since they are computed from what they are written over otherwise.
        """
        found: dict[Reader, Vertex] = {}
        work = 0
        if self._roles[vertex] is Role.SCATTER or not over:
            return found, work
        pairs = list(zip(vertex.operands[1:], vertex.params["places"][1:], strict=True))
        users = {reader.user for reader in over}
        for part, place in pairs:
            near = self._near(part)
            if users.isdisjoint(near):
                continue
            mine = [reader for reader in over if reader.user in near]
            # A single entry is written when all that it is computed from has been read; that must
            # not be what another part is written over, perhaps before.
            others = [other for _, other in pairs if other is not place]
            same = [
                reader
                for reader in mine
                if (
                    reader.is_alike(storage.memory, place)
                    or (part.size == 1 and not any(reader.meets(storage.memory, x) for x in others))
                )
                and self._ends_in(part, reader.user, near, vertex)
            ]
            found |= dict.fromkeys(same, part)
            work += part.size if len(same) < len(mine) else 0
        return found, work

    def _near(self, part: Vertex) -> set[Vertex]:
        """Return what a part is computed from, entry by entry, in a few operations."""
        near: set[Vertex] = set()
        stack = [part]
        while stack and len(near) < _NEAR:
            x = stack.pop()
            if x in near or not isinstance(x, Apply):
                continue
            if self._roles[x] is Role.ELEMENT or (self._roles[x] is Role.VIEW and is_alias(x)):
                near.add(x)
                stack += x.operands
        return near

    def _ends_in(self, part: Vertex, start: Vertex, near: set[Vertex], update: Apply) -> bool:
        """Tell whether nothing needs what is computed from some vertex but a part of an update."""
        stack = [start]
        seen: set[Vertex] = set()
        while stack:
            x = stack.pop()
            if x in seen:
                continue
            seen.add(x)
            if x not in near or x.size != part.size or x in self._final:
                return False
            for user in self._users.get(x, ()):
                if user is not update:
                    stack.append(user)
                elif x is not part or update.operands.count(x) > 1:
                    return False
        return True
