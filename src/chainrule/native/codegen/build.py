"""From the survey of a kernel to its loops as data.

Each value is computed where it belongs: before all loops if it is the same everywhere, once per
row, or once per entry.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.graph.graph import Apply, Vertex
from chainrule.native.codegen.loop_ir import (
    Accumulate,
    Accumulator,
    Array,
    Combine,
    Convert,
    Element,
    Gather,
    Keep,
    Kept,
    Let,
    Load,
    LoopNest,
    Made,
    Number,
    Phase,
    Row,
    Start,
    Statement,
    Store,
    Total,
    Value,
)
from chainrule.native.ir.elements import operand_dtypes
from chainrule.native.lower.gather import gather_of
from chainrule.native.lower.roles import Role, is_alias, number, operand_axes
from chainrule.native.schedule.survey import Axes, Item, Root, Survey

__all__ = ["loops_of"]


def loops_of(survey: Survey) -> LoopNest:
    """Return the loops of a kernel."""
    return _Builder(survey).build()


class _Builder:
    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.plan = survey.plan
        self.made: list[Made] = []
        self.before: list[Statement] = []
        self.phases = [Phase() for _ in range(survey.last + 1)]
        self.rows: dict[Item, Row] = {}
        # The values that are computed in each list of statements.
        self.once: dict[Item, Value] = {}
        self.per_row: dict[Item, Value] = {}
        self.per_entry: list[dict[Item, Value]] = [{} for _ in self.phases]
        self.places: dict[Vertex, list[Axes]] = {}

    def build(self) -> LoopNest:
        for phase in range(len(self.phases)):
            self._phase(phase)
        survey = self.survey
        return LoopNest(
            survey.kernel.space,
            survey.nest,
            self.made,
            self.before,
            self.phases,
            survey.scratch_bytes,
        )

    # Phases.

    def _phase(self, phase: int) -> None:
        survey = self.survey
        for root in survey.roots:
            if root.vertex in self.plan.whole:
                if survey.added[root.vertex] == phase:
                    self._combine(root, phase)
            elif self._stored_in(root) == phase:
                self._store(root, phase)
        for item in survey.spilled:
            if survey.phases[item] == phase:
                self._keep(item, phase)
        for item, own in list(survey.phases.items()):
            vertex = item[0]
            if (
                own == phase + 1
                and isinstance(vertex, Apply)
                and self.plan.roles[vertex] is Role.REDUCTION
                and vertex not in self.plan.whole
                and item not in survey.strides
                and survey.gone(vertex)
            ):
                self._accumulate(vertex, item, phase)

    def _stored_in(self, root: Root) -> int:
        key = root.vertex, root.axes
        return self.survey.stores.get(key, self.survey.phases[key])

    def _store(self, root: Root, phase: int) -> None:
        access, strides = self.plan.memory(root.vertex), self.survey.own_strides(root)
        self.made.append(Array(root.vertex, access.base))
        statements = self._statements(root.axes, phase)
        value = self.value(root.vertex, root.axes, phase)
        again = root.vertex in self.plan.versions.rereads
        statements.append(Store(root.vertex, root.axes, access, strides, value, again))

    def _keep(self, item: Item, phase: int) -> None:
        row = Row(item[0], self._place(*item), self.survey.spilled[item])
        self.rows[item] = row
        self.made.append(row)
        value = self.value(*item, phase)
        self.phases[phase].entries.append(Keep(row, value))

    def _accumulate(self, reduction: Apply, item: Item, phase: int) -> None:
        """Reduce the entries of a row."""
        accumulator = Accumulator(reduction, self._place(*item))
        entries = self.phases[phase].entries
        value = self._operand(reduction, item[1], phase, entries)
        self.phases[phase].row.append(Start(accumulator))
        entries.append(Accumulate(accumulator, value))
        self.per_row[item] = accumulator

    def _combine(self, root: Root, phase: int) -> None:
        """Reduce over rows, into memory that the rows have in common."""
        reduction = root.vertex
        self.made.append(Total(reduction))
        statements = self._statements(self.survey.domain(reduction), phase)
        value = self._operand(reduction, root.axes, phase, statements)
        strides, gone = self.survey.own_strides(root), self.survey.gone(reduction)
        statements.append(Combine(reduction, root.axes, strides, gone, value))

    def _statements(self, axes: Axes, phase: int) -> list[Statement]:
        """Return where that is done which is done along some axes of the space."""
        inner = self.survey.nest.is_inner(a for a in axes if a is not None)
        return self.phases[phase].entries if inner else self.phases[phase].row

    # Values.

    def value(self, vertex: Vertex, axes: Axes, phase: int) -> Value:
        """Compute the value of a vertex for use in a phase, or find it computed."""
        if self.plan.roles[vertex] is Role.NUMBER:
            return Number(number(vertex), vertex.dtype)
        key = vertex, axes
        place = self.survey.place(vertex, axes)
        statements, known = self.before, self.once
        if place == "row":
            statements, known = self.phases[self.survey.phases[key]].row, self.per_row
        elif place == "inner":
            statements, known = self.phases[phase].entries, self.per_entry[phase]
        if key not in known:
            known[key] = self._computed(key, phase, statements)
        return known[key]

    def _computed(self, key: Item, phase: int, statements: list[Statement]) -> Value:
        vertex, axes = key
        role = self.plan.roles[vertex]
        value: Value
        if key in self.rows and self.survey.phases[key] < phase:
            value = Kept(self.rows[key])
        elif key in self.survey.strides:
            value = self._load(key)
        elif role is Role.GATHER:
            assert isinstance(vertex, Apply)
            value = self._gather(vertex, axes, phase)
        elif role is Role.REDUCTION:  # of nothing
            assert isinstance(vertex, Apply)
            assert not self.survey.gone(vertex), f"{vertex} was used before it was reduced"
            return self._operand(vertex, axes, phase, statements)
        elif role is Role.VIEW:
            assert isinstance(vertex, Apply)
            (item,) = self.survey.operands(vertex, axes)
            return self.value(*item, phase)
        else:
            assert isinstance(vertex, Apply)
            value = self._element(vertex, axes, phase, statements)
        statements.append(Let(value))
        return value

    def _element(
        self, vertex: Apply, axes: Axes, phase: int, statements: list[Statement]
    ) -> Element:
        operands: list[Value] = []
        items = self.survey.operands(vertex, axes)
        for (x, theirs), dtype in zip(items, operand_dtypes(vertex), strict=True):
            if self.plan.roles[x] is Role.NUMBER:
                operands.append(Number(number(x), dtype))
            else:
                operands.append(_converted(self.value(x, theirs, phase), dtype, statements))
        return Element(vertex, self._place(vertex, axes), tuple(operands))

    def _operand(
        self, reduction: Apply, axes: Axes, phase: int, statements: list[Statement]
    ) -> Value:
        """Return what a reduction reduces, in the dtype of its result."""
        (item,) = self.survey.operands(reduction, axes)
        return _converted(self.value(*item, phase), reduction.dtype, statements)

    def _load(self, key: Item) -> Load:
        vertex, axes = key
        access, strides = self.plan.access(vertex), self.survey.strides[key]
        assert access is not None
        walked: Axes = tuple(a if a in self.survey.depends[key] else None for a in axes)
        # What only adds, drops or repeats axes is seen through.
        while (
            isinstance(vertex, Apply)
            and vertex not in self.plan.stored
            and self.plan.roles[vertex] is Role.VIEW
            and is_alias(vertex)
        ):
            walked, vertex = operand_axes(vertex, walked), vertex.operands[0]
        return Load(vertex, walked, access, strides)

    def _gather(self, vertex: Apply, axes: Axes, phase: int) -> Gather:
        access, known = self.plan.access(vertex.operands[0]), gather_of(vertex)
        assert access is not None
        assert known is not None
        items = self.survey.operands(vertex, axes)
        indices = iter([self.value(*item, phase) for item in items])
        index = tuple(next(indices) if k is None else axes[k] for k in known.walked)
        strides = self.survey.walked[vertex, axes]
        return Gather(vertex, self._place(vertex, axes), index, access, strides)

    def _place(self, vertex: Vertex, axes: Axes) -> int:
        known = self.places.setdefault(vertex, [])
        if axes not in known:
            known.append(axes)
        return known.index(axes)


def _converted(value: Value, dtype: np.dtype[Any], statements: list[Statement]) -> Value:
    if value.dtype == dtype:
        return value
    converted = Convert(value, dtype)
    statements.append(Let(converted))
    return converted
