"""The instructions of code, taken apart once: much is read off them."""

from __future__ import annotations

import dis
import functools
from types import CodeType

__all__ = ["instructions_of"]


@functools.lru_cache(4096)
def instructions_of(code: CodeType) -> tuple[dis.Instruction, ...]:
    """Return the instructions of code, without what the interpreter keeps between them."""
    return tuple(x for x in dis.get_instructions(code) if x.opname != "CACHE")
