"""A product and the kernel that goes on with its rows, as LLVM IR: some rows of both at a time."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.graph.graph import Apply
from chainrule.native.ir.buffers import Buffer, address
from chainrule.native.ir.text import Code, register_type
from chainrule.native.matmul.chunks import Chunks

__all__ = ["definition", "room"]

_DECLARATIONS = {
    "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)",
    "declare i64 @llvm.umin.i64(i64, i64)",
}


def room(product: Apply, chunks: Chunks) -> int:
    """Return the bytes that a thread needs for the rows of a chunk, and those before it."""
    size = (chunks.rows + chunks.before) * product.shape[1] * product.dtype.itemsize
    return -(-size // 64) * 64


def definition(
    name: str,
    product: Apply,
    chunks: Chunks,
    operands: Sequence[Buffer],
    ahead: Sequence[Buffer],
    own: Buffer,
    kernel: tuple[str, int],
    table: int,
) -> tuple[str, set[str]]:
    """Write ``void(ptr buffers, i64 begin, i64 end, i64 part)`` over chunks.

    Args:
        name: of the function.
        product: what is multiplied.
        chunks: how.
        operands: where the operands lie.
        ahead: where the arrays lie that are fetched.
        own: where the rows of a chunk lie, for each part.
        kernel: the function of the kernel, and the number of its rows in a row of the product. It
            finds the product in an entry behind those of the table of buffers.
        table: the entries of this table.

    Returns:
        The function, and what it refers to.
    """
    (m, n), kind = product.shape, register_type(product.dtype)
    call, rows = kernel
    entry, turn = Code("e"), Code("t")
    entry.add(f"%table = alloca [{table + 1} x ptr]")
    entry.add(f"%context = alloca [{3 + len(ahead)} x ptr]")
    entry.add(
        f"call void @llvm.memcpy.p0.p0.i64(ptr %table, ptr %buffers, i64 {8 * table}, i1 false)"
    )
    for k, buffer in (*enumerate(operands), *enumerate(ahead, 3)):
        slot = entry.let(f"getelementptr ptr, ptr %context, i64 {k}")
        entry.add(f"store ptr {address(entry, buffer)}, ptr {slot}")
    entry.add(f"%entry.of.product = getelementptr ptr, ptr %table, i64 {table}")
    entry.add("%result = getelementptr ptr, ptr %context, i64 2")
    offset = entry.let(f"mul i64 %part, {room(product, chunks)}")
    start = entry.let(f"getelementptr i8, ptr {address(entry, own)}, i64 {offset}")
    entry.add(f"%room = getelementptr {kind}, ptr {start}, i64 {chunks.before * n}")
    entry.add("%any = icmp ult i64 %begin, %end")
    turn.add("%u = phi i64 [ %begin, %entry ], [ %u.next, %chunk ]")
    first = turn.let(f"mul i64 %u, {chunks.rows}")
    back = turn.let(f"mul i64 %u, {-chunks.rows * n}")
    whole = turn.let(f"getelementptr {kind}, ptr %room, i64 {back}")
    turn.add(f"store ptr {whole}, ptr %result")
    turn.add(f"store ptr {whole}, ptr %entry.of.product")
    turn.add("%u.next = add i64 %u, 1")
    turn.add(f"call void @{chunks.name}(ptr %context, i64 %u, i64 %u.next, i64 0)")
    full = turn.let(f"add i64 {first}, {chunks.rows}")
    last = turn.let(f"call i64 @llvm.umin.i64(i64 {full}, i64 {m})")
    begin, end = (x if rows == 1 else turn.let(f"mul i64 {x}, {rows}") for x in (first, last))
    turn.add(f"call void @{call}(ptr %table, i64 {begin}, i64 {end}, i64 %part)")
    turn.add("%more = icmp ult i64 %u.next, %end")
    text = [
        f"define internal void @{name}(ptr %buffers, i64 %begin, i64 %end, i64 %part) {{",
        "entry:",
        *entry.lines,
        "  br i1 %any, label %chunk, label %done",
        "chunk:",
        *turn.lines,
        "  br i1 %more, label %chunk, label %done",
        "done:",
        "  ret void",
        "}",
    ]
    return "\n".join(text), {*_DECLARATIONS, *entry.declarations, *turn.declarations}
