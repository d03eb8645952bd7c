"""A graph as JavaScript: the steps of its schedule, for a page in which one changes the inputs.

It is scheduled as for machine code and printed from the same loops (`chainrule.native.codegen`), so
there are no rules of its own. What has no counterpart in JavaScript is left out, with all that
depends on it: decompositions, Fourier transforms, special functions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.graph.graph import Apply, Constant, Input, Vertex, topological
from chainrule.native.codegen.build import loops_of
from chainrule.native.codegen.javascript import (
    INDENT,
    array_type,
    entry,
    kernel_lines,
    literal,
    loop,
)
from chainrule.native.codegen.javascript_elements import HELPERS, has_element
from chainrule.native.codegen.javascript_routines import helpers_of, routine
from chainrule.native.ir.access import contiguous
from chainrule.native.lower.gather import accumulated, indexed_axes
from chainrule.native.lower.primitives import as_primitives
from chainrule.native.lower.roles import Role, in_memory, number, role_of
from chainrule.native.lower.windows import nested_product
from chainrule.native.schedule.fusion import schedule
from chainrule.native.schedule.plan import Kernel, Schedule
from chainrule.native.schedule.survey import Survey

__all__ = ["Script", "scripted"]

_WRITTEN = frozenset(Role) - {Role.CALL, Role.TRANSFORM, Role.LOOP, Role.RESULT}


@dataclass(frozen=True)
class Script:
    """A graph as JavaScript.

    ``source`` is an expression: a function of typed arrays, those of the inputs and those of the
    constants, which returns ``{outputs, run}``. ``run()`` reads the inputs and writes the outputs,
    typed arrays in C order; a number is an array of one. A boolean is 1 or 0.

    Attributes:
        source: the text; it holds no name and no string of the user's.
        constants: what it reads besides the inputs.
        places: for each output that was asked for, its number among ``outputs``; None where it
            depends on something that cannot be written.
        missing: the operations that cannot be written, by name.
    """

    source: str
    constants: list[np.ndarray[Any, Any]]
    places: list[int | None]
    missing: list[str]


def scripted(outputs: Sequence[Vertex], inputs: Sequence[Input]) -> Script:
    """Write a graph as JavaScript, as far as that is possible.

    Args:
        outputs: what is wanted.
        inputs: what it is computed from, in the order of the typed arrays.
    """
    vertices = as_primitives(outputs, stable=False)
    written, missing = _written(vertices)
    distinct = {x: in_memory(x) for x in dict.fromkeys(vertices) if x in written}
    order = list(distinct)
    places = [order.index(x) if x in written else None for x in vertices]
    return _Writer(schedule(list(distinct.values())), inputs).script(places, missing)


def _written(outputs: Sequence[Vertex]) -> tuple[set[Vertex], list[str]]:
    """Return the vertices that can be written, and the operations that cannot."""
    written: set[Vertex] = set()
    missing: dict[str, None] = {}
    for vertex in topological(outputs):
        if vertex.dtype.kind not in "iubf":
            missing["complex numbers" if vertex.dtype.kind == "c" else str(vertex.dtype)] = None
            continue
        if isinstance(vertex, Apply):
            if not _is_written(vertex):
                missing[vertex.operation.name] = None
                continue
            if not all(x in written for x in vertex.operands):
                continue
        written.add(vertex)
    return written, list(missing)


def _is_written(vertex: Apply) -> bool:
    role = role_of(vertex)
    if role is Role.CALL:
        return routine(vertex) is not None
    return role in _WRITTEN and (role is not Role.ELEMENT or has_element(vertex))


class _Writer:
    """Writes the steps of a schedule; is the `Memory` of its kernels."""

    def __init__(self, plan: Schedule, inputs: Sequence[Input]) -> None:
        self.plan = plan
        self.names: dict[Vertex, str] = {x: f"inputs[{k}]" for k, x in enumerate(inputs)}
        self.constants: list[np.ndarray[Any, Any]] = []
        self.head: list[str] = []
        self.called: dict[str, None] = {}  # functions on whole arrays

    def script(self, places: list[int | None], missing: list[str]) -> Script:
        """Write it all."""
        body = [line for step in self.plan.steps for line in self._step(step)]
        outputs = [self.name(self.plan.memory(x).base) for x in self.plan.outputs]
        inner = [
            *HELPERS.splitlines(),
            *helpers_of(list(self.called)).splitlines(),
            *self.head,
            f"return {{ outputs: [{', '.join(outputs)}], run() {{",
            *(INDENT + line for line in body),
            "} };",
        ]
        lines = ["(inputs, constants) => {", *(INDENT + line for line in inner), "}"]
        return Script("\n".join(lines), self.constants, places, missing)

    # Memory.

    def name(self, vertex: Vertex) -> str:
        """Return the typed array that is a vertex's memory."""
        if vertex not in self.names:
            if isinstance(vertex, Constant):
                made = f"constants[{len(self.constants)}]"
                self.constants.append(np.ascontiguousarray(vertex.value))
            else:
                made = f"new {array_type(vertex.dtype)}({vertex.size})"
            self.names[vertex] = f"m{len(self.names)}"
            self.head.append(f"const {self.names[vertex]} = {made};")
        return self.names[vertex]

    def scratch(self, size: int) -> str:
        """Return a new typed array that a kernel has for itself."""
        name = f"row{len(self.head)}"
        self.head.append(f"const {name} = new Float64Array({size});")
        return name

    # Steps.

    def _step(self, step: Kernel | Apply) -> Iterable[str]:
        if isinstance(step, Kernel):
            return kernel_lines(loops_of(Survey(step, self.plan)), self)
        role = self.plan.roles[step]
        if role is Role.PRODUCT:
            return self._product(step)
        if role is Role.CALL:
            return self._call(step)
        return self._scatter(step) if role is Role.SCATTER else []

    def _call(self, step: Apply) -> list[str]:
        """Write a call of a function on whole arrays, which are copied into C order first."""
        found = routine(step)
        assert found is not None
        name, numbers = found
        self.called[name] = None
        lines, given = [], []
        for operand in step.operands:
            given.append(self.scratch(operand.size))
            access = self.plan.access(operand)
            axes = [f"i{k}" for k in range(operand.ndim)]
            at = entry(given[-1], contiguous(operand), axes)
            if access is None:
                source = literal(number(operand))
            else:
                source = entry(self.name(access.base), access, axes)
            body = [f"{at} = {source};"]
            for axis, n in reversed(list(zip(axes, operand.shape, strict=True))):
                body = loop(axis, n, body)
            lines += body
        target = self.plan.memory(step)
        assert target.is_contiguous
        made = self.name(target.base)
        if target.offset or target.base.size != step.size:
            made = f"{made}.subarray({target.offset}, {target.offset + step.size})"
        return [*lines, f"{name}({', '.join([made, *given, *map(str, numbers)])});"]

    def _product(self, step: Apply) -> list[str]:
        """Write a product of matrices or vectors, of batches of them, or along several axes."""
        a, b = self.plan.accesses(step)
        c = self.plan.memory(step)
        batch, rows, summed = [f"b{k}" for k in range(len(step.shape) - 2)], ["i"], ["k"]
        if step.operation is nested_product:
            summed = [f"k{k}" for k in range(len(b.size) - 1)]
            batch, rows = [], [f"i{k}" for k in range(len(step.shape) - 1)]
        rows = rows if len(a.size) > 1 else []
        columns = ["j"] if len(b.size) > 1 else []
        first = entry(self.name(a.base), a, [*batch, *rows, *summed])
        second = entry(self.name(b.base), b, [*batch, *summed, *columns])
        target = entry(self.name(c.base), c, [*batch, *rows, *columns])
        lines = [f"total += {first} * {second};"]
        for axis, count in reversed(list(zip(summed, a.size[-len(summed) :], strict=True))):
            lines = loop(axis, count, lines)
        lines = ["let total = 0;", *lines, f"{target} = total;"]
        for axis, count in reversed(list(zip([*batch, *rows, *columns], step.shape, strict=True))):
            lines = loop(axis, count, lines)
        return ["{", *(INDENT + line for line in lines), "}"]

    def _scatter(self, step: Apply) -> list[str]:
        """Write what adds entries, or puts them, where indices say."""
        indices = step.operands[2:]
        known = indexed_axes(step.params["index"], indices, step.ndim)
        assert known is not None
        first, end = known.slots[0], known.slots[-1] + 1
        size = step.shape
        before, after = math.prod(size[:first]), math.prod(size[end:])
        count = math.prod(np.broadcast_shapes(*(x.shape for x in indices)))
        target = self.plan.memory(step)
        given, *where = self.plan.accesses(step)[1:]
        flat = "0"
        for access, n in zip(where, size[first:end], strict=True):
            index = f"within({self.name(access.base)}[{access.offset} + j], {n})"
            flat = index if flat == "0" else f"({flat}) * {n} + {index}"
        to = f"(i * {math.prod(size[first:end])} + {flat}) * {after} + k + {target.offset}"
        source = f"(i * {count} + j) * {after} + k + {given.offset}"
        sign = "+=" if step.operation is accumulated else "="
        write = f"{self.name(target.base)}[{to}] {sign} {self.name(given.base)}[{source}];"
        return loop("i", before, loop("j", count, loop("k", after, [write])))
