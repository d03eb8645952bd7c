"""Running staged code line by line, to see the value of everything."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.staged.lines import Test
from chainrule.staged.program import Program, imports

__all__ = ["Run", "run"]


@dataclass(slots=True)
class Run:
    """The value of every variable, and of every contribution to a gradient.

    ``contributions``, ``locals`` and ``upstreams`` go with the lines of ``Staged.backward``; the
    last two are None where a line is not written as a product of the two.
    """

    variables: dict[str, Any]
    value: Any = None
    gradients: Any = None
    contributions: list[Any] = field(default_factory=list)
    locals: list[Any] = field(default_factory=list)
    upstreams: list[Any] = field(default_factory=list)


def run(program: Program, args: Sequence[Any]) -> Run:
    """Run a printed program on arguments, one statement at a time."""
    names: dict[str, Any] = {"np": np, "math": math, **program.constants.arrays}
    exec("\n".join(imports(program.source())), names)
    hidden = set(names) | {"__builtins__"}
    names.update(zip(program.parameters, args, strict=True))
    for statement in program.unpacked:
        exec(statement, names)
    for stage in program.stages:
        for check in program.checks.get(stage.number, []):
            _check(check, names)
        for statement in stage.code:
            exec(statement, names)
    result = Run({})
    for line in program.backward:
        result.contributions.append(_copied(eval(line.expression, names)))
        result.locals.append(None if line.local is None else eval(line.local, names))
        result.upstreams.append(
            None if line.upstream is None else _copied(eval(line.upstream, names))
        )
        for statement in line.code:
            exec(statement, names)
    result.value = eval(program.output, names)
    result.gradients = eval(program.gradients, names)
    result.variables = {key: value for key, value in names.items() if key not in hidden}
    return result


def _check(test: Test, names: dict[str, Any]) -> None:
    """See that Python sees what it saw; the condition of a loop is printed without a message."""
    try:
        exec(test.text, names)
    except AssertionError as error:
        if error.args:
            raise
        line = test.guard.location.lineno
        raise AssertionError(f"line {line} takes another number of turns; stage again") from None


def _copied(value: Any) -> Any:
    return np.array(value) if isinstance(value, np.ndarray) else value
