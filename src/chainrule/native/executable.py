"""A program as machine code, with NumPy called in between for what is not lowered."""

from __future__ import annotations

import ctypes
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import CellType, CodeType, FunctionType
from typing import Any

import numpy as np

from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply, Vertex, evaluate
from chainrule.graph.loops.extrapolate import NotAlikeError
from chainrule.native.describe import describe
from chainrule.native.entry import calling
from chainrule.native.entry.layout import Fixed, Structure, Watch, inside, met, slot_of
from chainrule.native.interpret import interpreted, like
from chainrule.native.lower.lapack import Routine
from chainrule.native.lower.roles import Role, number
from chainrule.native.pipeline import NotNativeError, build
from chainrule.native.record.program import Program, Runnable
from chainrule.native.runtime import engine

__all__ = ["Executable", "donating", "native"]


def native(program: Program) -> Runnable:
    """Compile a program, or let NumPy interpret it where its values are no numbers.

    Raises:
        NotAlikeError: it was recorded in few turns of its loops, from which all do not follow.
    """
    try:
        return Executable(program)
    except NotNativeError as error:
        if program.family is not None:
            raise NotAlikeError("values that are no numbers") from error
        return interpreted(program)


def donating(program: Program) -> Runnable:
    """Compile a program whose caller gives up the arrays of its first argument.

    The first part of its result may hold these very arrays, written over, where each of its leaves
    is an array like that of the argument: all of them, or none.
    """
    try:
        return Executable(program, _donors(program))
    except NotNativeError:
        return native(program)


def _donors(program: Program) -> dict[int, int]:
    """Return the input for each output of the first part of the result, if they are alike."""
    made, given = program.structure, program.arguments
    if not (isinstance(made, tuple) and made and given):
        return {}
    found = dict(_pairs(made[0], given[0]))
    for k, j in found.items():
        slot = slot_of(program.outputs[k].value)
        if j is None or slot.kind != "array" or slot != slot_of(program.inputs[j].value):
            return {}
    return {k: j for k, j in found.items() if j is not None}


def _pairs(made: Structure, given: Structure) -> Iterator[tuple[int, int | None]]:
    """Yield each output with the input at the same place; None where there is none."""
    if isinstance(made, int):
        yield made, given if isinstance(given, int) else None
        return
    parts, others = inside(made), inside(given)
    for k, part in enumerate(parts):
        yield from _pairs(part, others[k] if len(others) == len(parts) else Fixed(None))


#: They take programs of few turns of their loops; see `chainrule.native.record.program.Family`.
native.extrapolates = True  # type: ignore[attr-defined]
donating.extrapolates = True  # type: ignore[attr-defined]


class Executable:
    """A compiled program."""

    def __init__(self, program: Program, donors: Mapping[int, int] | None = None) -> None:
        self.built = build(program, donors=donors)
        self.layout = self.built.layout
        is_known = program.arguments is not None and calling.available(self.layout)
        self.has_entry = is_known and not self.built.calls
        ir = self.built.ir + (calling.ir(self.layout) if self.has_entry else "")
        self.library = engine.link(ir, program.name)
        prototype = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
        self._in_segments = bool(self.built.calls or self.built.checks)
        self._segments: dict[str, Callable[[int], None]] = {
            step: prototype(self.library.address(step))
            for step in self.built.steps
            if self._in_segments and isinstance(step, str)
        }
        self._arenas: list[np.ndarray[Any, Any]] = []  # that no call is using

    @property
    def scratch_bytes(self) -> int:
        """Bytes that a run needs besides its arguments and results."""
        return self.layout.arena_bytes

    def __call__(
        self, inputs: Sequence[Any], captured: Sequence[np.ndarray[Any, Any]]
    ) -> tuple[list[Any], bool | tuple[Any, ...]]:
        """Run the program: see `chainrule.native.record.program.Runnable`."""
        given = [*captured, *self.built.fixed]
        run = self._run_in_segments if self._in_segments else self._run
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
        """Return the program as a built-in function of its arguments; None where that cannot be.

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
        return calling.make(
            self.layout, self.library, arrays, watched, fallback, self.built.program.name
        )

    def describe(self) -> dict[str, Any]:
        """Tell what the program became, for `Compiled.lower`."""
        return {**describe(self.built), "library": self.library}

    def _run(
        self, inputs: Sequence[Any], given: Sequence[np.ndarray[Any, Any]]
    ) -> tuple[list[Any], bool | tuple[Any, ...]]:
        return calling.call(self.layout, self.library, inputs, given)

    # With calls of NumPy in between.

    def _run_in_segments(
        self, inputs: Sequence[Any], given: Sequence[np.ndarray[Any, Any]]
    ) -> tuple[list[Any], bool | tuple[Any, ...]]:
        layout = self.layout
        leaves = [
            calling.in_memory(slot, value)
            for slot, value in zip(layout.inputs + layout.captured, [*inputs, *given], strict=True)
        ]
        outputs = [calling.room(slot) for slot in layout.outputs]
        guards = np.zeros(len(layout.guards), np.int64)
        try:
            arena = self._arenas.pop()
        except IndexError:  # the first call, or one during another
            arena = _aligned(layout.arena_bytes)
        arrays = [*leaves, *outputs, *(guards[k : k + 1] for k in range(len(guards))), arena]
        try:
            return self._run_steps(arrays, outputs, guards)
        finally:
            self._arenas.append(arena)

    def _run_steps(
        self,
        arrays: Sequence[np.ndarray[Any, Any]],
        outputs: Sequence[np.ndarray[Any, Any]],
        guards: np.ndarray[Any, Any],
    ) -> tuple[list[Any], bool | tuple[Any, ...]]:
        layout = self.layout
        words = [0] * layout.words
        table = np.array([*(array.ctypes.data for array in arrays), *words], np.uintp)
        for step in self.built.steps:
            if isinstance(step, str):
                self._segments[step](table.ctypes.data)
            elif not self._call(step.vertex, arrays):
                return [None] * len(layout.outputs), False
        results = [
            calling.from_memory(slot, array)
            for slot, array in zip(layout.outputs, outputs, strict=True)
        ]
        found = met(layout.guards, guards)
        if found is True and not all(self._memory(x, arrays) for x in self.built.checks):
            raise IndexError("an index is out of range")  # the function itself will say which
        return results, found

    def _call(self, vertex: Apply, arrays: Sequence[np.ndarray[Any, Any]]) -> bool:
        """Let NumPy compute an operation; False if the result has not the shape it had."""
        operands = [self._value(x, arrays) for x in vertex.operands]
        if _is_users(vertex.operation):  # it may keep them, and the memory is soon used again
            operands = [x.copy() if isinstance(x, np.ndarray) else x for x in operands]
        if isinstance(vertex.operation, Routine):
            vertex.operation.into(self._memory(vertex, arrays), *operands, **vertex.params)
            return True
        compute = vertex.operation.compute
        ufunc = _OF_OPERATORS.get(compute, compute)
        if isinstance(ufunc, np.ufunc) and not vertex.params:  # of which the shape is known
            with np.errstate(all="ignore"):
                ufunc(*operands, out=self._memory(vertex, arrays))
            return True
        result = np.asarray(evaluate(vertex.operation, operands, vertex.params))
        if result.shape != vertex.shape or result.dtype != vertex.dtype:
            return False
        np.copyto(self._memory(vertex, arrays), result)
        return True

    def _value(self, vertex: Vertex, arrays: Sequence[np.ndarray[Any, Any]]) -> Any:
        """Return the value of an operand: of a number, in memory, or a view of what is there."""
        if self.built.schedule.roles[vertex] is Role.NUMBER:
            if not vertex.shape:
                return vertex.value if not isinstance(vertex, Apply) else number(vertex)
            entry_of_all = np.asarray(number(vertex), vertex.dtype)
            return np.broadcast_to(entry_of_all, vertex.shape)
        is_view = self.built.schedule.roles[vertex] is Role.VIEW
        if vertex not in self.built.schedule.stored and is_view:
            assert isinstance(vertex, Apply)
            inner = self._value(vertex.operands[0], arrays)
            return vertex.operation.compute(inner, **vertex.params)
        return like(self._memory(vertex, arrays), vertex.value)

    def _memory(
        self, vertex: Vertex, arrays: Sequence[np.ndarray[Any, Any]]
    ) -> np.ndarray[Any, Any]:
        """Return the memory of a vertex as an array."""
        buffer = self.built.buffers[vertex]
        size, dtype = vertex.shape, vertex.dtype
        array = arrays[buffer.index]
        if buffer.index < len(arrays) - 1:
            if array.dtype == dtype:
                return array
            return array.reshape(-1).view(dtype)[: math.prod(size)].reshape(size)
        count = math.prod(size) * dtype.itemsize
        return array[buffer.offset : buffer.offset + count].view(dtype).reshape(size)


#: What Python's operators do with arrays.
_OF_OPERATORS: dict[Any, np.ufunc] = {
    abs: np.absolute,
    operator.add: np.add,
    operator.mul: np.multiply,
    operator.neg: np.negative,
    operator.sub: np.subtract,
    operator.truediv: np.divide,
}


def _aligned(size: int) -> np.ndarray[Any, Any]:
    """Return memory that begins at a multiple of 64 bytes."""
    memory = np.empty(size + 64, np.uint8)
    return memory[-memory.ctypes.data % 64 :][: max(size, 1)]


def _is_users(operation: Operation) -> bool:
    """Tell an operation that is neither chainrule's own nor a function of NumPy or SciPy."""
    module = getattr(operation.compute, "__module__", None) or ""
    return module.split(".")[0] not in ("chainrule", "numpy", "scipy")
