"""The steps of a schedule as Python with loops: what machine code does, for people.

A kernel is written from the same loops as its machine code (`chainrule.native.codegen`), and the
text runs: `v7` is the value of vertex `%7` in a register, `m7` that value in memory. Two things are
left out: loops are not shared by threads here, and a sum over rows is added up at once.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

from chainrule.graph.graph import Apply, Vertex, topological
from chainrule.native.codegen.build import loops_of
from chainrule.native.codegen.python import INDENT, applied, kernel_lines, literal
from chainrule.native.codegen.turns import turns_loop
from chainrule.native.codegen.turns_python import turns_lines
from chainrule.native.lower.parts import Place
from chainrule.native.lower.roles import Role, number
from chainrule.native.matmul import product
from chainrule.native.pipeline import Built
from chainrule.native.record.program import Program
from chainrule.native.schedule.fusion import Kernel
from chainrule.native.schedule.survey import Survey

__all__ = ["listing"]


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
        self.begun: set[Vertex] = set()  # memory in which something has been written
        sources: list[Vertex] = [*rewritten.inputs, *rewritten.captured]
        for vertex in sources:
            self.named[vertex] = _identifier(names[vertex], self.named.values())
        memory = [x for x, role in self.plan.roles.items() if role is Role.MEMORY]
        for k, vertex in enumerate(x for x in memory if x not in self.named):
            self.named[vertex] = _identifier(f"constant_{k}", self.named.values())

    def lines(self) -> Iterable[str]:
        yield f"def {_identifier(self.program.name)}({', '.join(self.named.values())}):"
        for step in self.plan.steps:
            lines: list[str] = []
            if isinstance(step, Kernel):
                lines = kernel_lines(loops_of(Survey(step, self.plan)), self)
            elif self.plan.roles[step] is Role.LOOP:
                lines = turns_lines(turns_loop(step, self.plan), self)
            elif self.plan.roles[step] is not Role.JOIN:
                self.is_new(step)
                lines = [f"{self.memory(step)} = {self._call(step)}{self._remark(step)}"]
            yield from (INDENT + line for line in lines)
        for vertex, seen in self.program.guards:
            yield f"{INDENT}assert {self.memory(vertex)} == {seen!r}"
        yield f"{INDENT}return {', '.join(map(self.memory, self.program.outputs))}"

    def _remark(self, step: Apply) -> str:
        role = self.plan.roles[step]
        if role is Role.PRODUCT and product.has_room(step):
            a, b = self.plan.accesses(step)
            return f"  # {'BLAS' if product.uses_blas(a, b) else 'tiles'}"
        return "  # NumPy" if role in (Role.PRODUCT, Role.CALL) else ""

    def memory(self, vertex: Vertex) -> str:
        """Write what is in memory, or a view of it."""
        if self.plan.roles[vertex] is Role.NUMBER:
            value = literal(number(vertex))
            return f"full({vertex.shape}, {value})" if vertex.shape else value
        base, chain = self.plan.viewed(vertex)
        storage = self.plan.memory(base).base
        text = self.named.get(base) or f"m{self.numbers[storage]}"
        for link in chain:
            text = applied(link, [text])
        return text

    def is_new(self, vertex: Vertex) -> bool:
        """Tell whether nothing has been written into the memory of a vertex yet."""
        storage = self.plan.memory(vertex).base
        known = storage in self.begun
        self.begun.add(storage)
        return not known

    def place(self, vertex: Vertex) -> Place | None:
        """Return where in the memory of another array a vertex is written, if it is a part."""
        return self.plan.versions.places.get(vertex)

    def _call(self, step: Apply) -> str:
        return applied(step, [self.memory(x) for x in step.operands])


def _identifier(text: str, taken: Iterable[str] = ()) -> str:
    """Make a name of a text like ``params['W']``."""
    name = re.sub(r"\W+", "_", text).strip("_") or "f"
    name = f"_{name}" if name[0].isdigit() or keyword.iskeyword(name) else name
    while name in taken:
        name += "_"
    return name
