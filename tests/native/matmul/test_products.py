"""Products of matrices in compiled code: small ones in tiles, others by BLAS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.native.executable import native
from chainrule.native.runtime import engine, threads

from ..conftest import same

#: Around the edges of tiles (of 2 to 16 numbers in a vector), and of what is computed in tiles.
SIZES = [
    (1, 1, 1),
    (1, 70, 1),
    (1, 9, 33),
    (33, 9, 1),
    (2, 3, 2),
    (3, 5, 7),
    (4, 4, 4),
    (5, 600, 15),
    (8, 2, 8),
    (9, 1, 17),
    (300, 10, 10),
    (10, 300, 11),
    (10, 6, 300),
    (17, 100, 160),
    (70, 64, 60),
    (120, 100, 90),
    (50, 1003, 96),
    (17, 201, 307),
]


def matrices(
    m: int, k: int, n: int, dtype: str, batch: tuple[int, ...] = ()
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return two operands whose product has entries of about 1."""
    random = np.random.default_rng(5)
    a, b = random.normal(size=(*batch, m, k)) / k**0.5, random.normal(size=(*batch, k, n))
    return a.astype(dtype), b.astype(dtype)


def check(f: Callable[..., Any], *args: Any) -> Any:
    """Compare values and gradients with those of the function as it is; return the lowered one."""
    size = max(max(x.shape) for x in args) ** 0.5  # of what may have cancelled
    function = cr.value_and_grad(lambda *args: np.sum(np.sin(f(*args))), tuple(range(len(args))))
    for g in (f, function):
        fast = cr.compile(g, builder=native)
        for factor in (1.0, -0.7, 0.9, 0.2, -0.4):
            given = [x * x.dtype.type(factor) for x in args]
            same(fast(*given), g(*given), 1e-13, size)
    return fast.lower(*args)


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_values_and_gradients(size: tuple[int, int, int], dtype: str) -> None:
    a, b = matrices(*size, dtype)
    check(lambda a, b: (a @ b) + (b.T @ a.T).T, a, b)


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize(
    "f",
    [
        lambda a, b: a @ b,
        lambda a, b: a[:, :1] @ b,
        lambda a, b: a @ b[:1, :1],
        lambda a, b: a[1, 2] @ b,
        lambda a, b: a @ np.swapaxes(a, -1, -2) @ a,
        lambda a, b: np.swapaxes(b, -1, -2)[:, ::-1] @ np.swapaxes(a, -1, -2),
        lambda a, b: a[..., ::2] @ b[..., 1::2, :],
        lambda a, b: a[..., ::-1, ::-2] @ b[::-1, :, ::2, ::-1],
        lambda a, b: np.broadcast_to(a[..., :1], a.shape) @ b,
        lambda a, b: a @ np.broadcast_to(b[..., :1, :], b.shape),
        lambda a, b: a @ np.broadcast_to(b[..., :1], b.shape),
    ],
)
def test_batches_in_any_layout(f: Callable[..., Any], dtype: str) -> None:
    lowered = check(f, *matrices(9, 6, 7, dtype, (2, 3)))
    assert "cr.gemm" not in lowered.ir
    assert "numpy " not in lowered.schedule


def test_nothing_to_multiply() -> None:
    a, b = matrices(4, 3, 5, "f8", (2,))
    check(lambda a, b: np.concatenate([a[:, :0] @ b, a[:, :, :0] @ b[:, :0], a @ b], axis=1), a, b)


@pytest.mark.parametrize("size", [(3, 5, 7), (10, 40, 10), (120, 100, 90)])
def test_what_is_not_finite(size: tuple[int, int, int]) -> None:
    a, b = matrices(*size, "f8")
    a[0, 1], a[1, 0], a[2, 2] = np.nan, np.inf, -0.0
    b[0, 0], b[1, 2] = 0.0, -np.inf
    with np.errstate(invalid="ignore"):
        expected = a @ b
        found = cr.compile(lambda a, b: a @ b, builder=native)(a, b)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_array_equal(np.isinf(found), np.isinf(expected))
    same(found[3:], expected[3:], 1e-11)


@pytest.mark.parametrize("size", [(7, 20, 9), (40, 30, 50)])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_a_plain_processor(
    size: tuple[int, int, int], dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine.host().cpu == "generic":
        pytest.skip("another kind of processor")
    monkeypatch.setattr(engine, "host", lambda: engine.Target("x86-64"))
    lowered = check(lambda a, b: a @ b, *matrices(*size, dtype, (2,)))
    assert f"<{16 // np.dtype(dtype).itemsize} x " in lowered.ir


@pytest.mark.parametrize("batch", [(), (1,), (3,), (7, 5)])
@pytest.mark.parametrize("size", [(2000, 30, 16), (10, 20_000, 12), (90, 50, 120)])
def test_threads_share_a_batch_or_the_rows(
    batch: tuple[int, ...], size: tuple[int, int, int]
) -> None:
    a, b = matrices(*size, "f8", batch)
    before = threads.count()
    results = []
    try:
        for number in (1, 3):
            threads.set_count(number)
            product = cr.compile(lambda a, b: a @ b, builder=native)
            results.append(product(a, b))
    finally:
        threads.set_count(before)
    same(results[0], a @ b, 1e-11)
    np.testing.assert_array_equal(*results)


def test_targets_tell_their_vectors() -> None:
    wide = engine.Target("skylake-avx512", "+sse2,+avx,+avx2,+avx512f")
    middle = engine.Target("haswell", "+avx,+avx2,-avx512f")
    assert [t.vector_bytes for t in (wide, middle, engine.Target("x86-64"))] == [64, 32, 16]
    assert wide.vector_registers == 32
    assert middle.vector_registers in (16, 32)


# Sums of products.


@pytest.mark.parametrize("size", [(6,), (1, 6), (2, 1, 6), (9, 1), (2, 9, 1), (1, 1)], ids=str)
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_gradients_that_are_sums_of_products(dtype: str, size: tuple[int, ...]) -> None:
    a, b = matrices(9, 6, 7, dtype, (2,))
    center = np.full(size, 0.25, dtype)
    f = cr.grad(lambda c, a, b: np.sum(((a - c) @ b / 9) ** 2))
    check(f, center, a, b)
    lines = cr.compile(f, builder=native).lower(center, a, b).rewritten.splitlines()
    assert not any("matmul" in line and line.endswith("(2, 9, 6)") for line in lines)


def test_a_sum_of_products_does_not_overflow_before_them() -> None:
    a, b = np.full((3000, 4), 2e35, np.float32), np.full((4, 2), 1e-30, np.float32)
    fast = cr.compile(lambda a, b: np.mean(a @ b, axis=0), builder=native)
    for _ in range(2):
        np.testing.assert_allclose(fast(a, b), np.mean(a @ b, axis=0), rtol=1e-5)


def test_sums_of_products_that_are_needed_themselves() -> None:
    a, b = matrices(9, 6, 7, "f8")

    def f(a: Any, b: Any) -> Any:
        product = a @ b
        return np.sum(product, axis=0) * product

    check(f, a, b)
    assert "(9, 7)" in cr.compile(f, builder=native).lower(a, b).rewritten
