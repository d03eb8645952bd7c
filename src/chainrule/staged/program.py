"""A whole module: imports, constants, and the function that runs forward and back again."""

from __future__ import annotations

from dataclasses import dataclass, field

from chainrule.core.array import shape_of
from chainrule.staged.constants import Constants
from chainrule.staged.layout import WIDTH, aligned, comment, wrapped
from chainrule.staged.parts import Line, Stage

__all__ = ["Program"]

_INDENT = "    "


@dataclass(slots=True)
class Program:
    """Everything that is printed, in the order in which it is.

    ``unpacked`` are the statements that take the leaves out of arguments that are trees; ``checks``
    the assertions that come before each stage, by its number (one past the last for those at the
    end).
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
    constants: Constants
    remarks: list[str] = field(default_factory=list)

    def source(self, large: bool = False) -> str:
        """Return the module as text, and note in stages and lines where they stand in it.

        Args:
            large: embed the large captured arrays too.
        """
        body = self._body()
        constants = self.constants.definitions(large)
        text = "\n".join([*body, *constants])
        head = self._imports(text)
        lines = [*head, ""] if head else []
        if constants:
            lines += [*(line for c in constants for line in _definition(c)), ""]
        lines += [""] if lines else []
        start = len(lines)
        parts: list[Stage | Line] = [*self.stages, *self.backward]
        for part in parts:
            part.lineno += start
        return "\n".join([*lines, *body]) + "\n"

    def _imports(self, text: str) -> list[str]:
        standard = [
            name for name in ("base64", "dataclasses", "math", "zlib") if f"{name}." in text
        ]
        lines = [f"import {name}" for name in standard]
        if "np." in text:
            lines += ["", "import numpy as np"] if lines else ["import numpy as np"]
        return lines

    def _body(self) -> list[str]:
        head = f"def {self.name}({', '.join(self.parameters)}):"
        lines = wrapped(head, WIDTH)
        lines.append(f'{_INDENT}"""Return {self.of} and its gradient."""')
        lines += [_INDENT + line for line in self.remarks]
        for statement in self.unpacked:
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
        for row, part in places:
            part.lineno = heights[row]
        return [*lines, *laid]


def _mark(stage: Stage, line: Line | None = None) -> str:
    """Return the stage's number, and the shape where the value is an array."""
    value = stage.value if line is None else line.value
    shape = shape_of(value)
    return f"# ({stage.number})" + (f"  shape {shape}" if shape else "")


def _definition(text: str) -> list[str]:
    return [text] if text.startswith((" ", "#", ")")) else wrapped(text, WIDTH)
