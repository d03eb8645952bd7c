"""The steps of a schedule as Python with loops: what machine code does, for people.

It is written from what the kernels are written from, in the same order and the same loops, and it
runs: `v7` is the value of vertex `%7` in a register, `m7` that value in memory. Two things are
left out: loops are not shared by threads here, and a sum over rows is added up at once.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from chainrule.graph.graph import Apply, Vertex, topological
from chainrule.native.lower.gather import picks
from chainrule.native.lower.roles import (
    Role,
    accesses,
    is_alias,
    is_basic,
    number,
    operand_axes,
    viewed,
)
from chainrule.native.matmul import product
from chainrule.native.pipeline import Built
from chainrule.native.record.program import Program
from chainrule.native.schedule.fusion import Kernel
from chainrule.native.schedule.survey import Axes, Item, Survey

__all__ = ["listing"]

#: What reductions do with one more entry, and what they begin with.
_REDUCE = {
    "sum": ("{0} += {1}", "0"),
    "unbroadcast": ("{0} += {1}", "0"),
    "prod": ("{0} *= {1}", "1"),
    "max": ("{0} = maximum({0}, {1})", "-inf"),
    "min": ("{0} = minimum({0}, {1})", "inf"),
    "any": ("{0} |= {1}", "False"),
    "all": ("{0} &= {1}", "True"),
}
_INDENT = "    "


def listing(built: Built, rewritten: Program) -> str:
    """Write the steps of a program, given what became of it.

    The names are those of the rewritten program. Everything else that the text refers to is an
    operation of the library, or ``empty``, ``full``, ``ndindex`` and ``inf`` of NumPy.
    """
    return "\n".join(_Listing(built, rewritten).lines())


class _Listing:
    def __init__(self, built: Built, rewritten: Program) -> None:
        self.built, self.plan, self.program = built, built.schedule, rewritten
        names = rewritten.names()
        self.numbers: dict[Vertex, str] = {
            x: name[1:] for x, name in names.items() if isinstance(x, Apply)
        }
        for vertex in topological(built.checks):
            if isinstance(vertex, Apply):
                self.numbers.setdefault(vertex, str(len(self.numbers)))
        self.named: dict[Vertex, str] = {}
        sources: list[Vertex] = [*rewritten.inputs, *rewritten.captured]
        for vertex in sources:
            self.named[vertex] = _identifier(names[vertex], self.named.values())
        memory = [x for x, role in self.plan.roles.items() if role is Role.MEMORY]
        for k, vertex in enumerate(x for x in memory if x not in self.named):
            self.named[vertex] = _identifier(f"constant_{k}", self.named.values())

    def lines(self) -> Iterable[str]:
        yield f"def {_identifier(self.program.name)}({', '.join(self.named.values())}):"
        for step in self.plan.steps:
            if isinstance(step, Kernel):
                lines = _Kernel(self, Survey(step, self.plan)).lines()
            else:
                lines = [f"{self.memory(step)} = {self._call(step)}{self._remark(step)}"]
            yield from (_INDENT + line for line in lines)
        for vertex, seen in self.program.guards:
            yield f"{_INDENT}assert {self.memory(vertex)} == {seen!r}"
        yield f"{_INDENT}return {', '.join(map(self.memory, self.program.outputs))}"

    def _remark(self, step: Apply) -> str:
        role = self.plan.roles[step]
        if role is Role.PRODUCT and product.has_room(step):
            a, b = accesses(step, self.plan.stored)
            return f"  # {'BLAS' if product.uses_blas(a, b) else 'tiles'}"
        return "  # NumPy" if role in (Role.PRODUCT, Role.CALL) else ""

    def memory(self, vertex: Vertex) -> str:
        """Write what is in memory, or a view of it."""
        if self.plan.roles[vertex] is Role.NUMBER:
            value = literal(number(vertex))
            return f"full({vertex.shape}, {value})" if vertex.shape else value
        base, chain = viewed(vertex, self.plan.stored)
        text = self.named.get(base) or f"m{self.numbers[base]}"
        for link in chain:
            text = _applied(link, [text])
        return text

    def _call(self, step: Apply) -> str:
        return _applied(step, [self.memory(x) for x in step.operands])


class _Kernel:
    """One kernel: what is written before its loops, per row, and per entry, by phases.

    ``made`` is the memory that it stores in.
    """

    def __init__(self, listing: _Listing, survey: Survey) -> None:
        self.listing, self.survey, self.plan = listing, survey, survey.plan
        count = survey.last + 2
        self.made: list[str] = []
        self.before: list[str] = []
        self.rows: list[list[str]] = [[] for _ in range(count)]
        self.entries: list[list[str]] = [[] for _ in range(count)]
        self.once: dict[Item, str] = {}
        self.per_row: dict[Item, str] = {}
        self.per_entry: list[dict[Item, str]] = [{} for _ in range(count)]
        self.axes_of: dict[Vertex, list[Axes]] = {}

    def lines(self) -> list[str]:
        survey = self.survey
        for phase in range(survey.last + 1):
            self._phase(phase)
        nest = survey.nest
        split = len(nest.groups) - len(nest.inner)
        outer = [axis for group in nest.groups[:split] for axis in group]
        inner = [axis for group in nest.groups[split:] for axis in group]
        loop = self._loop(outer)
        body: list[str] = []
        for rows, entries in zip(self.rows, self.entries, strict=True):
            body += rows
            within = self._loop(inner, f"  # in blocks of {nest.block}" if nest.block else "")
            body += [*within, *_indented(entries, within)] if entries else []
        return [*self.made, *self.before, *loop, *_indented(body, loop)]

    def _loop(self, axes: list[int], remark: str = "") -> list[str]:
        lengths = [self.survey.kernel.space[axis] for axis in axes]
        if not axes:
            return []
        over = f"range({lengths[0]})" if len(axes) == 1 else f"ndindex{tuple(lengths)}"
        return [f"for {', '.join(map(_axis, axes))} in {over}:{remark}"]

    # Phases.

    def _phase(self, phase: int) -> None:
        survey = self.survey
        for root in survey.roots:
            key = root.vertex, root.axes
            if root.vertex in self.plan.whole:
                if survey.added[root.vertex] == phase:
                    self._whole(root.vertex, root.axes, survey.operands(*key)[0], phase)
            elif survey.phases[key] == phase:
                self._store(root.vertex, root.axes, phase)
        for item in survey.spilled:
            if survey.phases[item] == phase:
                lengths = tuple(self._inner_lengths())
                self.made.append(f"{self._row_of(item)} = empty({lengths})")
                value = self.value(*item, phase)
                self.entries[phase].append(f"{self._kept(item)} = {value}")
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
                self._carry(vertex, item, phase)

    def _store(self, vertex: Apply, axes: Axes, phase: int) -> None:
        inner = self.survey.nest.is_inner(a for a in axes if a is not None)
        value = self.value(vertex, axes, phase)
        lines = self.entries[phase] if inner else self.rows[phase]
        memory = self.listing.memory(vertex)
        if vertex.shape:
            self.made.append(f"{memory} = empty({vertex.shape}, {_dtype(vertex)})")
        lines.append(f"{memory}{_index(axes)} = {value}")

    def _carry(self, reduction: Apply, item: Item, phase: int) -> None:
        update, start = _REDUCE[reduction.operation.name]
        name = self._name(*item)
        (operand,) = self.survey.operands(reduction, item[1])
        value = self.value(*operand, phase)
        self.rows[phase].append(f"{name} = {start}")
        self.entries[phase].append(update.format(name, value))
        self.per_row[item] = name

    def _whole(self, reduction: Apply, axes: Axes, item: Item, phase: int) -> None:
        update, start = _REDUCE[reduction.operation.name]
        memory = self.listing.memory(reduction)
        size = reduction.shape
        self.made.append(
            f"{memory} = full({size}, {start}, {_dtype(reduction)})"
            if size
            else f"{memory} = {start}"
        )
        value = self.value(*item, phase)
        domain = {a for a in self.survey.domain(reduction) if a is not None}
        lines = self.entries[phase] if self.survey.nest.is_inner(domain) else self.rows[phase]
        lines.append(update.format(f"{memory}{_index(axes)}", value))

    # Values.

    def value(self, vertex: Vertex, axes: Axes, phase: int) -> str:
        """Write the value of a vertex, or find it written."""
        if self.plan.roles[vertex] is Role.NUMBER:
            return literal(number(vertex))
        key, survey = (vertex, axes), self.survey
        if key in survey.strides:
            walked = tuple(axis if axis in survey.depends[key] else None for axis in axes)
            return self._loaded(vertex, walked)
        assert isinstance(vertex, Apply)
        place = survey.place(vertex, axes)
        if place == "entry":
            lines, memo = self.before, self.once
        elif place == "row":
            lines, memo = self.rows[survey.phases[key]], self.per_row
        else:
            lines, memo = self.entries[phase], self.per_entry[phase]
        if key in memo:
            return memo[key]
        if place == "inner" and key in survey.spilled and survey.phases[key] < phase:
            memo[key] = self._kept(key)
            return memo[key]
        given = [self.value(*item, phase) for item in survey.operands(vertex, axes)]
        role = self.plan.roles[vertex]
        if role is Role.GATHER:
            text = self._gathered(vertex, axes, given)
        elif role is Role.ELEMENT:
            text = _applied(vertex, given)
        else:  # a view, or a reduction of nothing
            assert role is Role.REDUCTION or is_alias(vertex)
            text = given[0]
        if text == given[0]:
            memo[key] = text
            return text
        memo[key] = self._name(vertex, axes)
        lines.append(f"{memo[key]} = {text}")
        return memo[key]

    def _loaded(self, vertex: Vertex, axes: Axes) -> str:
        """Write an entry in memory, seen through what only adds, drops or repeats axes."""
        while (
            isinstance(vertex, Apply)
            and vertex not in self.plan.stored
            and self.plan.roles[vertex] is Role.VIEW
            and is_alias(vertex)
        ):
            axes, vertex = operand_axes(vertex, axes), vertex.operands[0]
        return self.listing.memory(vertex) + _index(axes)

    def _gathered(self, vertex: Apply, axes: Axes, given: list[str]) -> str:
        known = picks(vertex)
        assert known is not None
        found = iter(given)
        index = [
            next(found) if place is None else "0" if axes[place] is None else _axis(axes[place])
            for place in known.walked
        ]
        return f"{self.listing.memory(vertex.operands[0])}[{', '.join(index)}]"

    def _name(self, vertex: Vertex, axes: Axes) -> str:
        """Name a value; one vertex may be there more than once, along other axes."""
        known = self.axes_of.setdefault(vertex, [])
        if axes not in known:
            known.append(axes)
        again = known.index(axes)
        return f"v{self.listing.numbers[vertex]}" + (f"_{again}" if again else "")

    def _row_of(self, item: Item) -> str:
        return f"row_of_{self._name(*item)}"

    def _kept(self, item: Item) -> str:
        """Write the place where a later phase finds a value of this one."""
        nest = self.survey.nest
        inner = nest.groups[len(nest.groups) - len(nest.inner) :]
        return self._row_of(item) + _index(tuple(axis for group in inner for axis in group))

    def _inner_lengths(self) -> Iterable[int]:
        nest = self.survey.nest
        for group in nest.groups[len(nest.groups) - len(nest.inner) :]:
            yield from (self.survey.kernel.space[axis] for axis in group)


def _identifier(text: str, taken: Iterable[str] = ()) -> str:
    """Make a name of a text like ``params['W']``."""
    name = re.sub(r"\W+", "_", text).strip("_") or "f"
    name = f"_{name}" if name[0].isdigit() or keyword.iskeyword(name) else name
    while name in taken:
        name += "_"
    return name


def _indented(lines: Iterable[str], under: list[str]) -> list[str]:
    return [(_INDENT if under else "") + line for line in lines]


def _axis(axis: int | None) -> str:
    assert axis is not None
    return "ijklmn"[axis] if axis < 6 else f"i{axis}"


def _index(axes: Axes) -> str:
    return f"[{', '.join('0' if a is None else _axis(a) for a in axes)}]" if axes else ""


def _dtype(vertex: Vertex) -> str:
    return repr(vertex.dtype.name)


def literal(value: Any) -> str:
    """Write a number so that it can stand anywhere."""
    text = repr(value.item() if isinstance(value, (np.generic, np.ndarray)) else value)
    return f"({text})" if text.startswith("-") else text


def _applied(vertex: Apply, given: list[str]) -> str:
    """Write an operation on operands that are written."""
    operation, params = vertex.operation, vertex.params
    if operation.name == "identity":
        return given[0]
    if operation.symbol and not params:
        sign = operation.symbol
        return f"{sign}{given[0]}" if len(given) == 1 else f"{given[0]} {sign} {given[1]}"
    if operation.name == "transpose" and not params.get("axes"):
        return f"{given[0]}.T"
    if operation.name == "getitem":
        index = params["index"] if isinstance(params["index"], tuple) else (params["index"],)
        if is_basic(index):
            return f"{given[0]}[{', '.join(map(_part, index))}]"
    return f"{operation.name}({', '.join([*given, *_written(params)])})"


def _part(part: Any) -> str:
    """Write a part of an index."""
    if part is Ellipsis:
        return "..."
    if not isinstance(part, slice):
        return repr(part)
    ends = ["" if end is None else str(end) for end in (part.start, part.stop, part.step)]
    return ":".join(ends if ends[2] else ends[:2])


def _written(params: Mapping[str, Any]) -> Iterable[str]:
    for name, value in params.items():
        yield f"{name}={value.name!r}" if isinstance(value, np.dtype) else f"{name}={value!r}"
