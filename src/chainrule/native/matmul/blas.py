"""Matrix products: SciPy's BLAS as functions that LLVM IR can call.

SciPy exports the pointers of the BLAS it was built with (``scipy.linalg.cython_blas``), so that
products here run as fast as NumPy's. BLAS is Fortran: matrices by columns, every argument by
address, and 32-bit sizes. `definitions` gives functions in IR for matrices by rows and values:

    @cr.gemm.T(ptr a, ptr b, ptr c, i64 m, i64 n, i64 k, i1 transa, i1 transb,
               i64 lda, i64 ldb, i64 ldc, T alpha, T beta)      c = alpha op(a) op(b) + beta c
    @cr.gemv.T(ptr a, ptr x, ptr y, i64 m, i64 n, i1 trans,
               i64 lda, i64 incx, i64 incy, T alpha, T beta)    y = alpha op(a) x + beta y
    @cr.ger.T(ptr x, ptr y, ptr a, i64 m, i64 n, i64 incx, i64 incy, i64 lda, T alpha)
                                                                a = alpha x y^T + a
    @cr.syrk.T(ptr a, ptr c, i64 n, i64 k, i1 trans, i64 lda, i64 ldc, T alpha, T beta)
                                                                c = alpha op(a) op(a)^T + beta c
    T @cr.dot.T(ptr x, ptr y, i64 n, i64 incx, i64 incy)

where T is float or double; op(a) is m x k, op(b) is k x n (for gemv, a itself is m x n; for syrk,
op(a) is n x k, c must be symmetric, and all of it is written). A matrix by rows is the transpose of
the same memory by columns, which is why operands change places below. With beta = 0 the result may
hold anything before. Sizes of nothing are allowed; every size must pass `fits`.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterable
from types import ModuleType

from chainrule.native.runtime import engine

__all__ = ["NAMES", "definitions", "fits"]

_LETTERS = {"float": "s", "double": "d"}
_LARGEST = 2**31 - 1


def fits(*sizes: int) -> bool:
    """Tell whether BLAS, whose integers have 32 bits, can take these sizes and distances."""
    return all(size <= _LARGEST for size in sizes)


def definitions(names: Iterable[tuple[str, str]]) -> str:
    """Return the IR of functions, for example of ``("gemm", "float")``, with their declarations."""
    wanted = sorted(set(names))
    return "\n".join(NAMES[name](kind, f"@cr_{_LETTERS[kind]}{name}") for name, kind in wanted)


def _gemm(kind: str, blas: str) -> str:
    return f"""\
declare void {blas}(ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr) nounwind
define internal void @cr.gemm.{kind}(ptr %a, ptr %b, ptr %c, i64 %m, i64 %n, i64 %k,
    i1 %transa, i1 %transb, i64 %lda, i64 %ldb, i64 %ldc, {kind} %alpha, {kind} %beta)
    nounwind noinline {{
  {_letter("ta", "%transa", "T", "N")}
  {_letter("tb", "%transb", "T", "N")}
  {_size("m")}
  {_size("n")}
  {_size("k")}
  {_distance("lda")}
  {_distance("ldb")}
  {_distance("ldc")}
  {_number("alpha", kind)}
  {_number("beta", kind)}
  call void {blas}(ptr %tb.at, ptr %ta.at, ptr %n.at, ptr %m.at, ptr %k.at, ptr %alpha.at,
      ptr %b, ptr %ldb.at, ptr %a, ptr %lda.at, ptr %beta.at, ptr %c, ptr %ldc.at)
  ret void
}}
"""


def _gemv(kind: str, blas: str) -> str:
    # BLAS leaves y as it is where there is nothing to sum, even with beta = 0.
    return f"""\
declare void {blas}(ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr) nounwind
define internal void @cr.gemv.{kind}(ptr %a, ptr %x, ptr %y, i64 %m, i64 %n, i1 %trans,
    i64 %lda, i64 %incx, i64 %incy, {kind} %alpha, {kind} %beta) nounwind noinline {{
entry:
  {_letter("t", "%trans", "N", "T")}
  {_size("m")}
  {_size("n")}
  {_distance("lda")}
  {_size("incx")}
  {_size("incy")}
  {_number("alpha", kind)}
  {_number("beta", kind)}
  %summed = select i1 %trans, i64 %m, i64 %n
  %length = select i1 %trans, i64 %n, i64 %m
  %nothing = icmp eq i64 %summed, 0
  br i1 %nothing, label %scale, label %multiply
multiply:
  call void {blas}(ptr %t.at, ptr %n.at, ptr %m.at, ptr %alpha.at, ptr %a, ptr %lda.at,
      ptr %x, ptr %incx.at, ptr %beta.at, ptr %y, ptr %incy.at)
  ret void
scale:
  %i = phi i64 [ 0, %entry ], [ %next, %element ]
  %more = icmp slt i64 %i, %length
  br i1 %more, label %element, label %done
element:
  %offset = mul i64 %i, %incy
  %at = getelementptr {kind}, ptr %y, i64 %offset
  %old = load {kind}, ptr %at
  %product = fmul {kind} %old, %beta
  %forget = fcmp oeq {kind} %beta, 0.0
  %new = select i1 %forget, {kind} 0.0, {kind} %product
  store {kind} %new, ptr %at
  %next = add i64 %i, 1
  br label %scale
done:
  ret void
}}
"""


def _ger(kind: str, blas: str) -> str:
    return f"""\
declare void {blas}(ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr) nounwind
define internal void @cr.ger.{kind}(ptr %x, ptr %y, ptr %a, i64 %m, i64 %n,
    i64 %incx, i64 %incy, i64 %lda, {kind} %alpha) nounwind {{
  {_size("m")}
  {_size("n")}
  {_size("incx")}
  {_size("incy")}
  {_distance("lda")}
  {_number("alpha", kind)}
  call void {blas}(ptr %n.at, ptr %m.at, ptr %alpha.at, ptr %y, ptr %incy.at,
      ptr %x, ptr %incx.at, ptr %a, ptr %lda.at)
  ret void
}}
"""


def _syrk(kind: str, blas: str) -> str:
    # BLAS writes one triangle (the lower by rows is the upper by columns), the loop the other.
    return f"""\
declare void {blas}(ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr, ptr) nounwind
define internal void @cr.syrk.{kind}(ptr %a, ptr %c, i64 %n, i64 %k, i1 %trans,
    i64 %lda, i64 %ldc, {kind} %alpha, {kind} %beta) nounwind {{
entry:
  {_letter("u", "true", "U", "U")}
  {_letter("t", "%trans", "N", "T")}
  {_size("n")}
  {_size("k")}
  {_distance("lda")}
  {_distance("ldc")}
  {_number("alpha", kind)}
  {_number("beta", kind)}
  call void {blas}(ptr %u.at, ptr %t.at, ptr %n.at, ptr %k.at, ptr %alpha.at, ptr %a, ptr %lda.at,
      ptr %beta.at, ptr %c, ptr %ldc.at)
  br label %rows
rows:
  %i = phi i64 [ 0, %entry ], [ %i.next, %row.end ]
  %more = icmp slt i64 %i, %n
  br i1 %more, label %row, label %done
row:
  %begin = mul i64 %i, %ldc
  %below = getelementptr {kind}, ptr %c, i64 %begin
  %above = getelementptr {kind}, ptr %c, i64 %i
  br label %columns
columns:
  %j = phi i64 [ 0, %row ], [ %j.next, %copy ]
  %left = icmp slt i64 %j, %i
  br i1 %left, label %copy, label %row.end
copy:
  %from = getelementptr {kind}, ptr %below, i64 %j
  %value = load {kind}, ptr %from
  %offset = mul i64 %j, %ldc
  %to = getelementptr {kind}, ptr %above, i64 %offset
  store {kind} %value, ptr %to
  %j.next = add i64 %j, 1
  br label %columns
row.end:
  %i.next = add i64 %i, 1
  br label %rows
done:
  ret void
}}
"""


def _dot(kind: str, blas: str) -> str:
    return f"""\
declare {kind} {blas}(ptr, ptr, ptr, ptr, ptr) nounwind
define internal {kind} @cr.dot.{kind}(ptr %x, ptr %y, i64 %n, i64 %incx, i64 %incy) nounwind {{
  {_size("n")}
  {_size("incx")}
  {_size("incy")}
  %sum = call {kind} {blas}(ptr %n.at, ptr %x, ptr %incx.at, ptr %y, ptr %incy.at)
  ret {kind} %sum
}}
"""


#: What `definitions` knows.
NAMES = {"dot": _dot, "gemm": _gemm, "gemv": _gemv, "ger": _ger, "syrk": _syrk}


def _letter(name: str, condition: str, true: str, false: str) -> str:
    return f"""\
%{name} = select i1 {condition}, i8 {ord(true)}, i8 {ord(false)}
  %{name}.at = alloca i8
  store i8 %{name}, ptr %{name}.at"""


def _size(name: str) -> str:
    return f"""\
%{name}.short = trunc i64 %{name} to i32
  %{name}.at = alloca i32
  store i32 %{name}.short, ptr %{name}.at"""


def _distance(name: str) -> str:
    """Of rows: BLAS refuses 0, even between rows without elements."""
    return f"""\
%{name}.long = call i64 @llvm.smax.i64(i64 %{name}, i64 1)
  %{name}.short = trunc i64 %{name}.long to i32
  %{name}.at = alloca i32
  store i32 %{name}.short, ptr %{name}.at"""


def _number(name: str, kind: str) -> str:
    return f"""\
%{name}.at = alloca {kind}
  store {kind} %{name}, ptr %{name}.at"""


# --- SciPy's pointers --------------------------------------------------------------------------


@engine.provide
def _address(symbol: str) -> int | None:
    name = symbol.removeprefix("cr_")
    if name == symbol or name[:1] not in "sd" or name[1:] not in NAMES:
        return None
    capsule = _cython_blas().__pyx_capi__[name]
    signature = _capsule_name(capsule)
    if b"int *" not in signature:
        raise engine.LinkError(
            f"this SciPy's {name} is {signature.decode()}: its integers are not C's int"
        )
    return int(_capsule_pointer(capsule, signature))


_capsule_name = ctypes.pythonapi.PyCapsule_GetName
_capsule_name.argtypes, _capsule_name.restype = [ctypes.py_object], ctypes.c_char_p
_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_capsule_pointer.restype = ctypes.c_void_p


@functools.cache
def _cython_blas() -> ModuleType:
    """SciPy's extension module alone: all of ``scipy.linalg`` takes a quarter of a second."""
    name = "scipy.linalg.cython_blas"
    if name not in sys.modules:
        package = importlib.util.find_spec("scipy.linalg")
        spec = package and importlib.machinery.PathFinder.find_spec(
            name, package.submodule_search_locations
        )
        if spec and spec.loader:
            try:
                module = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(module)
            except ImportError:
                pass  # it may need its package after all
            else:
                return module
            finally:
                # Whoever imports it in the ordinary way gets it with its package, as is expected.
                sys.modules.pop(name, None)
    return importlib.import_module(name)
