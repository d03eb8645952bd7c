"""Complex numbers as pairs of real ones: what rows are made of, at ordinary and extreme numbers."""

from __future__ import annotations

import cmath
from typing import Any

import numpy as np
import pytest

import chainrule as cr

from ..conftest import same

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
RANDOM = np.random.default_rng(5)
EXTREMES = [0.0, -0.0, 1.0, -1.0, -2.5, 40.0, -40.0, 1e-300, 1e300, -1e300, np.inf, -np.inf, np.nan]


def numbers(dtype: Any, extreme: bool = False) -> np.ndarray[Any, Any]:
    """Return numbers around the origin, around the unit circle, and far out; or extreme ones."""
    if extreme:
        a, b = (x.ravel() for x in np.meshgrid(EXTREMES, EXTREMES))
    else:
        a, b = RANDOM.normal(size=(2, 200)) * np.repeat([1e-3, 1.0, 20.0, 1.0], 50)
    z = np.empty(a.shape, complex)
    z.real, z.imag = a, b
    return (z if extreme else np.append(z, np.exp(1j * a))).astype(dtype)


def calls(f: Any, *args: Any) -> list[str]:
    """Return the operations that NumPy computes in a compiled function."""
    lines = cr.compile(f).lower(*args).schedule.splitlines()
    return [line.split()[1] for line in lines if line.startswith("numpy")]


def compiled_result(f: Any, *args: Any) -> Any:
    """Return what machine code gives: the first call records."""
    fast = cr.compile(f)
    fast(*args)
    return fast(*args)


INVERSES = {
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "arctan": np.arctan,
    "arcsinh": np.arcsinh,
    "arccosh": np.arccosh,
    "arctanh": np.arctanh,
}
FUNCTIONS = {
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "sqrt": np.sqrt,
    "square": np.square,
    "reciprocal": np.reciprocal,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    **INVERSES,
    "abs": np.abs,
    "angle": np.angle,
    "conj": np.conj,
    "cube": lambda z: z**3,
    "inverse square": lambda z: z**-2,
    "quotient": lambda z: (z + 2) / z[::-1],
    "real over complex": lambda z: 3 / z,
    "of real ones": lambda z: z.real * z + z.imag / z - (2 + 1j),
    "comparisons": lambda z: np.where(z == z[::-1], z, np.isfinite(z) | (z != 0)),
}


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
def test_as_numpy(dtype: Any) -> None:
    z = numbers(dtype)
    z = z[np.abs(z) < 20]

    def all_of(z: Any) -> Any:
        return {name: f(z) for name, f in FUNCTIONS.items()}

    assert not calls(all_of, z)
    found, expected = compiled_result(all_of, z), all_of(z)
    for name in FUNCTIONS:
        x, y = found[name], expected[name]
        assert x.dtype == y.dtype
        np.testing.assert_allclose(x, y, rtol=8 * np.finfo(dtype).eps, err_msg=name)


#: What of the extreme numbers comes out as in NumPy: the rest has a part that is inf or NaN where
#: NumPy's is NaN or inf.
DEFINED = {
    "log": lambda z: z == z,
    "sqrt": lambda z: z == z,
    "reciprocal": lambda z: z == z,
    "abs": lambda z: z == z,
    "angle": lambda z: z == z,
    "conj": lambda z: z == z,
    "exp": lambda z: np.isfinite(z.imag),
    "quotient": lambda z: np.isfinite(z) & np.isfinite(z[::-1]) & (abs(z) < 1e10),
    "tanh": lambda z: np.isfinite(z),
    "sin": lambda z: np.isfinite(z),
    **dict.fromkeys(INVERSES, np.isfinite),
}


def test_at_the_edges() -> None:
    """Branch cuts are told by the signs of zeros, and nothing overflows on the way."""
    z = numbers(complex, extreme=True)

    def all_of(z: Any) -> Any:
        return {name: FUNCTIONS[name](z) for name in DEFINED}

    found, expected = compiled_result(all_of, z), all_of(z)
    for name, inside in DEFINED.items():
        for part in (np.real, np.imag):
            x, y = part(found[name])[inside(z)], part(expected[name])[inside(z)]
            np.testing.assert_allclose(x, y, rtol=1e-13, atol=0, err_msg=name)
            signed = (y == 0) & (x == 0)
            np.testing.assert_array_equal(np.signbit(x[signed]), np.signbit(y[signed]), name)


def test_branch_cuts() -> None:
    below = np.array([complex(-1, -0.0), complex(-1, 0.0)])
    np.testing.assert_array_equal(compiled_result(np.sqrt, below), [-1j, 1j])
    np.testing.assert_allclose(compiled_result(np.log, below), [-1j * np.pi, 1j * np.pi])


Z = RANDOM.normal(size=(4, 5)) + 1j * RANDOM.normal(size=(4, 5))
V = RANDOM.normal(size=5)
PROGRAMS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "broadcasts": (lambda z, v: z * v + z[:, :1] / (v + 3j) - v[:2, None, None], (Z, V)),
    "views": (lambda z: z.T[1:, ::2] + z.reshape(5, 4)[1:, ::-2] * z.real.T[1:, :2], (Z,)),
    "reductions": (lambda z: (np.sum(z), np.mean(z, axis=0), np.cumsum(z, 1), np.trace(z)), (Z,)),
    "products": (lambda z, v: products(z, v), (Z, V)),
    "writes": (lambda z, v: written(z, v), (Z, V)),
    "single": (lambda z, v: np.exp(z * v) * 2j, (Z.astype(np.complex64), V.astype(np.float32))),
    "widened": (lambda z, v: np.exp(z * v) * 2j, (Z.astype(np.complex64), V)),
    "unlike": (lambda z: (np.sort(z[0]), np.prod(z, axis=1), np.linalg.det(z[:, :4])), (Z,)),
    "nothing": (lambda z: (np.sum(z[:0] * 2j), z[:, :0] + 1j), (Z,)),
    "choices": (lambda z, v: np.where(z.real > v, z, v).astype(np.complex64), (Z, V)),
}


def products(z: Any, v: Any) -> Any:
    """Of matrices, vectors and batches, with real ones on either side."""
    batch = np.stack([z, 2j * z])
    return (
        *(z @ v, v @ z.T, z @ (v + 1j), z[:, 0] @ z, np.dot(z[0], z[1]), np.vdot(z, z)),
        *(z.conj() @ z.T, z.real @ z.T, z @ z.imag.T, np.outer(v, z[0])),
        *(batch @ batch.transpose(0, 2, 1), batch @ z.T, batch @ v, np.einsum("ij,kj->ik", z, z)),
    )


def written(z: Any, v: Any) -> Any:
    out = np.zeros((5, 5), complex)
    out[1:] = z
    out[0] += v
    out[:, 0] *= 1j
    out[2, 1:3] = z[0, :2].real
    return out


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str, compiled: Any) -> None:
    f, args = PROGRAMS[name]
    fast = compiled(f)
    for k in range(3):
        given = tuple(x + k * x.dtype.type(0.1) for x in args)
        same(fast(*given), f(*given), 1e-12 if name not in ("single", "choices") else 1e-5)


@pytest.mark.parametrize("name", ["broadcasts", "views", "products", "writes"])
def test_gradients_are_by_the_convention(name: str) -> None:
    """For z = x + iy the gradient is d/dx - i d/dy."""
    f, args = PROGRAMS[name]

    def loss(z: Any) -> Any:
        found = f(z, *args[1:])
        return sum(np.sum(np.abs(y) ** 2) for y in (found if type(found) is tuple else (found,)))

    fast = cr.compile(cr.grad(loss))
    fast(args[0])
    slope = fast(args[0])
    np.testing.assert_allclose(slope, cr.grad(loss)(args[0]), rtol=1e-12)
    direction = RANDOM.normal(size=Z.shape) + 1j * RANDOM.normal(size=Z.shape)
    step = 1e-6 * direction
    change = (loss(args[0] + step) - loss(args[0] - step)) / 2e-6
    assert np.sum(slope * direction).real == pytest.approx(change, rel=1e-7)
    assert not calls(cr.grad(loss), args[0])


# Single numbers, and turns that hand complex numbers on.


@pytest.mark.parametrize("kind", [complex, np.complex128, np.complex64])
def test_numbers(kind: Any, compiled: Any) -> None:
    def f(z: Any, w: float) -> Any:
        return z * w, abs(z), np.exp(z) / (z + 1), z, 1.0 if z == 2j else z.real

    fast = compiled(f)
    for z in (1 + 2j, 2j, 3 - 1j, 0.5 + 0j):
        found, expected = fast(kind(z), 0.5), f(kind(z), 0.5)
        assert [type(x) for x in found] == [type(x) for x in expected]
        same(found, expected, 1e-12 if kind is not np.complex64 else 1e-6)


@pytest.mark.parametrize("dtype", [">c16", np.clongdouble])
def test_what_machine_code_has_no_place_for(dtype: Any, compiled: Any) -> None:
    for f in (lambda z, v: z * v + 1j, lambda z, v: v * 2):
        fast = compiled(f)
        for z in (Z.astype(dtype), (Z * 2).astype(dtype)):
            same(fast(z, V), f(z, V), 1e-12)


def test_a_number_that_only_python_can_use_is_compared(compiled: Any) -> None:
    def f(x: Any, c: complex) -> Any:
        return x * cmath.exp(c).real

    fast = compiled(f)
    for c in (1 + 2j, 1 + 2j, 2j, 1 + 2j):
        same(fast(V, c), f(V, c))


def escaping(c: Any) -> Any:
    """Mandelbrot's, for the points of an array that stay within a circle."""
    z = np.zeros_like(c)
    for _ in range(12):
        z = np.where(np.abs(z) < 2, z * z + c, z)
    return np.sum(np.abs(z) ** 2)


def oscillating(frequency: Any) -> Any:
    """The energy of a damped oscillator, over its turns."""
    z, energy = 1.0 + 0j, 0.0
    for _ in range(40):
        z = z * np.exp((1j * frequency - 0.1) * 0.05)
        energy = energy + z.real**2
    return energy


def root(z: Any) -> Any:
    """The distance of where Newton's method goes from a root of ``z**3 = 1``."""
    for _ in range(6):
        z = z - (z * z * z - 1) / (3 * z * z)
    return abs(z - 1)


LOOPS: dict[str, tuple[Any, list[Any]]] = {
    "escaping": (escaping, [k * Z / 4 for k in (1.0, 0.9, 0.8)]),
    "oscillating": (oscillating, [1.5, 1.4, 2.0]),
    "root": (root, [0.4 + 0.9j, 0.5 + 1j, -1 + 0.1j]),
}


@pytest.mark.parametrize("name", LOOPS)
def test_loops(name: str, compiled: Any) -> None:
    f, points = LOOPS[name]
    both = cr.value_and_grad(f)
    fast = compiled(both)
    for point in points:
        same(fast(point), both(point), 1e-10)
    schedule = cr.compile(both).lower(points[0]).schedule
    assert "numpy" not in schedule
    assert name == "root" or "loop" in schedule
