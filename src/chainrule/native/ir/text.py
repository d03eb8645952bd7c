"""Writing LLVM IR as text: types, constants, conversions, and a list of lines with fresh names."""

from __future__ import annotations

import functools
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["Code", "constant", "is_native", "memory_type", "register_type"]

_TYPES = {
    "f8": "double",
    "f4": "float",
    "i8": "i64",
    "i4": "i32",
    "i2": "i16",
    "i1": "i8",
    "u8": "i64",
    "u4": "i32",
    "u2": "i16",
    "u1": "i8",
    "b1": "i1",
}


@functools.cache
def is_native(dtype: np.dtype[Any]) -> bool:
    """Tell whether registers of the machine hold numbers of this dtype."""
    return dtype.str[1:] in _TYPES and dtype.isnative


def register_type(dtype: np.dtype[Any]) -> str:
    """Return the IR type that a number of this dtype has in a register."""
    return _TYPES[dtype.str[1:]]


def memory_type(dtype: np.dtype[Any]) -> str:
    """Return the IR type that a number of this dtype has in memory: a boolean takes a byte."""
    return "i8" if dtype.kind == "b" else register_type(dtype)


def constant(value: Any, dtype: np.dtype[Any]) -> str:
    """Write a number as an operand of the given dtype.

    >>> constant(0.5, np.dtype("f4")), constant(True, np.dtype("f8")), constant(3.0, np.dtype("i8"))
    ('0x3FE0000000000000', '0x3FF0000000000000', '3')
    """
    with np.errstate(over="ignore"):
        number = np.asarray(value).astype(dtype)[()]
    if dtype.kind == "f":
        return f"0x{struct.unpack('<Q', struct.pack('<d', float(number)))[0]:016X}"
    if dtype.kind == "b":
        return "true" if number else "false"
    return str(int(number))


class Code:
    """Lines of one function under construction, and fresh names for its values.

    Args:
        prefix: of the names.
        apart: its functions are called as they are outside of loops over entries, where a program
            of many calls may leave them where they are (`chainrule.native.ir.math.definitions`).
    """

    def __init__(self, prefix: str = "v", apart: bool = False) -> None:
        self.lines: list[str] = []
        self.functions: set[tuple[str, str]] = set()  # that `call` was asked for
        self.calls_apart: list[tuple[str, str]] = []  # or these
        self.declarations: set[str] = set()
        self.seldom = ""  # metadata of selects that make a branch of them, which is foretold
        self._prefix = prefix
        self._count = 0
        self._apart = apart

    def name(self, hint: str = "") -> str:
        """Return a name that is not used yet."""
        self._count += 1
        return f"%{hint or self._prefix}{self._count}"

    def add(self, line: str) -> None:
        """Write a line that has no result."""
        self.lines.append(f"  {line}")

    def label(self, name: str) -> None:
        """Begin a block."""
        self.lines.append(f"{name.removeprefix('%')}:")

    def let(self, expression: str, hint: str = "") -> str:
        """Write a line and return the name of its result."""
        name = self.name(hint)
        self.add(f"{name} = {expression}")
        return name

    def call(self, name: str, kind: str, operands: Sequence[str]) -> str:
        """Write a call of a function of `chainrule.native.ir.math`."""
        given = ", ".join(f"{kind} {operand}" for operand in operands)
        if self._apart:
            self.calls_apart.append((name, kind))
        else:
            self.functions.add((name, kind))
        suffix = ".apart" if self._apart else ""
        return self.let(f"call {kind} @cr.{name}.{kind}{suffix}({given})")

    def unless_zero(self, g: str, product: str, kind: str) -> str:
        """Write a select of zero where g is zero, else of a product with it."""
        zero = constant(0, np.dtype("f8"))
        stops = self.let(f"fcmp oeq {kind} {g}, {zero}")
        return self.let(f"select i1 {stops}, {kind} {zero}, {kind} {product}{self.seldom}")

    def convert(self, value: str, old: np.dtype[Any], new: np.dtype[Any]) -> str:
        """Convert a register from one dtype to another, as ``astype`` does."""
        if old == new:
            return value
        source, target = register_type(old), register_type(new)
        if new.kind == "b":
            zero = constant(0, old)
            compare = f"fcmp une {source}" if old.kind == "f" else f"icmp ne {source}"
            return self.let(f"{compare} {value}, {zero}")
        if old.kind == "f" and new.kind == "f":
            operation = "fpext" if new.itemsize > old.itemsize else "fptrunc"
        elif old.kind == "f":
            operation = "fptoui" if new.kind == "u" else "fptosi"
        elif new.kind == "f":
            operation = "uitofp" if old.kind in "bu" else "sitofp"
        elif source == target:
            return value
        elif _bits(source) > _bits(target):
            operation = "trunc"
        else:
            operation = "zext" if old.kind in "bu" else "sext"
        return self.let(f"{operation} {source} {value} to {target}")


def _bits(kind: str) -> int:
    return int(kind[1:])
