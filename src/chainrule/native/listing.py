"""The steps of a schedule as Python with loops: what machine code does, for people.

A kernel is written from the same loops as its machine code (`chainrule.native.codegen`), and the
text runs: `v7` is the value of vertex `%7` in a register, `m7` that value in memory. Two things are
left out: loops are not shared by threads here, and a sum over rows is added up at once.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping

from chainrule.graph.graph import Apply, Constant, Vertex, topological
from chainrule.native.codegen.build import loops_of
from chainrule.native.codegen.python import INDENT, applied, kernel_lines, literal
from chainrule.native.codegen.turns import turns_loop
from chainrule.native.codegen.turns_python import turns_lines
from chainrule.native.ir.moving import moving
from chainrule.native.lower.array_loop import ArrayLoop
from chainrule.native.lower.parts import Place
from chainrule.native.lower.roles import Role, number, role_of
from chainrule.native.lower.windows import nested_product
from chainrule.native.matmul import product
from chainrule.native.pipeline import Built
from chainrule.native.record.program import Program
from chainrule.native.schedule.plan import Kernel, Schedule
from chainrule.native.schedule.survey import Survey

__all__ = ["listing"]


def listing(built: Built, rewritten: Program) -> str:
    """Write the steps of a program, given what became of it.

    The names are those of the rewritten program. Everything else that the text refers to is an
    operation of the library, or ``empty``, ``full``, ``ndindex`` and ``inf`` of NumPy.
    """
    return "\n".join(_lines(built, rewritten))


def _lines(built: Built, program: Program) -> Iterable[str]:
    names = program.names()
    numbers: dict[Vertex, str] = {x: name[1:] for x, name in names.items() if isinstance(x, Apply)}
    plans = list(_plans(built.schedule))
    further = [*built.checks, *(x for plan in plans[1:] for x in plan.outputs)]
    for vertex in topological(further):
        if isinstance(vertex, Apply):
            numbers.setdefault(vertex, str(len(numbers)))
    named: dict[Vertex, str] = {}
    sources: list[Vertex] = [*program.inputs, *program.captured]
    for vertex in sources:
        named[vertex] = _identifier(names[vertex], named.values())
    fixed = (x for plan in plans for x in plan.roles if role_of(x) is Role.MEMORY)
    constants = (x for x in fixed if isinstance(x, Constant) and x not in named)
    for k, vertex in enumerate(dict.fromkeys(constants)):
        named[vertex] = _identifier(f"constant_{k}", named.values())
    writer = _Listing(built.schedule, numbers, named, set())
    yield f"def {_identifier(program.name)}({', '.join(named.values())}):"
    yield from (INDENT + line for line in writer.lines())
    for vertex, seen in program.guards:
        yield f"{INDENT}assert {writer.memory(vertex)} == {seen!r}"
    yield f"{INDENT}return {', '.join(map(writer.memory, program.outputs))}"


def _plans(plan: Schedule) -> Iterable[Schedule]:
    """Yield a schedule, and those of the bodies of its loops."""
    yield plan
    for body in plan.bodies.values():
        yield from _plans(body)


class _Listing:
    """Writes the steps of a schedule.

    Args:
        plan: the schedule.
        numbers: the numbers of what is computed.
        named: what else has a name.
        begun: memory in which something has been written; is added to.
    """

    def __init__(
        self,
        plan: Schedule,
        numbers: Mapping[Vertex, str],
        named: Mapping[Vertex, str],
        begun: set[Vertex],
    ) -> None:
        self.plan, self.numbers, self.named, self.begun = plan, numbers, named, begun

    def lines(self) -> Iterable[str]:
        for step in self.plan.steps:
            if isinstance(step, Kernel):
                if step.product is not None:
                    yield f"{self._called(step.product)}, some rows before their epilogue"
                yield from kernel_lines(loops_of(Survey(step, self.plan)), self)
            elif step in self.plan.bodies:
                yield from self._loop(step)
            elif self.plan.roles[step] is Role.LOOP:
                yield from turns_lines(turns_loop(step, self.plan), self)
            elif self.plan.roles[step] is not Role.JOIN:
                yield self._called(step)

    def _called(self, step: Apply) -> str:
        self.is_new(step)
        return f"{self._whole(step)} = {self._call(step)}{self._remark(step)}"

    def _whole(self, step: Apply) -> str:
        """Write the memory of a step so that something can be assigned to it."""
        text = self.memory(step)
        return f"{text}[...]" if text.endswith("]") or step in self.named else text

    def _loop(self, vertex: Apply) -> Iterable[str]:
        """Write a loop over arrays."""
        loop, body = vertex.operation, self.plan.bodies[vertex]
        assert isinstance(loop, ArrayLoop)
        own: dict[Vertex, str] = dict(self.named)
        begun = set(self.begun)
        operands = iter(map(self.memory, vertex.operands))
        outputs = iter(body.outputs)
        made = {x.params["which"]: x for x in self.plan.results[vertex]}
        number, swaps, ends = self.numbers[vertex], [], []
        for k, state in enumerate(loop.states):
            begin, output = next(operands), next(outputs)
            target = body.versions.targets.get(state.input)
            if target is not None and target.base is output:
                own[state.input] = own[output] = begin
                begun.add(output)
            else:
                old, new = f"s{number}_{k}", f"s{number}_{k}_"
                own[state.input], own[output] = old, new
                begun |= {output} if output.shape else set()
                if target is not None:
                    own[target.base] = old
                    begun.add(target.base)
                yield f"{old} = {begin}" + (".copy()" if output.shape else "")
                if output.shape:
                    yield f"{new} = empty({output.shape}, {output.dtype.name!r})"
                swaps.append(f"{old}, {new} = {new}, {old}" if output.shape else f"{old} = {new}")
                if k in made:
                    whole = "[...]" if output.shape else ""
                    ends.append(f"{self.memory(made[k])}{whole} = {old}")
        turn = loop.turn.name
        for which, tape in enumerate(loop.tapes, len(loop.states)):
            output = next(outputs)
            text = f"s{number}_{which}"
            if which in made:
                text = self.memory(made[which])
            if which not in made or self.is_new(made[which]):
                size = (tape.leading + loop.most, *map(int, tape.result.shape))
                yield f"{text} = empty({size}, {output.dtype.name!r})"
            for k in range(tape.leading):
                yield f"{text}[{k}] = {next(operands)}"
            if tape.input is not None:
                own[tape.input] = f"{text}[{turn}]"
            own[output] = f"{text}[{moving(loop.turn) + tape.leading}]"
            begun.add(output)
        for which, last in enumerate(loop.lasts, len(loop.states) + len(loop.tapes)):
            output = next(outputs)
            own[output] = self.memory(made[which]) if which in made else f"s{number}_{which}"
            if output.shape:
                begun.add(output)
                if which not in made or self.is_new(made[which]):
                    yield f"{own[output]} = empty({last.shape}, {output.dtype.name!r})"
        for x in loop.invariants:
            own[x] = next(operands)
        yield f"for {turn} in range({loop.turns}):"
        inner = _Listing(body, self.numbers, own, begun)
        lines, until = [*inner.lines(), *swaps], loop.until
        if until is not None:
            condition = own[body.outputs[until.condition]]
            lines.append(f"if {'not ' * until.answer}{condition}: break")
        yield from (INDENT + line for line in lines or ["pass"])
        yield from ends
        if until is not None:
            count = self.memory(vertex.operands[until.count])
            yield f"{until.word} = min(max({count}, {until.least}), {until.most}) - {until.least}"

    def _remark(self, step: Apply) -> str:
        role = self.plan.roles[step]
        if role is Role.PRODUCT and product.has_room(step):
            a, b = self.plan.accesses(step)
            tiles = step.operation is nested_product or not product.uses_blas(a, b)
            return f"  # {'tiles' if tiles else 'BLAS'}"
        if role is Role.TRANSFORM:
            return "  # lines"
        return "  # NumPy" if role in (Role.PRODUCT, Role.CALL) else ""

    def memory(self, vertex: Vertex) -> str:
        """Write what is in memory, or a view of it."""
        if self.plan.roles[vertex] is Role.NUMBER:
            value = literal(number(vertex))
            return f"full({vertex.shape}, {value})" if vertex.shape else value
        base, chain = self.plan.viewed(vertex)
        storage = self.plan.memory(base).base
        text = self.named.get(base) or self.named.get(storage) or f"m{self.numbers[storage]}"
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
