"""Reductions as IR: how two numbers become one, and arrays in which rows add up what they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.operation import Operation
from chainrule.native.ir.buffers import Buffer, address, load, store
from chainrule.native.ir.combining import COMBINING
from chainrule.native.ir.text import Code, constant, memory_type, register_type
from chainrule.operations import reduction

__all__ = ["Sum", "combine", "combine_copies", "fill", "neutral"]


@dataclass(frozen=True)
class Sum:
    """An array that rows add into: the result itself, or a copy for each thread."""

    operation: Operation
    dtype: np.dtype[Any]
    size: int
    result: Buffer
    copies: Buffer | None
    step: int = 0  # bytes from one copy to the next


def neutral(operation: Operation, dtype: np.dtype[Any]) -> str:
    """Return the value with which a reduction begins."""
    return constant(COMBINING[operation].start, dtype)


def combine(code: Code, operation: Operation, dtype: np.dtype[Any], a: str, b: str) -> str:
    """Reduce two numbers to one."""
    how = COMBINING[operation]
    kind = register_type(dtype)
    if operation in (reduction.max, reduction.min):
        suffix = "f64" if kind == "double" else "f32"
        code.declarations.add(f"declare {kind} @llvm.{how.floating}.{suffix}({kind}, {kind})")
        return code.let(f"call {kind} @llvm.{how.floating}.{suffix}({kind} {a}, {kind} {b})")
    instruction = how.floating if dtype.kind == "f" else how.integer
    return code.let(f"{instruction} {kind} {a}, {b}")


def fill(code: Code, total: Sum, parts: int) -> None:
    """Write the start of a sum into its result, or into its copies for some number of threads."""
    kind = memory_type(total.dtype)
    start = neutral(total.operation, total.dtype)
    if total.dtype.kind == "b":
        start = "1" if start == "true" else "0"
    target = total.result if total.copies is None else total.copies
    is_zero = COMBINING[total.operation].start == 0
    for part in range(parts if total.copies is not None else 1):
        pointer = address(code, Buffer(target.index, target.offset + part * total.step))
        if is_zero:
            size = total.size * total.dtype.itemsize
            code.add(f"call void @llvm.memset.p0.i64(ptr {pointer}, i8 0, i64 {size}, i1 false)")
        else:
            code.add(f"call void @cr.fill.{kind}(ptr {pointer}, i64 {total.size}, {kind} {start})")
    if not is_zero:
        code.declarations.add(_FILL.format(kind=kind))


def combine_copies(code: Code, total: Sum, parts: int) -> None:
    """Combine the copies of a sum, one for each of some number of threads, in its result."""
    if total.copies is None:
        return
    name = f"cr.combine.{total.operation.name}.{memory_type(total.dtype)}"
    copies, result = address(code, total.copies), address(code, total.result)
    code.add(
        f"call void @{name}(ptr {result}, ptr {copies}, i64 {total.size}, i64 {total.step}, "
        f"i64 {parts})"
    )
    body, last = Code("body."), Code("last.")
    value = load(body, "%copy", total.dtype)
    new = combine(body, total.operation, total.dtype, "%sum", value)
    store(last, "%sum", "%at", total.dtype)
    start = Code("start.")
    first = load(start, "%first", total.dtype)
    code.declarations |= body.declarations
    code.declarations.add(
        _COMBINE_COPIES.format(
            name=name,
            memory=memory_type(total.dtype),
            register=register_type(total.dtype),
            start="\n".join(start.lines),
            first=first,
            body="\n".join(body.lines),
            new=new,
            last="\n".join(last.lines),
        )
    )


_FILL = """\
define internal void @cr.fill.{kind}(ptr %to, i64 %count, {kind} %value) noinline {{
entry:
  %some = icmp ne i64 %count, 0
  br i1 %some, label %loop, label %done
loop:
  %k = phi i64 [ 0, %entry ], [ %next, %loop ]
  %at = getelementptr {kind}, ptr %to, i64 %k
  store {kind} %value, ptr %at
  %next = add nuw i64 %k, 1
  %more = icmp ult i64 %next, %count
  br i1 %more, label %loop, label %done, !llvm.loop !9
done:
  ret void
}}"""

_COMBINE_COPIES = """\
define internal void @{name}(ptr %to, ptr %copies, i64 %count, i64 %step, i64 %parts) noinline {{
entry:
  %some = icmp ne i64 %count, 0
  br i1 %some, label %loop, label %done
loop:
  %k = phi i64 [ 0, %entry ], [ %next, %last ]
  %first = getelementptr {memory}, ptr %copies, i64 %k
{start}
  br label %parts.loop
parts.loop:
  %part = phi i64 [ 1, %loop ], [ %part.next, %body ]
  %sum = phi {register} [ {first}, %loop ], [ {new}, %body ]
  %more.parts = icmp ult i64 %part, %parts
  br i1 %more.parts, label %body, label %last
body:
  %offset = mul i64 %part, %step
  %copy = getelementptr i8, ptr %first, i64 %offset
{body}
  %part.next = add nuw i64 %part, 1
  br label %parts.loop, !llvm.loop !9
last:
  %at = getelementptr {memory}, ptr %to, i64 %k
{last}
  %next = add nuw i64 %k, 1
  %more = icmp ult i64 %next, %count
  br i1 %more, label %loop, label %done, !llvm.loop !10
done:
  ret void
}}"""
