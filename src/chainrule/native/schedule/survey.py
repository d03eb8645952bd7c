"""What a kernel consists of, before it is written: dependencies, phases, and the loop nest.

A vertex can have several places in one kernel (``exp(x)[:, None] * exp(x)``), so everything is kept
by *item*: a vertex together with the axes of the kernel's space that its own axes are.

A phase is one pass over the entries of a row. It ends where the row has been reduced; what needs
the result belongs to a later phase, which goes over the row again. What an earlier phase computed
is then computed anew where that is cheap, and else kept in a row of scratch memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

from chainrule.graph.graph import Apply, Vertex
from chainrule.native.ir.access import Access
from chainrule.native.ir.elements import TABLE, has_fast_path, is_cheap
from chainrule.native.lower.gather import gather_of
from chainrule.native.lower.roles import Role, computed_from, operand_axes, reduced_axes
from chainrule.native.schedule.plan import Kernel, Schedule
from chainrule.native.schedule.space import Nest, nest

__all__ = ["Axes", "Item", "Root", "Survey"]

_ANEW = 3  # instructions that take no longer than to keep a value for a later phase

#: For each axis of a vertex the axis of the kernel's space; None for length 1.
Axes: TypeAlias = "tuple[int | None, ...]"
Item: TypeAlias = "tuple[Vertex, Axes]"


@dataclass(frozen=True)
class Root:
    """A vertex that the kernel stores."""

    vertex: Apply
    axes: Axes


class Survey:
    """What a kernel consists of.

    Attributes:
        strides: for each item that is loaded, its strides over the axes of the space.
        walked: for each item that indices pick from an array, the strides over the axes of the
            space of those axes of the array that have no indices.
        depends: for each item, the axes along which its value changes.
        phases: for each item, the first phase that can have its value.
        spilled: where in a row of scratch memory an item is kept (in bytes).
        stores: for roots that are stored later than they could be, the phase that does it.
        added: for each reduction over rows, the phase that adds to it.
        nest: the loops.
        last: the number of the last phase.
    """

    def __init__(self, kernel: Kernel, plan: Schedule) -> None:
        self.kernel = kernel
        self.plan = plan
        self.roots = [Root(v, plan.placed[v].axes) for v in kernel.roots]
        self.strides: dict[Item, tuple[int, ...]] = {}
        self.walked: dict[Item, tuple[int, ...]] = {}
        self.depends: dict[Item, frozenset[int]] = {}
        self.phases: dict[Item, int] = {}
        self.spilled: dict[Item, int] = {}
        self.stores: dict[Item, int] = {}
        self.added: dict[Vertex, int] = {}
        self.scratch_bytes = 0
        for root in self.roots:
            self._survey(root.vertex, root.axes, root=True)
        self.nest = self._nest()
        self.last = self._plan_phases()

    @property
    def loads(self) -> list[Vertex]:
        """The vertices whose memory the kernel reads, in an order that is the same in each run."""
        read = [vertex for vertex, _ in self.strides]
        read += [v.operands[0] for v, _ in self.walked if isinstance(v, Apply)]
        accesses = (self.plan.access(vertex) for vertex in read)
        return list(dict.fromkeys(access.base for access in accesses if access is not None))

    def walked_like(self, vertex: Vertex) -> list[Access]:
        """Return the arrays in memory that the kernel walks through as it does through another."""
        found: dict[Access, tuple[int, ...]] = {}
        for (x, _), strides in self.strides.items():
            access = self.plan.access(x)
            if access is not None:
                found[access] = strides
        own = {strides for access, strides in found.items() if access.base is vertex}
        return [x for x, strides in found.items() if strides in own and x.base is not vertex]

    @property
    def size(self) -> int:
        """Entries of the space."""
        return self.nest.rows * math.prod(self.nest.inner)

    def is_inline(self, vertex: Vertex) -> bool:
        """Tell whether the kernel computes a vertex itself."""
        return self.plan.is_inline(vertex, self.kernel.level)

    def operands(self, vertex: Apply, axes: Axes) -> list[Item]:
        """Return the operands of a vertex, with what their axes are in the kernel's space."""
        if self.plan.roles[vertex] is Role.REDUCTION:
            (x,) = vertex.operands
            return [(x, self.domain(vertex))]
        own = computed_from(vertex, self.plan.roles[vertex])
        return [(vertex.operands[k], operand_axes(vertex, axes, k)) for k in own]

    def domain(self, reduction: Apply) -> Axes:
        """Return which axes of the space the operand of a reduction has."""
        (x,) = reduction.operands
        if self.is_inline(x):
            return self.plan.placed[x].axes
        count = iter(range(len(self.kernel.space)))
        return tuple(None if n == 1 else next(count) for n in x.shape)

    def gone(self, reduction: Apply) -> frozenset[int]:
        """Return the axes of the space that a reduction sums."""
        domain = self.domain(reduction)
        return frozenset(a for k in reduced_axes(reduction)[0] if (a := domain[k]) is not None)

    def _survey(self, vertex: Vertex, axes: Axes, root: bool = False) -> None:
        """Note strides, dependencies and phases of a vertex and of all that it is computed from."""
        key = vertex, axes
        if key in self.depends:
            return
        role = self.plan.roles[vertex]
        if role is Role.NUMBER:
            self.depends[key], self.phases[key] = frozenset(), 0
            return
        if not root and not self.is_inline(vertex):
            strides = self._strides(vertex, axes)
            self.strides[key] = strides
            self.depends[key] = frozenset(k for k, s in enumerate(strides) if s)
            self.phases[key] = 0
            return
        assert isinstance(vertex, Apply)
        operands = self.operands(vertex, axes)
        for x, theirs in operands:
            self._survey(x, theirs)
        depends = frozenset().union(*(self.depends[item] for item in operands))
        phase = max((self.phases[item] for item in operands), default=0)
        if role is Role.REDUCTION:
            gone = self.gone(vertex)
            depends -= gone
            if gone and vertex not in self.plan.whole:
                phase += 1
        elif role is Role.GATHER:
            walked = self.walked[key] = self._walked(vertex, axes)
            depends |= {k for k, s in enumerate(walked) if s}
        self.depends[key], self.phases[key] = depends, phase

    def _strides(self, vertex: Vertex, axes: Axes) -> tuple[int, ...]:
        access = self.plan.access(vertex)
        assert access is not None
        strides = [0] * len(self.kernel.space)
        for axis, stride, n in zip(axes, access.strides, access.size, strict=True):
            if axis is not None and n != 1:
                strides[axis] += stride
        return tuple(strides)

    def _walked(self, vertex: Apply, axes: Axes) -> tuple[int, ...]:
        access, known = self.plan.access(vertex.operands[0]), gather_of(vertex)
        assert access is not None
        assert known is not None
        strides = [0] * len(self.kernel.space)
        for place, stride in zip(known.walked, access.strides, strict=True):
            axis = None if place is None else axes[place]
            if axis is not None:
                strides[axis] += stride
        return tuple(strides)

    def _nest(self) -> Nest:
        accesses = [*self.strides.values(), *self.walked.values()]
        accesses += map(self.own_strides, self.roots)
        # Axes that a root has and has not are different, too.
        reductions = [frozenset(a for a in root.axes if a is not None) for root in self.roots]
        for vertex, _ in self.depends:
            if self.plan.roles[vertex] is Role.REDUCTION and (
                self.is_inline(vertex) or vertex in self.kernel.roots
            ):
                assert isinstance(vertex, Apply)
                reductions.append(self.gone(vertex))
                domain = {a for a in self.domain(vertex) if a is not None}
                reductions.append(frozenset(domain))
        return nest(self.kernel.space, self.kernel.inner, accesses, reductions)

    def own_strides(self, root: Root) -> tuple[int, ...]:
        """Return the strides of a root's own memory over the axes of the space."""
        access = self.plan.memory(root.vertex)
        strides = [0] * len(self.kernel.space)
        for axis, stride in zip(root.axes, access.strides, strict=True):
            if axis is not None:
                strides[axis] = stride
        return tuple(strides)

    def place(self, vertex: Vertex, axes: Axes) -> str:
        """Tell where a value is written: once, per row, or per entry."""
        depends = self.depends[vertex, axes]
        if self.nest.is_inner(depends):
            return "inner"
        reduced = self.plan.roles[vertex] is Role.REDUCTION and (vertex, axes) not in self.strides
        if depends or self.phases[vertex, axes] or reduced:
            return "row"
        return "entry"

    def _plan_phases(self) -> int:
        """Count the phases, and choose what is kept in scratch memory from one to the next."""
        uses: dict[int, list[Item]] = {}
        last = 0
        for root in self.roots:
            key = root.vertex, root.axes
            phase = self.phases[key]
            if root.vertex in self.plan.whole:
                item = self.operands(*key)[0]
                phase = self.added[root.vertex] = self._phase_that_adds(root.vertex, item)
                uses.setdefault(phase, []).append(item)
            else:
                if root.vertex in self.plan.versions.rereads and self._runs_twice(phase):
                    phase = self.stores[key] = phase + 1
                uses.setdefault(phase, []).append(key)
            last = max(last, phase)
        for phase in range(last, 0, -1):  # at the first, all is computed as it comes
            seen: set[Item] = set()
            for item in uses.get(phase, []):
                self._visit(item, phase, uses, seen)
        return last

    def _phase_that_adds(self, reduction: Apply, item: Item) -> int:
        """Return the phase in which a reduction over rows is added to.

        The entries are kept for the next where a loop might add them twice.
        """
        phase = self.phases[item]
        domain = {a for a in self.domain(reduction) if a is not None}
        if not self.nest.is_inner(domain - self.gone(reduction)):
            return phase  # once for each row
        return phase + self._runs_twice(phase)

    def _runs_twice(self, phase: int) -> bool:
        """Tell whether the loop of a phase may have to run again, as quick loops of functions do.

        A loop that changes what it reads must not (see `chainrule.native.codegen.loops`).
        """
        return any(
            own == phase and has_fast_path(vertex) and self.place(vertex, axes) == "inner"
            for (vertex, axes), own in self.phases.items()
            if isinstance(vertex, Apply) and (vertex, axes) not in self.strides
        )

    def _visit(
        self,
        key: Item,
        phase: int,
        uses: dict[int, list[Item]],
        seen: set[Item],
    ) -> None:
        if key in seen or key in self.strides or self.plan.roles[key[0]] is Role.NUMBER:
            return
        seen.add(key)
        vertex, axes = key
        assert isinstance(vertex, Apply)
        operands = self.operands(vertex, axes)
        if self.plan.roles[vertex] is Role.REDUCTION and self.gone(vertex):
            if vertex not in self.plan.whole:
                own = self.phases[key] - 1
                uses.setdefault(own, []).append(operands[0])
            return
        if self.place(vertex, axes) == "inner" and self.phases[key] < phase:
            if key in self.spilled:
                return
            if self._steps(key, set()) > _ANEW:
                self._spill(key)
                uses.setdefault(self.phases[key], []).append(key)
                return
        for item in operands:
            self._visit(item, phase, uses, seen)

    def _steps(self, key: Item, seen: set[Item], inside: bool = False) -> int:
        """Count the instructions that compute a value from what is loaded or kept anyway."""
        vertex, axes = key
        role = self.plan.roles[vertex]
        known = key in self.strides or key in self.spilled or role is Role.NUMBER
        if key in seen or known or self.place(vertex, axes) != "inner":
            return 0
        seen.add(key)
        assert isinstance(vertex, Apply)
        steps = 0
        if role is Role.ELEMENT:
            if not is_cheap(vertex):
                return 0 if inside else _ANEW + 1
            steps = TABLE[vertex.operation].steps
        operands = [] if role is Role.REDUCTION else self.operands(vertex, axes)
        return steps + sum(self._steps(item, seen, inside=True) for item in operands)

    def _spill(self, key: Item) -> None:
        dtype = key[0].dtype
        offset = self.scratch_bytes
        self.scratch_bytes += -(-self.nest.columns * dtype.itemsize // 64) * 64
        self.spilled[key] = offset
