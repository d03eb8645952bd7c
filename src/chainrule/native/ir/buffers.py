"""The memory of a run as code sees it: pointers to buffers, loads and stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.native.ir.moving import Integer, Word
from chainrule.native.ir.text import Code, memory_type

__all__ = ["Buffer", "address", "integer", "load", "slot", "store"]


@dataclass(frozen=True)
class Buffer:
    """Where the memory of a vertex begins: an entry of the table of pointers, and an offset.

    The offset, in bytes, may move with the turns of loops.
    """

    index: int
    offset: Integer = 0


def address(code: Code, buffer: Buffer) -> str:
    """Write the pointer to a place in memory."""
    entry = code.let(f"getelementptr ptr, ptr %buffers, i64 {buffer.index}")
    base = code.let(f"load ptr, ptr {entry}")
    if not buffer.offset:
        return base
    return code.let(f"getelementptr i8, ptr {base}, i64 {integer(code, buffer.offset)}")


def slot(code: Code, word: Word) -> str:
    """Write the pointer to a word of the table."""
    assert word.index >= 0, f"{word} is read before anything has written it"
    return code.let(f"getelementptr ptr, ptr %buffers, i64 {word.index}")


def integer(code: Code, value: Integer) -> str:
    """Write an integer that may move with the turns of loops."""
    if isinstance(value, int):
        return str(value)
    total = str(value.constant)
    for word, factor in value.terms:
        turn = code.let(f"load i64, ptr {slot(code, word)}")
        step = turn if factor == 1 else code.let(f"mul nsw i64 {turn}, {factor}")
        total = code.let(f"add nsw i64 {total}, {step}")
    return total


def load(code: Code, pointer: str, dtype: np.dtype[Any], mark: str = "") -> str:
    """Read a number; ``mark`` is metadata, such as ``, !noalias !1``."""
    kind = memory_type(dtype)
    register = code.let(f"load {kind}, ptr {pointer}, align {max(dtype.itemsize, 1)}{mark}")
    return code.let(f"icmp ne i8 {register}, 0") if dtype.kind == "b" else register


def store(code: Code, register: str, pointer: str, dtype: np.dtype[Any], mark: str = "") -> None:
    """Write a number; see `load`."""
    kind = memory_type(dtype)
    if dtype.kind == "b":
        register = code.let(f"zext i1 {register} to i8")
    code.add(f"store {kind} {register}, ptr {pointer}, align {max(dtype.itemsize, 1)}{mark}")
