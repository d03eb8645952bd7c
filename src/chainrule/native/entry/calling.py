"""Calling machine code from Python: as a built-in function, or through ctypes.

`ir` writes the entry that is linked into one module with `@run`; `make` turns it into a function of
CPython's fast calling convention. `call` runs `@run` alone, from any Python.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.errors import ChainruleError
from chainrule.native.entry import objects, table
from chainrule.native.entry.layout import Layout, Slot, Watch, met
from chainrule.native.entry.wrapper import ir
from chainrule.native.runtime import interrupts
from chainrule.native.runtime.engine import Library

__all__ = ["RunError", "available", "call", "from_memory", "in_memory", "ir", "make", "room"]


class RunError(ChainruleError, RuntimeError):
    """Machine code stopped with an error code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"machine code stopped with error code {code}")
        self.code = code


def available(layout: Layout) -> bool:
    """Tell whether this Python, with this NumPy, can have an entry of this layout."""
    slots = (*layout.inputs, *layout.outputs)
    numbers = any(slot.kind != "array" and slot.dtype.kind == "c" for slot in slots)
    return layout.structure is not None and not numbers and objects.known()


# --- the built-in function ---------------------------------------------------------------------


class _Definition(ctypes.Structure):
    """CPython's PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("documentation", ctypes.c_char_p),
    )


_FASTCALL_WITH_KEYWORDS = 0x0080 | 0x0002

_new_function = ctypes.PYFUNCTYPE(
    ctypes.py_object, ctypes.POINTER(_Definition), ctypes.py_object, ctypes.c_void_p
)(("PyCFunction_NewEx", ctypes.pythonapi))


def make(
    layout: Layout,
    library: Library,
    captured: Sequence[np.ndarray[Any, Any]],
    watched: Sequence[Watch],
    fallback: Callable[..., Any],
    name: str = "compiled",
) -> Callable[..., Any]:
    """Return the entry of a library as a function of the inputs, given by position.

    It returns what `fallback` returns for the same arguments whenever anything is not as it was:
    the number, type, dtype, shape or memory layout of arguments and captured arrays, what is
    watched, a guard; and when `@run` stops with an error code and no exception is set.

    The function keeps all that it needs, and takes part in garbage collection: its own fallback may
    refer to it.
    """
    for slot, array in zip(layout.captured, captured, strict=True):
        _check(slot, array)
    words, kept = table.fill(layout, fallback, captured, watched)
    definition = _Definition(name.encode(), library.address("entry"), _FASTCALL_WITH_KEYWORDS, None)
    # The entry finds the table as the first item of its `self`. CPython reads the definition as
    # long as the function lives, and allows it to be kept by `self`.
    function: Callable[..., Any] = _new_function(
        ctypes.byref(definition), (words, definition, library, kept), None
    )
    return function


# --- through ctypes ----------------------------------------------------------------------------

_LOCKED = ctypes.PYFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)


def call(
    layout: Layout,
    library: Library,
    inputs: Sequence[Any],
    captured: Sequence[np.ndarray[Any, Any]],
) -> tuple[list[Any], bool | tuple[Any, ...]]:
    """Run `@run` once, and return the outputs and whether the guards were met.

    Inputs and captured arrays must have the dtypes and shapes of the layout; those that do not lie
    in memory as machine code wants are copied.

    Returns:
        The outputs, flat; and True, or what was found for the guards up to the first that was not
        met.

    Raises:
        RunError: It stopped with an error code, and no exception was set.
        Stopped: A signal's handler raised an exception.
        BaseException: A signal's handler raised KeyboardInterrupt or its like.
    """
    given = [
        in_memory(slot, value)
        for slot, value in zip(layout.inputs + layout.captured, [*inputs, *captured], strict=True)
    ]
    outputs = [room(slot) for slot in layout.outputs]
    guards = np.zeros(len(layout.guards), np.int64)
    arena = np.empty(layout.arena_bytes + 64 if layout.arena_bytes else 0, np.uint8)
    pointers = [
        *(array.ctypes.data for array in given + outputs),
        *(guards.ctypes.data + 8 * k for k in range(len(guards))),
        -(-arena.ctypes.data // 64) * 64 if arena.size else None,
        *[None] * layout.words,
    ]
    address = library.address("run")
    run = interrupts.unlocked(address) if layout.releases_lock else _LOCKED(address)
    try:
        code = run((ctypes.c_void_p * len(pointers))(*pointers))
    except Exception as error:
        raise interrupts.Stopped(error) from None
    found = met(layout.guards, guards) if code in (0, interrupts.IN_VAIN) else False
    if code == interrupts.IN_VAIN and found is not True:
        return [None] * len(outputs), found
    if code:
        raise RunError(code)
    results = [
        from_memory(slot, array) for slot, array in zip(layout.outputs, outputs, strict=True)
    ]
    return results, found


def _check(slot: Slot, value: Any) -> None:
    if type(value) is not np.ndarray or value.dtype != slot.dtype or value.shape != slot.shape:
        raise ValueError(
            f"machine code wants an array of {slot.dtype} {slot.shape}, not "
            f"{getattr(value, 'dtype', type(value).__name__)} {getattr(value, 'shape', '')}"
        )


def room(slot: Slot) -> np.ndarray[Any, Any]:
    """Return memory for an output."""
    return np.empty(slot.shape, slot.dtype) if slot.kind == "array" else _words(slot)


def _words(slot: Slot) -> np.ndarray[Any, Any]:
    """Return memory for a number."""
    return np.zeros(2 if slot.dtype.kind == "c" else 1, np.int64)


def in_memory(slot: Slot, value: Any) -> np.ndarray[Any, Any]:
    """Return an input or captured array as machine code wants it in memory."""
    if slot.kind == "array":
        _check(slot, value)
        return np.require(value, slot.dtype, ["C_CONTIGUOUS", "ALIGNED"])
    expected = float if slot.kind == "float" else slot.dtype.type
    if type(value) is not expected and not (type(value) is complex and slot.dtype.char == "D"):
        raise ValueError(f"machine code wants a {expected.__name__}, not {value!r}")
    place = _words(slot)
    if slot.dtype.kind in "iu":
        place[0] = np.asarray(value).astype(np.int64)
    else:
        place.view(slot.dtype)[0] = value
    return place


def from_memory(slot: Slot, array: np.ndarray[Any, Any]) -> Any:
    """Return an output as the Python object that its slot says."""
    if slot.kind == "array":
        return array
    if slot.dtype.kind in "iu":
        return array.astype(slot.dtype)[0]
    value = array.view(slot.dtype)[0]
    return float(value) if slot.kind == "float" else value
