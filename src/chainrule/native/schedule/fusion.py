"""Which vertices are computed together, in which order, and which of them need memory.

A *kernel* is one loop nest over a space of axes, forward and backward alike. Time is counted in
levels: a vertex can be computed together with its operands (at their level), unless it needs them
whole, which is one level later. So kernels of one level never wait for each other, and there can be
no circles.

The last axes of a space, its *inner* ones, may be reduced within the kernel: a row is reduced, and
what depends on the result goes over the same row again while it is in the cache (softmax, layer
norm). Whatever is a few instructions away from memory is computed anew rather than stored.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply, Vertex
from chainrule.native.ir.elements import is_cheap
from chainrule.native.lower.array_loop import ArrayLoop
from chainrule.native.lower.roles import (
    Role,
    computed_from,
    expected_access,
    is_alias,
    operand_axes,
    reduced_axes,
)
from chainrule.native.schedule.in_place import Versions, in_place
from chainrule.native.schedule.plan import Kernel, Placed, Schedule

__all__ = ["schedule"]

_LONGEST_ROW = 32_768  # entries up to which a row is gone over twice rather than stored
_LONG_ROW = 16  # entries of a row from which on it matters that they lie one after the other
_ANEW = 4  # cheap operations up to which a value is computed anew
# So that LLVM stays quick, what is more goes into another kernel:
_DEEPEST = 200  # operations in a row
_LONGEST = 1000  # operations at all; that of a function like exp counts as several
_CALL = 16


class _Scheduler:
    def __init__(self, versions: Versions) -> None:
        self.outputs = versions.outputs
        self.order = versions.order
        self.roles = versions.roles
        self.after = versions.after
        self.early: dict[int, int] = {}  # the level from which on a list of vertices is done
        self.placed: dict[Vertex, Placed] = {}  # what kernels compute
        self.ready: dict[Vertex, int] = {}  # the level from which on all else can be loaded
        self.whole: set[Vertex] = set()  # reductions that nothing in their kernel can use
        self.inner: dict[tuple[int, tuple[int, ...]], int] = {}
        self.length: dict[tuple[int, tuple[int, ...]], int] = {}  # operations of each kernel
        self.stored: set[Vertex] = set()
        self.results: dict[Vertex, list[Apply]] = {}
        # What is stored in any case: what it reads may be written over.
        self.certain = {x for before in _distinct(versions.after.values()) for x in before}

    def _is_open(self, vertex: Vertex) -> bool:
        """Tell whether a vertex can be computed together with what uses it."""
        return vertex in self.placed and vertex not in self.whole

    # Levels and spaces.

    def place(self) -> None:
        for vertex in self.order:
            role = self.roles[vertex]
            if role in (Role.NUMBER, Role.MEMORY):
                self.ready[vertex] = 0
                continue
            assert isinstance(vertex, Apply)
            if role is Role.VIEW:
                self._place_view(vertex)
            elif role in (Role.ELEMENT, Role.GATHER):
                self._place_element(vertex)
            elif role is Role.REDUCTION:
                self._place_reduction(vertex)
            else:
                level = max(map(self._loadable, vertex.operands), default=0)
                level = max(level, self._earliest(vertex))
                self.ready[vertex] = level + (role not in (Role.JOIN, Role.RESULT))

    def _earliest(self, vertex: Vertex) -> int:
        """Return the first level at which a vertex may be written."""
        before = self.after.get(vertex, ())
        key = id(before)  # many parts share it
        if key not in self.early:
            self.early[key] = max(map(self._loadable, before), default=0)
        return self.early[key]

    def _loadable(self, vertex: Vertex) -> int:
        """Return the level from which on a vertex can be loaded."""
        placed = self.placed.get(vertex)
        return self.ready[vertex] if placed is None else placed.level + 1

    def _place_view(self, vertex: Apply) -> None:
        (x,) = vertex.operands
        if self._is_open(x) and is_alias(vertex):
            self._place_element(vertex)
        else:
            self.ready[vertex] = self._loadable(x)

    def _place_element(self, vertex: Apply) -> None:
        own = [vertex.operands[k] for k in computed_from(vertex, self.roles[vertex])]
        fused = [x for x in own if self._is_open(x)]
        level = max(
            *(self.placed[x].level if x in fused else self._loadable(x) for x in own),
            *(self._loadable(x) for x in vertex.operands if x not in own),
            self._earliest(vertex),
            0,
        )
        together = [x for x in fused if self.placed[x].level == level]
        depth = 1 + max((self.placed[x].depth for x in together), default=0)
        found = self._joined(vertex, level, together) if together and depth < _DEEPEST else None
        if found is None:
            place = _own_space(vertex, level + bool(together))
        else:
            reduces = any(self.placed[x].reduces for x in together)
            place = replace(found, depth=depth, reduces=reduces)
        while self.length.get(place.key, 0) > _LONGEST:
            place = _own_space(vertex, place.level + 1)
        if self.roles[vertex] is not Role.VIEW:
            steps = 1 if is_cheap(vertex) else _CALL
            self.length[place.key] = self.length.get(place.key, 0) + steps
        self.placed[vertex] = place

    def _joined(self, vertex: Apply, level: int, together: list[Vertex]) -> Placed | None:
        """Find a space in which a vertex is computed together with its operands."""
        spaces = sorted({self.placed[x].space for x in together}, key=len, reverse=True)
        for space in spaces:
            axes = self._axes_in(vertex, space, together)
            if axes is not None and self._fit(vertex, Placed(level, space, axes), together):
                hidden = any(
                    self.placed[x].hidden for x in together if self.placed[x].space == space
                ) and len([a for a in axes if a is not None]) < len(space)
                return Placed(level, space, axes, hidden)
        own = _own_space(vertex, level)
        return own if self._fit(vertex, own, together) else None

    def _axes_in(
        self, vertex: Apply, space: tuple[int, ...], together: list[Vertex]
    ) -> tuple[int | None, ...] | None:
        """Find which axis of a space each axis of a vertex is; None if there is no one answer."""
        size = vertex.shape
        axes: list[int | None] = [None] * len(size)
        for k, x in enumerate(vertex.operands):
            if x not in together or self.placed[x].space != space:
                continue
            for mine, theirs in zip(
                operand_axes(vertex, tuple(range(len(size))), k), self.placed[x].axes, strict=True
            ):
                if mine is None or theirs is None:
                    continue
                if axes[mine] not in (None, theirs):
                    return None
                axes[mine] = theirs
        for k, n in enumerate(size):
            if n != 1 and axes[k] is None:  # an axis that only operands in memory have
                free = [j for j, m in enumerate(space) if m == n and j not in axes]
                if not free:
                    return None
                axes[k] = free[-1]
        known = [a for a in axes if a is not None]
        return tuple(axes) if known == sorted(set(known)) else None

    def _fit(self, vertex: Apply, place: Placed, together: list[Vertex]) -> bool:
        """Tell whether each operand can be computed where the vertex is."""
        for k, x in enumerate(vertex.operands):
            if x not in together:
                continue
            there = self.placed[x]
            wanted = operand_axes(vertex, place.axes, k)
            if there.space == place.space:
                if wanted != there.axes:
                    return False
                continue
            if there.reduces:
                return False
            # It is computed again in this larger space: per row, or it must be cheap.
            used = [a for a in wanted if a is not None]
            per_row = len(place.space) - 1 not in used
            if not (per_row or self._is_cheap_anew(x, place.level, again=True)):
                return False
        return True

    def _is_cheap_anew(self, vertex: Vertex, level: int, again: bool = False) -> bool:
        """Tell whether a value is a few cheap operations away from memory at some level.

        ``again`` says that it would be computed in each of many rows.
        """
        return self._cost(vertex, level, _ANEW, again) <= _ANEW

    def _cost(self, vertex: Vertex, level: int, budget: int, again: bool) -> int:
        if not self._is_open(vertex) or vertex in self.stored or self._is_certain(vertex, level):
            return budget + 1 if again and _is_scattered(vertex) else 0
        if self.roles[vertex] in (Role.REDUCTION, Role.GATHER):
            return budget + 1
        assert isinstance(vertex, Apply)
        cost = 0
        if self.roles[vertex] is Role.ELEMENT:
            if not is_cheap(vertex):
                return budget + 1
            cost = 1
        for x in vertex.operands:
            if cost > budget:
                break
            if not self._is_loaded(x, vertex):
                cost += self._cost(x, level, budget - cost, again)
        return cost

    def _is_certain(self, vertex: Vertex, level: int) -> bool:
        """Tell whether a vertex is stored in any case, and can be loaded at some level."""
        return vertex in self.certain and self._loadable(vertex) <= level

    def _is_loaded(self, x: Vertex, vertex: Apply) -> bool:
        """Tell whether a vertex reads from memory what was reduced before it, to fewer entries."""
        while isinstance(x, Apply) and is_alias(x) and x.operands[0].size <= x.size:
            x = x.operands[0]
        reduced = self.roles[x] is Role.REDUCTION and x.size < vertex.size
        return reduced and self._is_open(x) and self.placed[x].level < self.placed[vertex].level

    def _place_reduction(self, vertex: Apply) -> None:
        (x,) = vertex.operands
        reduced, kept = reduced_axes(vertex)
        there = self.placed[x] if self._is_open(x) else _own_space(x, self._loadable(x))
        axes = tuple(None if k is None else there.axes[k] for k in kept)
        gone = {there.axes[k] for k in reduced} - {None}
        first = len(there.space) - len(gone)
        row = math.prod(there.space[first:])
        trailing = gone == set(range(first, len(there.space)))
        within = trailing and 0 < first < len(there.space) and not there.hidden
        if not gone or (
            within and row <= _LONGEST_ROW and self.inner.setdefault(there.key, first) == first
        ):
            hidden = bool(gone) or there.hidden
            depth, reduces = there.depth + 1, bool(gone) or there.reduces
            self.placed[vertex] = Placed(there.level, there.space, axes, hidden, depth, reduces)
        else:
            self.placed[vertex] = Placed(there.level, there.space, axes, True)
            self.whole.add(vertex)

    # Memory.

    def store(self) -> list[Kernel | Apply]:
        """Decide what gets memory, from the last level to the first, and return the steps."""
        steps: dict[int, list[Kernel | Apply]] = {}
        waiting: dict[int, list[Vertex]] = {}
        seen: set[Vertex] = set()
        results = self.results

        def need(vertex: Vertex) -> None:
            """Ask for a vertex, or what it is a view of, to be in memory."""
            vertex = self._stored_for(vertex)
            if vertex in seen or self.roles[vertex] in (Role.NUMBER, Role.MEMORY):
                return
            seen.add(vertex)
            self.stored.add(vertex)
            if self.roles[vertex] is Role.RESULT:
                assert isinstance(vertex, Apply)
                results.setdefault(vertex.operands[0], []).append(vertex)
                need(vertex.operands[0])
                return
            placed = self.placed.get(vertex)
            level = self.ready[vertex] - 1 if placed is None else placed.level
            waiting.setdefault(level, []).append(vertex)

        self.certain |= {self._stored_for(x) for x in self._needed_whole()}
        for output in self.outputs:
            need(output)
        for level in range(max(waiting, default=0), -1, -1):
            done: set[Vertex] = set()
            kernels: dict[tuple[int, tuple[int, ...]], Kernel] = {}
            here = waiting.get(level, [])
            for vertex in here:  # grows while it is walked through
                assert isinstance(vertex, Apply)
                if vertex not in self.placed:
                    steps.setdefault(level, []).append(vertex)
                    for x in vertex.operands:
                        need(x)
                    continue
                key = self.placed[vertex].key
                if key not in kernels:
                    kernels[key] = Kernel(*key, self.inner.get(key))
                    steps.setdefault(level, []).append(kernels[key])
                kernels[key].roots.append(vertex)
                self._need_for(vertex, level, need, done)
        return [step for level in sorted(steps) for step in steps[level]]

    def _stored_for(self, vertex: Vertex) -> Vertex:
        """Return the vertex whose memory a vertex is in."""
        while self.roles[vertex] is Role.VIEW and vertex not in self.placed:
            assert isinstance(vertex, Apply)
            vertex = vertex.operands[0]
        return vertex

    def _needed_whole(self) -> Iterator[Vertex]:
        """Yield the outputs, and the operands of what is no kernel."""
        yield from self.outputs
        for vertex in self.order:
            if self.roles[vertex] in (Role.PRODUCT, Role.TRANSFORM, Role.LOOP, Role.CALL):
                assert isinstance(vertex, Apply)
                yield from vertex.operands

    def _need_for(self, vertex: Apply, level: int, need: Any, done: set[Vertex]) -> None:
        """Ask for what a kernel loads in order to compute a vertex."""
        own = computed_from(vertex, self.roles[vertex])
        for k, x in enumerate(vertex.operands):
            if k not in own:
                need(x)
                continue
            if x in done:
                continue
            done.add(x)
            placed = self.placed.get(x)
            if placed is None:
                need(x)
                continue
            again = len(placed.space) < len(self.placed[vertex].space)
            costly = (
                x in self.certain or x in self.stored or not self._is_cheap_anew(x, level, again)
            )
            if x in self.whole or (placed.level < level and costly):
                need(x)
            else:
                assert isinstance(x, Apply)
                self._need_for(x, level, need, done)


def _is_scattered(vertex: Vertex) -> bool:
    """Tell whether the entries of a long row lie apart in memory, so that vectors gather them."""
    access = expected_access(vertex)
    if access is None:
        return False
    axes = [(n, stride) for n, stride in zip(access.size, access.strides, strict=True) if n != 1]
    return bool(axes) and int(axes[-1][0]) >= _LONG_ROW and axes[-1][1] not in (0, 1)


def _own_space(vertex: Vertex, level: int) -> Placed:
    """Place a vertex in a space of its own axes."""
    space = tuple(n for n in vertex.shape if n != 1)
    count = iter(range(len(space)))
    return Placed(level, space, tuple(None if n == 1 else next(count) for n in vertex.shape))


def schedule(outputs: Sequence[Vertex], free: Sequence[Vertex] = ()) -> Schedule:
    """Return the steps that compute the outputs.

    Args:
        outputs: what is wanted, each in memory of its own.
        free: inputs whose memory may be written over.
    """
    versions = in_place(outputs, free)
    scheduler = _Scheduler(versions)
    scheduler.place()
    steps = scheduler.store()
    return Schedule(
        scheduler.outputs,
        steps,
        scheduler.roles,
        scheduler.placed,
        scheduler.whole,
        scheduler.stored,
        versions,
        scheduler.results,
        {x: _body(x.operation) for x in steps if isinstance(x, Apply) and _is_loop(x)},
    )


def _is_loop(vertex: Apply) -> bool:
    return isinstance(vertex.operation, ArrayLoop)


def _body(loop: Operation) -> Schedule:
    """Return the steps of a turn."""
    assert isinstance(loop, ArrayLoop)
    free = {state.input: k for k, state in enumerate(loop.states)}
    while True:
        body = schedule(loop.results, list(free))
        taken = [x for x, k in free.items() if _is_taken(x, k, body)]
        if not taken:
            return body
        for x in taken:
            del free[x]


def _is_taken(state: Vertex, number: int, body: Schedule) -> bool:
    """Tell whether what a state was is written over by another result than what it will be."""
    target = body.versions.targets.get(state)
    return target is not None and target.base in (
        x for k, x in enumerate(body.outputs) if k != number
    )


def _distinct(lists: Iterable[list[Vertex]]) -> Iterable[list[Vertex]]:
    return {id(x): x for x in lists}.values()
