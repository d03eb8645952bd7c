"""What native code computes itself: every case equals eager, and NumPy is not called for it.

Each function is compiled by itself and as the gradient of a weighted sum, and called with other
numbers than those that it was recorded with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special

import chainrule as cr
from chainrule.native.executable import native

from ..conftest import calls_of, same

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
random = np.random.default_rng(7)
X, M, V = (random.normal(size=size) for size in ((5, 6), (5, 5), (6,)))
T, U = random.normal(size=(3, 4, 5)), random.normal(size=(3, 5, 2))
I, J = np.array([0, 2, -1]), np.array([1, 1, 4])


def written(x: Any, place: Any, value: Any) -> Any:
    x = x * 1
    x[place] = value
    return x


def masked(x: Any) -> Any:
    return written(x, x > 0, 0.5)


#: Name -> function and arguments.
FUNCTIONS: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...]]] = {
    # Elementary functions.
    "logaddexp": (np.logaddexp, (X, V)),
    "logaddexp2": (np.logaddexp2, (X, V)),
    "hypot": (np.hypot, (X, V)),
    "sinc": (np.sinc, (X,)),
    "nan_to_num": (np.nan_to_num, (X,)),
    "heaviside": (np.heaviside, (X, V)),
    "remainder": (np.remainder, (X, V)),
    "floor_divide": (np.floor_divide, (X, V)),
    "fmod": (np.fmod, (X, V)),
    "round": (lambda x: np.round(x, 2), (X,)),
    "float_power": (lambda x: np.float_power(np.abs(x), 1.5), (X,)),
    "rad2deg": (np.rad2deg, (X,)),
    "xlogy": (lambda x, y: scipy.special.xlogy(x, y * y), (X, V)),
    "xlog1py": (lambda x, y: scipy.special.xlog1py(x, y * y), (X, V)),
    "entr": (lambda x: scipy.special.entr(x * x), (X,)),
    "logit": (lambda x: scipy.special.logit(0.5 + 0.1 * np.tanh(x)), (X,)),
    "log_expit": (scipy.special.log_expit, (X,)),
    "ndtr": (scipy.special.ndtr, (X,)),
    "log_ndtr": (scipy.special.log_ndtr, (X,)),
    "norm": (lambda x: np.linalg.norm(x, axis=1), (X,)),
    "norm of order 3": (lambda x: np.linalg.norm(x, 3, axis=0), (X,)),
    "norm inf": (lambda x: np.linalg.norm(x, np.inf), (X,)),
    # Products.
    "matmul of batches": (np.matmul, (T, U)),
    "matmul, one matrix right": (lambda a, b: a @ b[0], (T, U)),
    "matmul, one matrix left": (lambda a, b: a[0] @ b, (T, U)),
    "matmul, vector left": (lambda a, b: a[0, 0] @ b, (T, U)),
    "matmul, vector right": (lambda a: a @ a[0, 0], (T,)),
    "matmul of views": (lambda a, b: a.transpose(0, 2, 1)[:, None] @ a @ b, (T, U)),
    "matmul of flipped": (lambda x: np.flip(x, 0) @ x[:, ::-1].T, (X,)),
    "matmul of nothing": (lambda a: (a[:, :0] @ a[:0]) + a, (M,)),
    "einsum batches": (lambda a, b: np.einsum("bij,bjk->kib", a, b), (T, U)),
    "einsum to a number": (lambda a, b: np.einsum("bij,bjk->", a, b), (T, U)),
    "einsum diagonal": (lambda a: np.einsum("ii->i", a), (M,)),
    "einsum trace": (lambda a: np.einsum("ii", a), (M,)),
    "einsum ellipsis": (lambda a: np.einsum("...i,...i", a, a), (T,)),
    "einsum three": (lambda a, b: np.einsum("ij,jk,kl->il", a, b, a), (M, M + 1)),
    "einsum outer": (lambda a, b: np.einsum("i,j->ij", a, b), (V, V + 1)),
    "einsum rows": (lambda a: np.einsum("ij,ij->i", a, a * 2), (X,)),
    "tensordot": (lambda a, b: np.tensordot(a, b, axes=([0, 2], [0, 1])), (T, U)),
    "tensordot 0": (lambda a: np.tensordot(a, a, axes=0), (V,)),
    "dot": (np.dot, (T, U)),
    "inner": (lambda a: np.inner(a, a * 2), (T,)),
    "vdot": (lambda a: np.vdot(a, a), (X,)),
    "kron": (np.kron, (X, M)),
    "outer": (lambda a: np.outer(a, a), (X,)),
    # Views.
    "flip": (lambda x: np.flip(x, 1) * V, (X,)),
    "steps back": (lambda x: x[::-1, 4:0:-2] * 2, (X,)),
    "rot90": (lambda x: np.rot90(x) * 2, (X,)),
    "diagonal": (lambda x: np.diagonal(x, 0, 2, 1) * 2, (T,)),
    "moveaxis": (lambda x: np.moveaxis(x, 0, -1) + 0, (T,)),
    "swapaxes": (lambda x: np.swapaxes(x, 0, 2).reshape(-1), (T,)),
    # Parts.
    "concatenate": (lambda x, y: np.concatenate([x, np.exp(x), y[None]]), (X, V)),
    "concatenate twice the same": (lambda x: np.concatenate([x, x], axis=1), (X,)),
    "concatenate nothing": (lambda x: np.concatenate([x, x[:0]]), (X,)),
    "stack": (lambda x: np.stack([x, x.T], axis=-1), (M,)),
    "pad": (lambda x: np.pad(x, ((0, 2), (3, 0)), constant_values=2.5), (X,)),
    "pad edge": (lambda x: np.pad(x, ((0, 2), (3, 0)), mode="edge"), (X,)),
    "pad reflect": (lambda x: np.pad(x, 2, mode="reflect"), (T,)),
    "tile": (lambda x: np.tile(x, (2, 3)), (X,)),
    "repeat": (lambda x: np.repeat(x, 2, axis=0), (X,)),
    "repeat differently": (lambda x: np.repeat(x, [1, 2, 0, 1, 1], axis=0), (X,)),
    "roll": (lambda x: np.roll(x, (1, -2), axis=(0, 1)), (X,)),
    "roll flat": (lambda x: np.roll(x, 4), (X,)),
    "tril": (lambda x: np.tril(x, 1), (X,)),
    "triu": (np.triu, (T,)),
    "trace": (lambda x: np.trace(x, 1, 1, 2), (T,)),
    "diag of a vector": (lambda x: np.diag(x, -2), (V,)),
    "diag of a matrix": (np.diag, (M,)),
    "write a slice": (lambda x, v: written(x, slice(1, 3), v), (X, V)),
    "write with steps": (lambda x: written(x, (slice(None), slice(None, None, 2)), 7.0), (X,)),
    "write where true": (masked, (X,)),
    "write by index": (lambda x, v: written(x, (I, J), v[:3]), (X, V)),
    "difference": (lambda x: x[1:] - x[:-1], (V,)),
    # Indices.
    "rows": (lambda x: x[I], (X,)),
    "columns": (lambda x: x[:, I], (X,)),
    "entries": (lambda x: x[I, J], (X,)),
    "entries of what is computed": (lambda x: (np.exp(x) - np.sum(x, axis=1)[:, None])[I, J], (X,)),
    "of a slice": (lambda x: x[1:][I], (X,)),
    "with new axes": (lambda x: x[None, I, 1:3], (X,)),
    "indices apart": (lambda x: x[I, ..., J % 3], (T,)),
    "index and number": (lambda x: x[0, :, J % 3], (T,)),
    "indices that broadcast": (lambda x: x[I[:, None] % 3, J % 4], (T,)),
    "take flat": (lambda x: np.take(x, I), (X,)),
    "take wrapped": (lambda x: np.take(x, I + 7, axis=1, mode="wrap"), (X,)),
    "take clipped": (lambda x: np.take(x, I + 3, axis=0, mode="clip"), (X,)),
    "take_along_axis": (lambda x: np.take_along_axis(x, J[None] * np.ones((5, 1), int), 1), (X,)),
}


def weighted(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a number that every entry of f's result counts in differently."""

    def loss(*args: Any) -> Any:
        y = f(*args)
        return np.sum(np.sin(y) * np.cos(np.arange(np.size(y))).reshape(np.shape(y)))

    return loss


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_equals_eager_without_a_call_of_numpy(name: str, dtype: Any) -> None:
    f, args = FUNCTIONS[name]
    args = tuple(x.astype(dtype) for x in args)
    gradient = cr.value_and_grad(weighted(f), tuple(range(len(args))))
    wanted = [(gradient, 2e-5)] if dtype == np.float32 else [(f, 1e-12), (gradient, 1e-11)]
    for function, tolerance in wanted:
        fast = cr.compile(function, builder=native)
        # Farther away, sines of large single-precision numbers tell nothing.
        for given in calls_of(args, 2 if dtype == np.float32 else 5):
            same(fast(*given), function(*given), tolerance)
        assert "numpy " not in fast.lower(*args).schedule


SPECIAL = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -2.5, 3.7, -3.7, 7.0, np.inf, -np.inf, np.nan, 1e30, 1e-30]
)
ELEMENTARY: dict[str, Callable[..., Any]] = {
    "sinc": lambda a, b: np.sinc(a),
    "nan_to_num": lambda a, b: np.nan_to_num(a),
    "nan_to_num of numbers": lambda a, b: np.nan_to_num(a, nan=2.0, posinf=5.0, neginf=-3.0),
    "round": lambda a, b: np.round(a, 1),
    "round tens": lambda a, b: np.round(a, -1),
    "signbit": lambda a, b: np.signbit(a),
    "entr": lambda a, b: scipy.special.entr(a),
    "floor_divide": lambda a, b: a // b,
    "remainder": lambda a, b: a % b,
    "fmod": np.fmod,
    "heaviside": np.heaviside,
    "xlogy": scipy.special.xlogy,
    "xlog1py": scipy.special.xlog1py,
    "float_power": np.float_power,
    "logaddexp": np.logaddexp,
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ELEMENTARY)
def test_special_values(name: str, dtype: Any) -> None:
    f = ELEMENTARY[name]
    a, b = (x.ravel().astype(dtype) for x in np.meshgrid(SPECIAL, SPECIAL))
    fast = cr.compile(lambda a, b: f(a * 1, b), builder=native)
    expected = f(a, b)
    fast(a, b)  # recorded
    found = fast(a, b)
    np.testing.assert_allclose(found, expected, rtol=1e-12 if dtype == np.float64 else 2e-6)
    if expected.dtype.kind == "f":
        number = ~np.isnan(expected)
        assert np.array_equal(np.signbit(found)[number], np.signbit(expected)[number])
    assert "numpy " not in fast.lower(a, b).schedule


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.int8, np.uint8, np.uint64])
@pytest.mark.parametrize("f", [np.floor_divide, np.remainder, np.fmod], ids=lambda f: f.__name__)
def test_whole_numbers_divide_as_in_numpy(f: Any, dtype: Any) -> None:
    info = np.iinfo(dtype)
    numbers = [x for x in (0, 1, 2, 7, -1, -2, -7) if info.min <= x] + [info.min, info.max]
    a, b = (x.ravel().copy() for x in np.meshgrid(*[np.array(numbers, dtype)] * 2))
    fast = cr.compile(lambda a, b: f(a, b), builder=native)
    for _ in range(2):
        found = fast(a, b)
        assert found.dtype == dtype
        assert np.array_equal(found, f(a, b))
    assert "numpy " not in fast.lower(a, b).schedule


# Indices.


@pytest.mark.parametrize(
    "f",
    [
        lambda x, i: np.sum(x[i] ** 2),
        lambda x, i: np.sum(np.exp(x)[i]),
        lambda x, i: np.sum(x[:, i]),
        lambda x, i: np.sum(np.take(x, i, axis=0)),
        lambda x, i: np.sum(written(x, i, 2.0) ** 2),
    ],
    ids=["getitem", "of what is computed", "columns", "take", "write"],
)
@pytest.mark.parametrize("transform", [lambda f: f, cr.value_and_grad], ids=["value", "gradient"])
def test_an_index_out_of_range_raises_as_numpy_does(f: Any, transform: Any) -> None:
    function = transform(f)
    fast = cr.compile(function, builder=native)
    for right in ([0, 2, 4], [-1, -5, 1], [3, 3, 3]):
        same(fast(M, np.array(right)), function(M, np.array(right)), 1e-12)
    for wrong in ([0, 1, 5], [0, 1, -6]):
        for _ in range(2):
            with pytest.raises(IndexError, match="out of bounds"):
                fast(M, np.array(wrong))
    same(fast(M, np.array([1, 1, 2])), function(M, np.array([1, 1, 2])), 1e-12)


def test_captured_indices_are_checked_at_each_call() -> None:
    labels = np.array([0, 1, 2])
    fast = cr.compile(lambda x: np.sum(x[labels]), builder=native)
    assert fast(V) == pytest.approx(np.sum(V[:3]))
    labels[:] = [3, 4, 5]
    assert fast(V) == pytest.approx(np.sum(V[3:]))
    labels[0] = 6
    with pytest.raises(IndexError, match="out of bounds"):
        fast(V)


def test_cross_entropy_keeps_no_array_for_the_labels() -> None:
    def loss(logits: Any, rows: Any, labels: Any) -> Any:
        log_sum = scipy.special.logsumexp(logits, axis=1, keepdims=True)
        return -np.mean((logits - log_sum)[rows, labels])

    logits, rows, labels = random.normal(size=(40, 7)), np.arange(40), random.integers(7, size=40)
    function = cr.value_and_grad(loss)
    fast = cr.compile(function, builder=native)
    for _ in range(2):
        same(fast(logits, rows, labels), function(logits, rows, labels), 1e-12)
        labels = labels[::-1].copy()
    assert "numpy " not in fast.lower(logits, rows, labels).schedule
    alone = cr.compile(loss, builder=native)
    alone(logits, rows, labels)
    assert "(40, 7)" not in alone.lower(logits, rows, labels).schedule


@pytest.mark.parametrize("dtype", [float, int])
def test_a_large_identity_matrix_is_not_read(dtype: Any) -> None:
    def f(x: Any, s: Any) -> Any:
        return np.sum((np.exp(x) + s * np.eye(200, dtype=dtype)) ** 2 / (2 + np.eye(200)))

    derivative = cr.value_and_grad(f, (0, 1))
    compiled = cr.compile(derivative)
    x = random.normal(size=(200, 200))
    assert "constant_0[i, j]" not in compiled.lower(x, 2.0).loops
    for s in (2.0, -3.0, np.inf):
        same(compiled(x, s), derivative(x, s), 1e-12)


def test_large_products_and_gathers_by_several_threads() -> None:
    x, i = random.normal(size=(300, 200)), random.integers(-300, 300, size=5000)

    def f(x: Any, i: Any) -> Any:
        return np.sum(np.tanh(x[i]) * x[0])

    function = cr.value_and_grad(f)
    fast = cr.compile(function, builder=native)
    for _ in range(2):
        same(fast(x, i), function(x, i), 1e-11)
