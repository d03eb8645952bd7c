"""The interpreter: runs a program by NumPy, one vertex after another.

It is what native code is tested against, and what runs where no native code can be made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.core.array import shape_of
from chainrule.core.placeholder import is_array
from chainrule.graph.graph import Apply, Constant, Vertex, evaluate, topological
from chainrule.native.record.program import Program

__all__ = ["Interpreted", "interpreted", "like"]

_ndarray = np.ndarray
_float64 = np.float64


def interpreted(program: Program) -> Interpreted:
    """Make a program runnable without building anything."""
    return Interpreted(program)


class Interpreted:
    """A program that NumPy runs."""

    def __init__(self, program: Program) -> None:
        self.program = program
        #: Before each guard, and before the outputs, what has to be computed for it. Guards come
        #: first: where one is not met, what follows may not even be possible.
        self._batches: list[list[Apply]] = []
        self._constants: dict[Vertex, Any] = {}
        done: set[Vertex] = set()
        for wanted in (*([vertex] for vertex, _ in program.guards), program.outputs):
            batch = []
            for vertex in topological(wanted):
                if vertex in done:
                    continue
                done.add(vertex)
                if isinstance(vertex, Apply):
                    batch.append(vertex)
                elif isinstance(vertex, Constant):
                    self._constants[vertex] = vertex.value
            self._batches.append(batch)

    def __call__(
        self, inputs: Sequence[Any], captured: Sequence[_ndarray[Any, Any]]
    ) -> tuple[list[Any], bool | tuple[Any, ...]]:
        """Run the program; see `chainrule.native.record.program.Runnable`."""
        program = self.program
        values = dict(self._constants)
        values.update(zip(program.inputs, inputs, strict=True))
        values.update(zip(program.captured, captured, strict=True))
        found: list[Any] = []
        *before_guards, last = self._batches
        with np.errstate(all="ignore"):
            for batch, (vertex, expected) in zip(before_guards, program.guards, strict=True):
                _compute(batch, values)
                found.append(type(expected)(values[vertex]))
                if found[-1] != expected and not (expected != expected and found[-1] != found[-1]):
                    return [], tuple(found)
            _compute(last, values)
        taken: set[int] = {id(x) for x in inputs}
        outputs = []
        for vertex in program.outputs:
            output = like(values[vertex], vertex.value)
            if type(output) is _ndarray:
                own = isinstance(vertex, Apply) and output.base is None
                if not own or id(output) in taken:
                    output = np.array(output)
                taken.add(id(output))
            outputs.append(output)
        return outputs, True


def _compute(batch: Sequence[Apply], values: dict[Vertex, Any]) -> None:
    for vertex in batch:
        operands = _as_recorded(vertex, [values[x] for x in vertex.operands])
        value = evaluate(vertex.operation, operands, vertex.params)
        if shape_of(value) != vertex.shape:
            raise ValueError(
                f"{vertex.operation.name} gave shape {shape_of(value)} where "
                f"{vertex.shape} was recorded"
            )
        values[vertex] = value if type(value) is type(vertex.value) else like(value, vertex.value)


def _as_recorded(vertex: Apply, operands: list[Any]) -> list[Any]:
    """Let `evaluate` choose the function that the recorded run used: math's or NumPy's."""
    if type(vertex.value) is float:
        if vertex.operation.scalar is not None:
            return [float(x) if type(x) is _float64 else x for x in operands]
    elif all(type(x) is float for x in operands):
        return [_float64(x) for x in operands]
    return operands


def like(value: Any, example: Any) -> Any:
    """Return a value as the type of an example of the same shape and dtype."""
    kind = type(example)
    if type(value) is kind:
        return value
    if is_array(example):
        return np.asarray(value, example.dtype)
    if isinstance(example, np.generic):
        return example.dtype.type(value)
    return kind(value)
