"""A schedule as data: kernels and other steps in order, and what gets memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from chainrule.graph.graph import Apply, Vertex
from chainrule.native.ir.access import Access, contiguous
from chainrule.native.lower.roles import Role, followed
from chainrule.native.schedule.in_place import Versions

__all__ = ["Kernel", "Placed", "Schedule"]


@dataclass(frozen=True)
class Placed:
    """Where a vertex is computed.

    ``axes[k]`` is the axis of the space that the vertex's own axis k is; None for length 1.
    ``reduces`` says that rows are reduced within the kernel on the way to its value, and ``hidden``
    that these rows run along axes that it has not itself; ``depth`` is the length of the longest
    chain of operations in the kernel up to it.
    """

    level: int
    space: tuple[int, ...]
    axes: tuple[int | None, ...]
    hidden: bool = False
    depth: int = 0
    reduces: bool = False

    @property
    def key(self) -> tuple[int, tuple[int, ...]]:
        """What the vertices of one kernel have in common."""
        return self.level, self.space


@dataclass
class Kernel:
    """Roots that one loop nest computes.

    ``inner`` is the first of the inner axes, if any. ``product`` is one whose rows the kernel goes
    on with; see `chainrule.native.schedule.epilogues`.
    """

    level: int
    space: tuple[int, ...]
    inner: int | None
    roots: list[Apply] = field(default_factory=list)
    product: Apply | None = None


@dataclass
class Schedule:
    """The steps in order: kernels, products, and applications that NumPy computes."""

    outputs: list[Vertex]
    steps: list[Kernel | Apply]
    roles: dict[Vertex, Role]
    placed: dict[Vertex, Placed]
    whole: set[Vertex]  # reductions that nothing in their kernel can use
    stored: set[Vertex]  # vertices that get memory
    versions: Versions  # which of them share it
    results: dict[Vertex, list[Apply]]  # of loops over arrays, those that are needed
    bodies: dict[Vertex, Schedule]  # of these loops

    def vertices(self) -> Iterator[Vertex]:
        """Yield all vertices, those of the bodies of loops, too; some more than once."""
        yield from self.roles
        for body in self.bodies.values():
            yield from body.vertices()

    def made(self, step: Kernel | Apply) -> list[Apply]:
        """Return the vertices that a step writes into memory of their own."""
        if isinstance(step, Kernel):
            return step.roots
        return self.results[step] if step in self.bodies else [step]

    def viewed(self, vertex: Vertex) -> tuple[Vertex, list[Apply]]:
        """Return what a vertex is a view of, as far as nothing on the way is stored, and views."""
        chain: list[Apply] = []
        while vertex not in self.stored and self.roles[vertex] is Role.VIEW:
            assert isinstance(vertex, Apply)
            chain.append(vertex)
            vertex = vertex.operands[0]
        return vertex, chain[::-1]

    def memory(self, vertex: Vertex) -> Access:
        """Return where what is stored lies: in its own memory, or in that of another vertex."""
        return self.versions.targets.get(vertex) or contiguous(vertex)

    def access(self, vertex: Vertex) -> Access | None:
        """Return where the entries of a vertex lie, where it or what it views is in memory."""
        base, chain = self.viewed(vertex)
        if base not in self.stored and self.roles[base] is not Role.MEMORY:
            return None
        return followed(self.memory(base), chain)

    def accesses(self, step: Apply) -> list[Access]:
        """Return where the operands of a step that is no kernel lie: all of them are in memory."""
        found = map(self.access, step.operands)
        return [access for access in found if access is not None]

    def is_inline(self, operand: Vertex, level: int) -> bool:
        """Tell whether a kernel of some level computes an operand itself rather than load it."""
        if operand not in self.placed or operand in self.whole:
            return False
        return self.placed[operand].level == level or operand not in self.stored
