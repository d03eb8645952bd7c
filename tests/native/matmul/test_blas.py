"""Matrix products by rows, through SciPy's BLAS."""

from __future__ import annotations

import ctypes
import functools
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule.native.matmul import blas
from chainrule.native.runtime import engine

POINTER, SIZE, TRUTH = ctypes.c_void_p, ctypes.c_int64, ctypes.c_bool
NUMBERS = {"float": ctypes.c_float, "double": ctypes.c_double}
DTYPES = {"float": np.dtype("f4"), "double": np.dtype("f8")}
SIGNATURES = {
    "gemm": [POINTER] * 3 + [SIZE] * 3 + [TRUTH] * 2 + [SIZE] * 3 + ["number"] * 2,
    "gemv": [POINTER] * 3 + [SIZE] * 2 + [TRUTH] + [SIZE] * 3 + ["number"] * 2,
    "ger": [POINTER] * 3 + [SIZE] * 5 + ["number"],
    "syrk": [POINTER] * 2 + [SIZE] * 2 + [TRUTH] + [SIZE] * 2 + ["number"] * 2,
    "dot": [POINTER] * 2 + [SIZE] * 3,
}
TYPES = {POINTER: "ptr", SIZE: "i64", TRUTH: "i1"}


@functools.cache
def function(name: str, kind: str) -> Callable[..., Any]:
    """One of the functions, made callable; arrays may stand for their pointers."""
    result = kind if name == "dot" else "void"
    types = [TYPES.get(x, kind) for x in SIGNATURES[name]]
    parameters = ", ".join(f"{x} %a{k}" for k, x in enumerate(types))
    call = f"call {result} @cr.{name}.{kind}({parameters})"
    body = f"%r = {call}\n  ret {kind} %r" if name == "dot" else f"{call}\n  ret void"
    ir = f"{blas.definitions([(name, kind)])}\ndefine {result} @f({parameters}) {{\n  {body}\n}}\n"
    library = engine.link(ir, f"{name}.{kind}")
    number = NUMBERS[kind]
    prototype = ctypes.CFUNCTYPE(
        number if name == "dot" else None,
        *(number if x == "number" else x for x in SIGNATURES[name]),
    )
    compiled = prototype(library.address("f"))

    def run(*arguments: Any) -> Any:
        assert library
        given = [x.ctypes.data if isinstance(x, np.ndarray) else x for x in arguments]
        return compiled(*given)

    return run


def normal(shape: tuple[int, ...], kind: str) -> np.ndarray[Any, Any]:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(DTYPES[kind])


def assert_close(found: Any, expected: Any, kind: str) -> None:
    tolerance = 1e-12 if kind == "double" else 1e-4
    np.testing.assert_allclose(found, expected, tolerance, tolerance)


both = pytest.mark.parametrize("kind", ["float", "double"])


@both
@pytest.mark.parametrize("transa", [False, True])
@pytest.mark.parametrize("transb", [False, True])
@pytest.mark.parametrize(
    ("m", "n", "k"),
    [(3, 4, 5), (1, 1, 1), (1, 7, 1), (0, 4, 5), (3, 0, 5), (3, 4, 0), (0, 0, 0), (70, 30, 90)],
)
def test_gemm(kind: str, m: int, n: int, k: int, transa: bool, transb: bool) -> None:
    a = normal((k, m) if transa else (m, k), kind)
    b = normal((n, k) if transb else (k, n), kind)
    c = np.full((m, n), np.nan, DTYPES[kind])  # with beta = 0 it does not matter what was there
    product = (a.T if transa else a) @ (b.T if transb else b)
    rows = a.shape[1], b.shape[1], n
    gemm = function("gemm", kind)
    gemm(a, b, c, m, n, k, transa, transb, *rows, 1, 0)
    assert_close(c, product, kind)
    gemm(a, b, c, m, n, k, transa, transb, *rows, 0.5, 2)
    assert_close(c, 2.5 * product, kind)


@both
def test_gemm_takes_parts_of_matrices(kind: str) -> None:
    a, b, c = normal((9, 8), kind), normal((7, 6), kind), np.zeros((9, 9), DTYPES[kind])
    function("gemm", kind)(a[1:], b[2:], c[3:], 4, 3, 5, False, False, 8, 6, 9, 1, 0)
    expected = np.zeros_like(c)
    expected[3:7, :3] = a[1:5, :5] @ b[2:7, :3]
    assert_close(c, expected, kind)


@both
@pytest.mark.parametrize("trans", [False, True])
@pytest.mark.parametrize(("m", "n"), [(3, 4), (1, 1), (0, 3), (3, 0), (0, 0), (50, 20)])
def test_gemv(kind: str, m: int, n: int, trans: bool) -> None:
    a = normal((m, n), kind)
    x = normal((2 * (m if trans else n),), kind)
    y = np.full(3 * (n if trans else m), np.nan, DTYPES[kind])
    product = (a.T if trans else a) @ x[::2]
    gemv = function("gemv", kind)
    gemv(a, x, y, m, n, trans, n, 2, 3, 1, 0)
    assert_close(y[::3], product, kind)
    gemv(a, x, y, m, n, trans, n, 2, 3, 0.5, 2)
    assert_close(y[::3], 2.5 * product, kind)
    assert np.isnan(y[1::3]).all()


@both
@pytest.mark.parametrize(("m", "n"), [(3, 4), (1, 1), (0, 3), (3, 0), (20, 30)])
def test_ger(kind: str, m: int, n: int) -> None:
    x, y, a = normal((m,), kind), normal((2 * n,), kind), normal((m, n), kind)
    expected = a + 0.5 * np.outer(x, y[::2])
    function("ger", kind)(x, y, a, m, n, 1, 2, n, 0.5)
    assert_close(a, expected, kind)


@both
@pytest.mark.parametrize("trans", [False, True])
@pytest.mark.parametrize(("n", "k"), [(4, 3), (1, 1), (0, 3), (3, 0), (30, 20)])
def test_syrk(kind: str, n: int, k: int, trans: bool) -> None:
    a = normal((k, n) if trans else (n, k), kind)
    c = np.full((n, n), np.nan, DTYPES[kind])
    product = a.T @ a if trans else a @ a.T
    syrk = function("syrk", kind)
    syrk(a, c, n, k, trans, a.shape[1], n, 1, 0)
    assert_close(c, product, kind)
    syrk(a, c, n, k, trans, a.shape[1], n, 0.5, 2)
    assert_close(c, 2.5 * product, kind)


@both
@pytest.mark.parametrize("n", [0, 1, 5, 1000])
def test_dot(kind: str, n: int) -> None:
    x, y = normal((n,), kind), normal((3 * n,), kind)
    assert_close(function("dot", kind)(x, y, n, 1, 3), x @ y[::3], kind)


def test_all_of_them_in_one_module() -> None:
    names = [(name, kind) for name in blas.NAMES for kind in ("float", "double")]
    assert blas.definitions(names) == blas.definitions(reversed(names + names))
    engine.link(blas.definitions(names), "all")


def test_sizes_beyond_32_bits_are_told() -> None:
    assert blas.fits(1, 2**31 - 1)
    assert not blas.fits(1, 2**31)


def test_scipy_is_loaded_in_part_and_later_whole() -> None:
    program = """
import sys
from chainrule.native.matmul import blas
from chainrule.native.runtime import engine
ir = blas.definitions([("dot", "double")])
library = engine.link(ir + "define double @f(ptr %x) {\\n"
    "  %r = call double @cr.dot.double(ptr %x, ptr %x, i64 0, i64 1, i64 1)\\n"
    "  ret double %r\\n}\\n", "dot")
assert "scipy.linalg" not in sys.modules
import scipy.linalg
import scipy.linalg.cython_blas
assert scipy.linalg.cython_blas is blas._cython_blas()
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=60)
