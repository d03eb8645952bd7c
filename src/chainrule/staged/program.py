"""A whole module: imports, constants, and the function that runs forward and back again."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from chainrule.staged.constants import Constants
from chainrule.staged.formatting import WIDTH, aligned, comment, wrapped
from chainrule.staged.lines import Line, Stage, Test
from chainrule.staged.loops.fold import Folded, folded
from chainrule.staged.loops.layout import Row, laid_out
from chainrule.staged.loops.tidy import Printed
from chainrule.staged.loops.until import Until, laid_out_open
from chainrule.staged.names import Names

__all__ = ["Program", "imports"]

_INDENT = "    "


@dataclass(slots=True)
class Program:
    """Everything that is printed, in the order in which it is.

    ``unpacked`` are the statements that take the leaves out of arguments that are trees; ``checks``
    the assertions that come before each stage, by its number (one past the last for those at the
    end); ``order`` the positions of the arguments whose gradients are returned. ``built_in`` are
    assertions that arguments still have the value that the code was made for, ``shapes`` those that
    they have the shape: a saved module checks these itself, as calling `Staged` does.
    """

    name: str
    of: str
    parameters: list[str]
    unpacked: list[str]
    stages: list[Stage]
    backward: list[Line]
    checks: dict[int, list[Test]]
    output: str
    gradients: str
    order: tuple[int, ...]
    constants: Constants
    built_in: list[str]
    shapes: list[str]
    names: Names
    _laid: list[Row] | None = None

    def source(self, large: bool = False) -> str:
        """Return the module as text.

        Stages and lines are told where they stand in the one that is shown.

        Args:
            large: write it to be saved, with the large captured arrays and a check of the shapes.
        """
        body, places = self._body([*self.built_in, *(self.shapes if large else [])])
        constants = self.constants.definitions(large)
        text = "\n".join([*body, *constants])
        head = imports(text)
        lines = [*head, ""] if head else []
        if constants:
            lines += [*(line for c in constants for line in _definition(c)), ""]
        lines += [""] if lines else []
        if not large:
            for part, at in places:
                part.lineno = len(lines) + at
        return "\n".join([*lines, *body]) + "\n"

    def _body(self, checks: list[str]) -> tuple[list[str], list[tuple[Stage | Line, int]]]:
        """Return the function, and in which line of it each stage and gradient stands."""
        head = f"def {self.name}({', '.join(self.parameters)}):"
        lines = wrapped(head, WIDTH)
        lines.append(f'{_INDENT}"""Return {self.of} and its gradient."""')
        rows = self.rows()
        used = _names([*checks, *(row.text for row in rows)])
        unpacked = [s for s in self.unpacked if s.partition(" = ")[0] in used]
        for statement in (*unpacked, *checks):
            lines += [_INDENT + line for line in wrapped(statement, WIDTH - len(_INDENT))]
        heights: list[int] = []
        laid: list[str] = []
        for row_lines in aligned([(row.text, row.remark, row.depth + 1) for row in rows]):
            heights.append(len(lines) + len(laid) + 1)
            laid += row_lines
        places = [(p, at) for row, at in zip(rows, heights, strict=True) for p in row.parts]
        return [*lines, *laid], places

    def rows(self) -> list[Row]:
        """Return the lines after the checks of the arguments, in loops where turns are the same."""
        if self._laid is None:
            self._laid = self._rows()
        return self._laid

    def folded(self, by_question: bool = False) -> Folded | None:
        """Return the statements folded into loops; None where there is nothing to fold.

        ``by_question`` is for turns that ask last whether there is another one.
        """
        given = [*self.parameters, *(statement.partition(" = ")[0] for statement in self.unpacked)]
        printed = list(self._printed())
        bases = self.names.wanted
        code = folded(printed, given, self.constants.arrays, bases, by_question)
        if code is not None:
            code.entries = dict(filter(None, map(_entry, self.unpacked)))
        return code

    def open(self, code: Folded, loops: Sequence[Until]) -> None:
        """Print loops that go on until a condition fails as such, given the folded statements."""
        rows = laid_out_open(code, loops, WIDTH - len(_INDENT))
        self._laid = [Row("# forward pass"), *rows]

    @property
    def has_loops(self) -> bool:
        """Tell whether turns that are the same are written once."""
        return any(row.depth for row in self.rows())

    def _rows(self) -> list[Row]:
        code = self.folded()
        if code is not None:
            return [Row("# forward pass"), *laid_out(code, WIDTH - len(_INDENT))]
        printed = list(self._printed())
        rows = [Row("# forward pass")]
        current: Stage | None = None
        for p in printed:
            if p.backward and p.stage is not current and p.stage is not None:
                current = p.stage
                rows.append(Row(comment(f"backprop {current.code[-1]}", WIDTH - len(_INDENT))))
            rows.append(Row(p.text, *((_mark(p.part), 0, [p.part]) if p.part else ())))
        return rows

    def _printed(self) -> Iterator[Printed]:
        """Yield the statements of the forward and backward pass."""
        for stage in self.stages:
            yield from (Printed(x.text, stage, test=x) for x in self.checks.get(stage.number, []))
            yield from (Printed(code, stage) for code in stage.before)
            yield Printed(stage.text, stage, stage)
            yield from (Printed(code, stage) for code in stage.after)
        yield from (Printed(x.text, test=x) for x in self.checks.get(len(self.stages) + 1, []))
        for line in self.backward:
            yield Printed(line.text, line.stage, line, backward=True)
            yield from (Printed(code, line.stage, backward=True) for code in line.also)
        yield Printed(f"return {self.output}, {self.gradients}")


def imports(text: str) -> list[str]:
    """Return the lines that import what a text refers to."""
    used = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    lines = [f"import {name}" for name in ("base64", "math", "zlib") if name in used]
    libraries = {"np": "import numpy as np", "scipy": "import scipy.special"}
    needed = [line for name, line in libraries.items() if name in used]
    return [*lines, "", *needed] if lines and needed else [*lines, *needed]


def _names(rows: Iterable[str]) -> set[str]:
    """Return the variables in some lines of code."""
    code = (row for row in rows if row != "else:")
    whole = "\n".join(f"{row} pass" if row.endswith(":") else row for row in code)
    return {x.id for x in ast.walk(ast.parse(whole)) if isinstance(x, ast.Name)}


def _entry(unpacked: str) -> tuple[str, tuple[str, int]] | None:
    """Return a variable that is an entry of a list, the list, and its place."""
    match ast.parse(unpacked).body[0]:
        case ast.Assign(
            targets=[ast.Name(id=name)],
            value=ast.Subscript(value=of, slice=ast.Constant(value=int() as at)),
        ):
            return name, (ast.unparse(of), at)
    return None


def _mark(part: Stage | Line) -> str:
    """Return the stage's number, and the shape where a new array is made or one is added to."""
    number = part.number if isinstance(part, Stage) else part.stage.number
    return f"# ({number})" + (f"  shape {part.shape}" if part.shape else "")


def _definition(text: str) -> list[str]:
    return [text] if text.startswith((" ", "#", ")")) else wrapped(text, WIDTH)
