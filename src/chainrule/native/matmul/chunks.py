"""A product some rows at a time, for what goes on with them while they are in the cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.native.ir.access import Access
from chainrule.native.ir.text import Code
from chainrule.native.matmul.extents import Extents
from chainrule.native.matmul.tiles import Loops

__all__ = ["Chunks", "chunks"]

_RESULT = 1 << 19  # bytes of a chunk of the result
_ROWS = 64  # of a chunk at least


@dataclass(frozen=True)
class Chunks:
    """The rows of a product, some at a time.

    Attributes:
        name: the function ``void(ptr context, i64 begin, i64 end, i64 part)`` over chunks;
            ``context`` has the pointers to the operands, to the result, and to the arrays that are
            fetched meanwhile.
        rows: of a chunk.
        count: how many chunks there are.
        before: how many rows before a chunk may be written with it.
        ahead: how many arrays are fetched: all that are to be, or none.
    """

    name: str
    rows: int
    count: int
    before: int
    ahead: int


def chunks(a: Access, b: Access, ahead: Sequence[int], parts: int, code: Code) -> Chunks:
    """Write how a product is computed some rows at a time, among the declarations of the code.

    Args:
        a: where the left operand lies.
        b: where the right one lies.
        ahead: of arrays that are needed next, the bytes that a row has.
        parts: how many threads may share the work.
        code: what the function is written into.
    """
    most = max(_RESULT // (b.size[1] * b.base.dtype.itemsize), _ROWS)
    loops = Loops(Extents.of_matrices(a, b), a.base.dtype, parts, most, ahead)
    code.declarations |= loops.declarations()
    fetched = len(loops.ahead.rows)
    return Chunks(loops.name, loops.rows, loops.units, loops.tile.rows, fetched)
