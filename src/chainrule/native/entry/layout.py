"""What machine code and Python agree upon: which buffers `@run` takes, and what its result is.

``define i32 @run(ptr %buffers)`` takes an array of pointers, one per buffer, in this order: inputs,
captured arrays, outputs, guards, arena; after them come as many words as loops need. It returns 0,
or a code if it stopped: an exception is set, or else the outputs mean nothing. A scalar's buffer
has 8 bytes and holds the value in its own type: double, float, i64 for every integer, i8 for a
boolean; that of a complex one has two words, for its parts. An array's buffer is its data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import CellType, FunctionType
from typing import Any, Literal, TypeAlias

import numpy as np

from chainrule.core.array import dtype_of, shape_of
from chainrule.core.placeholder import is_array
from chainrule.numpy.closure import ABSENT, content

__all__ = [
    "Fixed",
    "Guard",
    "Layout",
    "Slot",
    "Structure",
    "Tree",
    "Watch",
    "bits",
    "guard_of",
    "inside",
    "leaves",
    "met",
    "objects",
    "renumbered",
    "slot_of",
]

_NUMBERS = ("f4", "f8", "c8", "c16")

#: Where inputs lie in the arguments, and outputs in the result: an int is the one of that number, a
#: tuple a tuple.
Structure: TypeAlias = "int | tuple[Structure, ...] | Tree | Fixed"


@dataclass(frozen=True, eq=False)
class Tree:
    """Another container than a tuple: a list, a named tuple, a dict or a dataclass.

    Attributes:
        kind: its type.
        keys: those of a dict, in its order, or the names of a dataclass's fields; None for lists
            and named tuples.
        parts: what it holds.
    """

    kind: type
    keys: tuple[Any, ...] | None
    parts: tuple[Structure, ...]


@dataclass(frozen=True, eq=False)
class Fixed:
    """An object that has to be found at its place in the arguments, or is put there in the result.

    Of an int or a string in the arguments, an equal one will do.
    """

    value: Any


#: What Python looked at during recording: its type, and what it saw.
Guard: TypeAlias = tuple[Literal["bool", "int", "float"], bool | int | float]


@dataclass(frozen=True)
class Slot:
    """One input, captured array or output: a Python float, a NumPy scalar or an array (0-d too)."""

    kind: Literal["float", "scalar", "array"]
    dtype: np.dtype[Any]
    shape: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        letters = self.dtype.kind + str(self.dtype.itemsize)
        if self.kind == "float" and letters != "f8":
            raise ValueError(f"a Python float has dtype float64, not {self.dtype}")
        if self.kind == "scalar" and self.dtype.kind not in "iub" and letters not in _NUMBERS:
            raise ValueError(f"a scalar of dtype {self.dtype} has no place")
        if self.kind != "array" and self.shape:
            raise ValueError(f"a {self.kind} has no shape, not {self.shape}")
        if not self.dtype.isnative or self.dtype.kind not in "iubfc":
            raise ValueError(f"machine code does not work on dtype {self.dtype}")


@dataclass(frozen=True)
class Layout:
    """The buffers of `@run`, and how the result is made of the outputs.

    Attributes:
        inputs: of the function's arguments.
        captured: of arrays that the function found outside, read at each call.
        outputs: of what is computed, each once.
        guards: what must be found, or else the outputs mean nothing.
        arena_bytes: of the scratch memory.
        releases_lock: whether other Python threads may run meanwhile, as for much work they should.
        structure: how the result is made of the outputs; an output that occurs again is copied.
            None where it takes more than a `Structure`: then Python makes it.
        words: how many entries of the table come after the arena, which nobody fills in.
        arguments: where the inputs lie in the arguments; None where they are the inputs.
        donors: for each output that is written over an input, the number of that input: the result
            holds the very array that was given.
    """

    inputs: tuple[Slot, ...]
    captured: tuple[Slot, ...]
    outputs: tuple[Slot, ...]
    guards: tuple[Guard, ...]
    arena_bytes: int
    releases_lock: bool
    structure: Structure | None
    words: int = 0
    arguments: tuple[Structure, ...] | None = None
    donors: Mapping[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given = list(leaves(self.arguments)) if self.arguments is not None else None
        if given is not None and given != list(range(len(self.inputs))):
            raise ValueError(f"the arguments have inputs {given} of {len(self.inputs)}")
        if self.structure is not None:
            used, made = set(leaves(self.structure)), set(range(len(self.outputs)))
            if used != made:
                raise ValueError(f"the result has outputs {sorted(used)} of {sorted(made)}")


@dataclass(frozen=True)
class Watch:
    """An entry of a dictionary (globals, say), a closure's cell, a function's code or defaults.

    Attributes:
        holder: the dictionary, the cell or the function.
        key: of the dictionary's entry, or the name of the function's attribute (``__code__``,
            ``__defaults__``, ``__kwdefaults__``); of no meaning for a cell.
        value: the very object that must be found; `ABSENT` where there must be none.
    """

    holder: dict[Any, Any] | CellType | FunctionType
    key: Any
    value: Any

    def __post_init__(self) -> None:
        if not isinstance(self.holder, (dict, CellType, FunctionType)):
            raise TypeError(f"a {type(self.holder).__name__} cannot be watched")

    def holds(self) -> bool:
        """Tell whether the object is still there."""
        if isinstance(self.holder, dict):
            return dict.get(self.holder, self.key, ABSENT) is self.value
        if isinstance(self.holder, FunctionType):
            return getattr(self.holder, self.key) is self.value
        return content(self.holder) is self.value


def leaves(structure: Structure) -> Iterator[int]:
    """Yield the numbers of the inputs or outputs in a structure, from left to right."""
    if isinstance(structure, int):
        yield structure
    for part in inside(structure):
        yield from leaves(part)


def inside(structure: Structure) -> tuple[Structure, ...]:
    """Return what a structure holds directly."""
    if isinstance(structure, Tree):
        return structure.parts
    return structure if isinstance(structure, tuple) else ()


def objects(structure: Structure) -> Iterator[Any]:
    """Yield the Python objects that a structure is known by: types, keys, fixed objects."""
    if isinstance(structure, Fixed):
        yield structure.value
    elif isinstance(structure, Tree):
        yield from (structure.kind, *(structure.keys or ()))
    elif isinstance(structure, tuple):
        yield tuple
    for part in inside(structure):
        yield from objects(part)


def renumbered(structure: Structure, numbers: Sequence[int]) -> Structure:
    """Return the same structure with ``numbers[k]`` in the place of output k."""
    if isinstance(structure, int):
        return numbers[structure]
    if isinstance(structure, Fixed):
        return structure
    parts = tuple(renumbered(part, numbers) for part in inside(structure))
    return Tree(structure.kind, structure.keys, parts) if isinstance(structure, Tree) else parts


def slot_of(value: Any) -> Slot:
    """Return the slot of a value like this one."""
    if type(value) is float:
        return Slot("float", np.dtype(np.float64))
    kind: Literal["array", "scalar"] = "array" if is_array(value) else "scalar"
    return Slot(kind, dtype_of(value), shape_of(value))


def guard_of(seen: bool | int | float) -> Guard:
    """Return the guard that wants what Python saw."""
    if isinstance(seen, bool):
        return "bool", seen
    return ("int", seen) if isinstance(seen, int) else ("float", seen)


def bits(guard: Guard) -> int:
    """Return the 8 bytes that a guard's buffer must hold, as a signed integer."""
    kind, value = guard
    if kind == "float":
        return int(np.float64(value).view(np.int64))
    return int(value)


def met(guards: Sequence[Guard], found: np.ndarray[Any, Any]) -> bool | tuple[Any, ...]:
    """Compare guards with their buffers (int64).

    Returns:
        True if all are met; otherwise what was found, up to the first one that is not.
    """
    seen: list[bool | int | float] = []
    for guard, word in zip(guards, found, strict=True):
        kind, expected = guard
        value: bool | int | float = int(word)
        if kind == "bool":
            value = bool(value)
        elif kind == "float":
            value = float(word.view(np.float64))
        seen.append(value)
        both_nan = kind == "float" and value != value and expected != expected
        if int(word) != bits(guard) and not both_nan:
            return tuple(seen)
    return True
