"""What the hardware and the interpreter ask of any code: products, memory traffic, one call."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import numpy as np
from peers import Call
from workload import Workload

_CALL, _COPY, _COPY_NOTHING = "empty call", "copy", "copy of one number"
_PRODUCTS = ("products by NumPy", "products by SciPy's BLAS")
_SMALLEST_TRAFFIC = 4096  # bytes below which it cannot be told from the call


def floors_of(workload: Workload) -> dict[str, Call]:
    """Return what is timed beside a workload, by name; `combine` makes floors of the times."""
    floors = {_CALL: empty_call()}
    if workload.traffic >= _SMALLEST_TRAFFIC:
        floors |= _copies(_COPY, workload.traffic)
        floors |= _copies(_COPY_NOTHING, 8)
    if workload.products:
        floors[_PRODUCTS[0]] = products_by_numpy(workload)
        floors[_PRODUCTS[1]] = products_by_blas(workload)
    return floors


def combine(seconds: dict[str, float]) -> dict[str, float]:
    """Return the floor of each kind, and of all of them together: the highest.

    Of two ways to do the same, the quicker counts. What a copy costs without any bytes is no floor
    for code that makes none.
    """
    floors = {"call": seconds[_CALL]}
    copies = [
        max(0.0, time - seconds[name.replace(_COPY, _COPY_NOTHING)])
        for name, time in seconds.items()
        if name.startswith(f"{_COPY} by")
    ]
    if copies:
        floors["copy"] = min(copies)
    if _PRODUCTS[0] in seconds:
        floors["GEMMs"] = min(seconds[name] for name in _PRODUCTS)
    return {**floors, "floor": max(floors.values())}


def operands(workload: Workload) -> Iterator[tuple[np.ndarray[Any, Any], ...]]:
    """Yield matrices of the workload's sizes, and room for their product.

    Matrices of as many numbers share their memory, as ``X @ w`` and ``g @ X`` share X: the caches
    are to hold no more than they must, or it would be no floor.
    """
    rng = np.random.default_rng(0)
    given: dict[int, np.ndarray[Any, Any]] = {}
    made: dict[int, np.ndarray[Any, Any]] = {}
    for rows, inner, columns in workload.products:
        for size in (rows * inner, inner * columns):
            if size not in given:
                given[size] = rng.normal(size=size).astype(workload.dtype)
        room = made.setdefault(rows * columns, np.empty(rows * columns, workload.dtype))
        a, b = given[rows * inner], given[inner * columns]
        yield a.reshape(rows, inner), b.reshape(inner, columns), room.reshape(rows, columns)


def products_by_numpy(workload: Workload) -> Call:
    triples = list(operands(workload))

    def run():
        for a, b, c in triples:
            np.matmul(a, b, out=c)

    return Call(run, ())


def products_by_blas(workload: Workload) -> Call:
    """Time the BLAS that chainrule calls, without Python in between."""
    from chainrule.native.matmul import blas
    from chainrule.native.runtime import engine

    kind = "float" if workload.dtype == np.float32 else "double"
    arrays = list(operands(workload))
    lines = [blas.definitions([("gemm", kind), ("gemv", kind)])]
    lines.append("define void @products(ptr %at) {")
    for k, size in enumerate(workload.products):
        for name, index in zip("abc", range(3 * k, 3 * k + 3), strict=True):
            lines.append(f"  %{name}{k}.at = getelementptr ptr, ptr %at, i64 {index}")
            lines.append(f"  %{name}{k} = load ptr, ptr %{name}{k}.at")
        lines.append(_call_of_blas(k, size, kind))
    library = engine.link("\n".join([*lines, "  ret void", "}"]), "products")
    pointers = [array.ctypes.data for triple in arrays for array in triple]
    table = (ctypes.c_void_p * len(pointers))(*pointers)
    products = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(library.address("products"))
    address = ctypes.addressof(table)

    def run(_kept=(arrays, table, library)):
        products(address)

    return Call(run, ())


def _call_of_blas(k: int, size: tuple[int, int, int], kind: str) -> str:
    rows, inner, columns = size
    numbers = f"{kind} 1.0, {kind} 0.0"
    if columns == 1 or rows == 1:
        matrix, vector, m, n = (
            ("a", "b", rows, inner) if columns == 1 else ("b", "a", inner, columns)
        )
        return (
            f"  call void @cr.gemv.{kind}(ptr %{matrix}{k}, ptr %{vector}{k}, ptr %c{k}, i64 {m}, "
            f"i64 {n}, i1 {int(columns != 1)}, i64 {n}, i64 1, i64 1, {numbers})"
        )
    return (
        f"  call void @cr.gemm.{kind}(ptr %a{k}, ptr %b{k}, ptr %c{k}, i64 {rows}, i64 {columns}, "
        f"i64 {inner}, i1 0, i1 0, i64 {inner}, i64 {columns}, i64 {columns}, {numbers})"
    )


def _copies(name: str, traffic: int) -> dict[str, Call]:
    """Return ways to read one half of the bytes and write the other."""
    import torch

    source = np.ones(-(-traffic // 8), np.float32)
    target = np.zeros_like(source)
    return {
        f"{name} by NumPy": Call(np.copyto, (target, source)),
        f"{name} by PyTorch": Call(torch.from_numpy(target).copy_, (torch.from_numpy(source),)),
    }


class _Definition(ctypes.Structure):
    """CPython's PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("documentation", ctypes.c_char_p),
    )


_FASTCALL = 0x0080
_EMPTY = """\
declare void @Py_IncRef(ptr)
define ptr @empty(ptr %self, ptr %arguments, i64 %count) {
  call void @Py_IncRef(ptr %self)
  ret ptr %self
}
"""


def empty_call() -> Call:
    """Return a built-in function of two floats that does nothing."""
    from chainrule.native.runtime import engine

    library = engine.link(_EMPTY, "empty", optimise=False)
    definition = _Definition(b"empty", library.address("empty"), _FASTCALL, None)
    new = ctypes.PYFUNCTYPE(
        ctypes.py_object, ctypes.POINTER(_Definition), ctypes.py_object, ctypes.c_void_p
    )(("PyCFunction_NewEx", ctypes.pythonapi))
    function = new(ctypes.byref(definition), (definition, library), None)
    return Call(function, (3.0, -4.0))
