"""Adding or writing entries where indices say, as LLVM IR: the loops of one array after another."""

from __future__ import annotations

import math

import numpy as np

from chainrule.graph.graph import Apply
from chainrule.native.codegen.pointers import from_start
from chainrule.native.ir.buffers import load, store
from chainrule.native.ir.text import Code, memory_type, register_type
from chainrule.native.lower.gather import accumulated, indexed_axes

__all__ = ["definition"]


def definition(name: str, vertex: Apply) -> str:
    """Write the function ``void(ptr to, ptr from, ptr index, ...)``, all of them C-contiguous.

    The array has axes before the indexed ones, these, and axes after them. Where an index is out of
    range, nothing is changed.
    """
    indices = vertex.operands[2:]
    size, dtype = vertex.shape, vertex.dtype
    known = indexed_axes(vertex.params["index"], indices, len(size))
    assert known is not None
    first, end = known.slots[0], known.slots[-1] + 1
    before, after = math.prod(size[:first]), math.prod(size[end:])
    count = math.prod(np.broadcast_shapes(*(x.shape for x in indices)))
    whole = math.prod(size[first:end])
    code = Code("v")
    counters = [("outer", before), ("middle", count), ("inner", after)]
    lines = [f"define internal void @{name}({_parameters(len(indices))}) {{", "entry:"]
    if not before * count * after:
        return "\n".join([*lines, "  ret void", "}"])
    came = "entry"
    lines.append("  br label %outer")
    for loop, _ in counters[:2]:
        lines += [f"{loop}:", f"  %{loop}.k = phi i64 [ 0, %{came} ], [ %{loop}.n, %{loop}.end ]"]
        if loop == "outer":
            lines.append("  br label %middle")
        came = loop
    flat = "0"
    inside = "true"
    for k, (x, n) in enumerate(zip(indices, size[first:end], strict=True)):
        kind = x.dtype
        at = code.let(f"getelementptr {memory_type(kind)}, ptr %index{k}, i64 %middle.k")
        index, fits = from_start(code, load(code, at, kind), kind, n)
        inside = code.let(f"and i1 {inside}, {fits}")
        flat = code.let(f"add i64 {code.let(f'mul i64 {flat}, {n}')}, {index}")
    to = code.let(f"add i64 {code.let(f'mul i64 %outer.k, {whole}')}, {flat}")
    to = code.let(f"mul i64 {to}, {after}")
    source = code.let(f"add i64 {code.let(f'mul i64 %outer.k, {count}')}, %middle.k")
    source = code.let(f"mul i64 {source}, {after}")
    code.add(f"br i1 {inside}, label %inner, label %middle.end")
    code.label("inner")
    code.add("%inner.k = phi i64 [ 0, %middle ], [ %inner.n, %inner ]")
    entry = memory_type(dtype)
    place = code.let(f"add i64 {to}, %inner.k")
    place = code.let(f"getelementptr {entry}, ptr %to, i64 {place}")
    given = code.let(f"add i64 {source}, %inner.k")
    given = code.let(f"getelementptr {entry}, ptr %from, i64 {given}")
    new = load(code, given, dtype)
    if vertex.operation is accumulated:
        add = "fadd" if dtype.kind == "f" else "add"
        old = load(code, place, dtype)
        new = code.let(f"{add} {register_type(dtype)} {old}, {new}")
    store(code, new, place, dtype)
    code.add("%inner.n = add nuw i64 %inner.k, 1")
    code.add(f"%inner.more = icmp ult i64 %inner.n, {after}")
    code.add("br i1 %inner.more, label %inner, label %middle.end")
    lines += code.lines
    for loop, outside, n in (("middle", "outer.end", count), ("outer", "done", before)):
        lines += [
            f"{loop}.end:",
            f"  %{loop}.n = add nuw i64 %{loop}.k, 1",
            f"  %{loop}.more = icmp ult i64 %{loop}.n, {n}",
            f"  br i1 %{loop}.more, label %{loop}, label %{outside}",
        ]
    return "\n".join([*lines, "done:", "  ret void", "}"])


def _parameters(count: int) -> str:
    return ", ".join(["ptr noalias %to", "ptr %from", *(f"ptr %index{k}" for k in range(count))])
