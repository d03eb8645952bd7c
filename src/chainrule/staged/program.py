"""A whole module: imports, constants, and the function that runs forward and back again."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from chainrule.core.array import shape_of
from chainrule.staged.constants import Constants
from chainrule.staged.formatting import WIDTH, aligned, comment, wrapped
from chainrule.staged.lines import Line, Stage

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
    checks: dict[int, list[str]]
    output: str
    gradients: str
    order: tuple[int, ...]
    constants: Constants
    built_in: list[str]
    shapes: list[str]

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
        for statement in (*self.unpacked, *checks):
            lines += [_INDENT + line for line in wrapped(statement, WIDTH - len(_INDENT))]
        rows: list[tuple[str, str]] = []
        places: list[tuple[int, Stage | Line]] = []
        rows.append(("# forward pass", ""))
        for stage in self.stages:
            rows += [(check, "") for check in self.checks.get(stage.number, [])]
            rows += [(code, "") for code in stage.before]
            places.append((len(rows), stage))
            rows.append((stage.text, _mark(stage)))
            rows += [(code, "") for code in stage.after]
        rows += [(check, "") for check in self.checks.get(len(self.stages) + 1, [])]
        current: Stage | None = None
        for line in self.backward:
            if line.stage is not current:
                current = line.stage
                rows.append((comment(f"backprop {current.code[-1]}", WIDTH - len(_INDENT)), ""))
            places.append((len(rows), line))
            rows.append((line.text, _mark(line.stage, line)))
            rows += [(code, "") for code in line.also]
        rows.append((f"return {self.output}, {self.gradients}", ""))
        heights: list[int] = []
        laid: list[str] = []
        for row_lines in aligned(rows):
            heights.append(len(lines) + len(laid) + 1)
            laid += row_lines
        return [*lines, *laid], [(part, heights[row]) for row, part in places]


def imports(text: str) -> list[str]:
    """Return the lines that import what a text refers to."""
    used = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    lines = [f"import {name}" for name in ("base64", "math", "zlib") if name in used]
    libraries = {"np": "import numpy as np", "scipy": "import scipy.special"}
    needed = [line for name, line in libraries.items() if name in used]
    return [*lines, "", *needed] if lines and needed else [*lines, *needed]


def _mark(stage: Stage, line: Line | None = None) -> str:
    """Return the stage's number, and the shape where a new array is made or one is added to."""
    if line is None:
        shape = shape_of(stage.value) if stage.target == stage.name else ()
    else:
        shape = shape_of(line.value)
    return f"# ({stage.number})" + (f"  shape {shape}" if shape else "")


def _definition(text: str) -> list[str]:
    return [text] if text.startswith((" ", "#", ")")) else wrapped(text, WIDTH)
