"""A plan: a program as machine code, with NumPy called in between for what is not lowered."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from types import CellType, CodeType, FunctionType
from typing import Any

import numpy as np

from chainrule.graph.graph import Apply, Vertex, dtype_of, evaluate, shape
from chainrule.native import engine, entry
from chainrule.native.build import NotNativeError, build
from chainrule.native.describe import describe
from chainrule.native.interpret import interpreted, like
from chainrule.native.layout import Watch, met
from chainrule.native.program import Program, Runnable
from chainrule.native.roles import Role, number

__all__ = ["Plan", "native"]


def native(program: Program) -> Runnable:
    """Compile a program, or let NumPy interpret it where its values are no real numbers."""
    try:
        return Plan(program)
    except NotNativeError:
        return interpreted(program)


class Plan:
    """A compiled program."""

    def __init__(self, program: Program) -> None:
        self.built = build(program)
        self.layout = self.built.layout
        self.has_entry = not self.built.calls and entry.available(self.layout)
        ir = self.built.ir + (entry.ir(self.layout) if self.has_entry else "")
        self.library = engine.link(ir, program.name)
        prototype = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
        self._segments: dict[str, Callable[[int], None]] = {
            step: prototype(self.library.address(step))
            for step in self.built.steps
            if isinstance(step, str)
        }

    def __call__(
        self, inputs: Sequence[Any], captured: Sequence[np.ndarray[Any, Any]]
    ) -> tuple[list[Any], bool | tuple[Any, ...]]:
        """Run the program: see `chainrule.native.program.Runnable`."""
        given = [*captured, *self.built.fixed]
        in_segments = self.built.calls or self.built.checks
        run = self._run_in_segments if in_segments else self._run
        found, guards = run(inputs, given)
        which = self.built.results.numbers
        outputs = [
            like(found[result], vertex.value)
            for result, vertex in zip(which, self.built.program.outputs, strict=True)
        ]
        for k, result in enumerate(which):  # the same result twice is two arrays
            if result in which[:k] and isinstance(outputs[k], np.ndarray):
                outputs[k] = outputs[k].copy()
        return outputs, guards

    def entry(
        self,
        captured: Sequence[np.ndarray[Any, Any]],
        names: Sequence[tuple[dict[str, Any], str, Any]],
        cells: Sequence[tuple[CellType, Any]],
        functions: Sequence[tuple[FunctionType, CodeType, Any, Any]],
        fallback: Callable[..., Any],
    ) -> Callable[..., Any] | None:
        """Return the program as a built-in function of its inputs; None where that cannot be.

        It calls `fallback` when the arguments, what the function refers to, or a guard are others.
        """
        if not self.has_entry:
            return None
        watched = [
            *(Watch(holder, name, value) for holder, name, value in names),
            *(Watch(cell, None, value) for cell, value in cells),
            *(
                Watch(function, attribute, value)
                for function, *values in functions
                for attribute, value in zip(
                    ("__code__", "__defaults__", "__kwdefaults__"), values, strict=True
                )
            ),
        ]
        arrays = [*captured, *self.built.fixed]
        return entry.make(
            self.layout, self.library, arrays, watched, fallback, self.built.program.name
        )

    def describe(self) -> dict[str, Any]:
        """Tell what the program became, for `Compiled.lower`."""
        return {**describe(self.built), "ir": self.library.ir}

    def _run(
        self, inputs: Sequence[Any], given: Sequence[np.ndarray[Any, Any]]
    ) -> tuple[list[Any], bool | tuple[Any, ...]]:
        return entry.call(self.layout, self.library, inputs, given)

    # With calls of NumPy in between.

    def _run_in_segments(
        self, inputs: Sequence[Any], given: Sequence[np.ndarray[Any, Any]]
    ) -> tuple[list[Any], bool | tuple[Any, ...]]:
        layout = self.layout
        leaves = [
            entry.in_memory(slot, value)
            for slot, value in zip(layout.inputs + layout.captured, [*inputs, *given], strict=True)
        ]
        outputs = [entry.room(slot) for slot in layout.outputs]
        guards = np.zeros(len(layout.guards), np.int64)
        arena = np.empty(layout.arena_bytes + 64, np.uint8)
        start = -(-arena.ctypes.data // 64) * 64
        arrays = [*leaves, *outputs, *(guards[k : k + 1] for k in range(len(guards)))]
        table = np.array([*(array.ctypes.data for array in arrays), start], np.uintp)
        for step in self.built.steps:
            if isinstance(step, str):
                self._segments[step](table.ctypes.data)
            elif not self._call(step.vertex, arrays, start):
                return [None] * len(layout.outputs), False
        results = [
            entry.from_memory(slot, array)
            for slot, array in zip(layout.outputs, outputs, strict=True)
        ]
        found = met(layout.guards, guards)
        if found is True and not all(self._memory(x, arrays, start) for x in self.built.checks):
            raise IndexError("an index is out of range")  # the function itself will say which
        return results, found

    def _call(self, vertex: Apply, arrays: Sequence[np.ndarray[Any, Any]], start: int) -> bool:
        """Let NumPy compute an operation; False if the result has not the shape it had."""
        operands = [self._value(x, arrays, start) for x in vertex.operands]
        result = np.asarray(evaluate(vertex.operation, operands, vertex.params))
        if result.shape != shape(vertex) or result.dtype != dtype_of(vertex.value):
            return False
        np.copyto(self._memory(vertex, arrays, start), result)
        return True

    def _value(self, vertex: Vertex, arrays: Sequence[np.ndarray[Any, Any]], start: int) -> Any:
        """Return the value of an operand: of a number, in memory, or a view of what is there."""
        if self.built.schedule.roles[vertex] is Role.NUMBER:
            if not shape(vertex):
                return vertex.value if not isinstance(vertex, Apply) else number(vertex)
            entry_of_all = np.asarray(number(vertex), dtype_of(vertex.value))
            return np.broadcast_to(entry_of_all, shape(vertex))
        is_view = self.built.schedule.roles[vertex] is Role.VIEW
        if vertex not in self.built.schedule.stored and is_view:
            assert isinstance(vertex, Apply)
            inner = self._value(vertex.operands[0], arrays, start)
            return vertex.operation.compute(inner, **vertex.params)
        return like(self._memory(vertex, arrays, start), vertex.value)

    def _memory(
        self, vertex: Vertex, arrays: Sequence[np.ndarray[Any, Any]], start: int
    ) -> np.ndarray[Any, Any]:
        """Return the memory of a vertex as an array."""
        buffer = self.built.buffers[vertex]
        size, dtype = shape(vertex), dtype_of(vertex.value)
        if buffer.index < len(arrays):
            array = arrays[buffer.index]
            return array if array.dtype == dtype else array.view(dtype)[:1].reshape(size)
        count = math.prod(size) * dtype.itemsize
        if not count:
            return np.empty(size, dtype)
        raw = (ctypes.c_char * count).from_address(start + buffer.offset)
        return np.ndarray(size, dtype, memoryview(raw))
