"""A loop over turns as Python, for people."""

from __future__ import annotations

from collections.abc import Iterable

from chainrule.graph.loops.affine import Affine, Integer
from chainrule.native.codegen.loop_ir import (
    Convert,
    Element,
    Entry,
    Number,
    Put,
    TurnsLoop,
    TurnStatement,
    Value,
)
from chainrule.native.codegen.python import INDENT, Names, applied, literal

__all__ = ["turns_lines"]


def turns_lines(loop: TurnsLoop, names: Names) -> list[str]:
    """Write a loop over turns."""
    return _Writer(loop, names).lines()


class _Writer:
    def __init__(self, loop: TurnsLoop, names: Names) -> None:
        self.loop, self.names = loop, names
        self.number = names.numbers[loop.vertex]
        self.memory = names.memory(loop.vertex)
        self.known: dict[Value, str] = {}
        self.count = 0

    def lines(self) -> list[str]:
        loop, vertex = self.loop, self.loop.vertex
        self.names.is_new(vertex)
        lines = [f"{self.memory} = empty({vertex.shape}, {vertex.dtype.name!r})"]
        lines += self._statements(loop.before)
        names: list[str] = []
        results: list[Value | str] = []
        for k, (handed, first, result) in enumerate(loop.handed):
            own = [f"c{self.number}_{k}" + "_" * j for j in range(handed.lag)]
            self.known[handed] = own[0]
            names += own
            results += [*own[1:], result]
            pairs = zip(own, first, strict=True)
            lines += [f"{name} = {self._value(x)}" for name, x in pairs]
        for counter, value in loop.counts.items():
            lines.append(f"{counter} = {self._value(value)}")
        ends = loop.ends
        head = f"for t in range({_index(loop.turns)}):"
        if ends is not None:
            asked = ends.where.removesuffix(":")
            head = "for t in itertools.count():" + (f"  # {asked}" if asked else "")
        body = [*self._statements(loop.body)]
        if ends is not None:
            going = self._value(ends.condition)
            stop = f"not {going}" if ends.answer else going
            body.append(f"if {stop} or t == {ends.most - ends.first}: break")
        if names:
            given = (x if isinstance(x, str) else self._value(x) for x in results)
            body.append(f"{', '.join(names)} = {', '.join(given)}")
        if body:  # there is none where what earlier loops have left is read alone
            lines += [head, *(INDENT + line for line in body)]
        if ends is not None:
            count = f"t + {ends.first} + ({going} == {ends.answer})"
            lines.append(f"{self.memory}[0] = {count}")
            safe = f"min(max({self.memory}[0], {ends.least}), {ends.most})"
            return [*lines, f"{self.memory}[1] = {safe}"]
        return [*lines, *self._statements(loop.after)]

    def _statements(self, statements: Iterable[TurnStatement]) -> Iterable[str]:
        for statement in statements:
            if isinstance(statement, Put):
                yield f"{self.memory}[{_index(statement.place)}] = {self._value(statement.value)}"
                continue
            yield from self._let(statement.value)

    def _let(self, value: Value) -> Iterable[str]:
        if isinstance(value, Convert):
            self.known[value] = self._value(value.operand)
            return
        if isinstance(value, Entry):
            index = f"[{', '.join(map(_index, value.index))}]" if value.index else ""
            self.known[value] = self.names.memory(value.array) + index
            return
        assert isinstance(value, Element)
        text = applied(value.vertex, [self._value(x) for x in value.operands])
        self.known[value] = f"v{self.number}_{self.count}"
        self.count += 1
        yield f"{self.known[value]} = {text}"

    def _value(self, value: Value) -> str:
        return literal(value.value) if isinstance(value, Number) else self.known[value]


def _index(place: Integer) -> str:
    """Write an index that may grow with the turns.

    >>> from chainrule.graph.loops.affine import Counter
    >>> _index(Affine(197, -1, Counter())), _index(Affine(0, 2, Counter())), _index(3)
    ('197 - t', '2 * t', '3')
    """
    if not isinstance(place, Affine):
        return str(place)
    first, growth = _index(place.first), place.growth
    assert isinstance(growth, int)
    size = f"{place.counter}" if abs(growth) == 1 else f"{abs(growth)} * {place.counter}"
    if growth < 0:
        return f"{first} - {size}"
    if first == "0":
        return size
    return f"{size} - {first[1:]}" if first[0] == "-" else f"{size} + {first}"
