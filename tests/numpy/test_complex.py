"""Complex numbers between real inputs and a real output, in programs as people write them."""

from contextlib import suppress

import numpy as np
import pytest

import chainrule as cr
from chainrule.core.kinds import Elementwise
from chainrule.core.operation import OPERATIONS
from chainrule.errors import UnsupportedError

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(2, 6))
W = RANDOM.normal(size=(5, 6)) + 1j * RANDOM.normal(size=(5, 6))


def power(x):
    return np.sum(np.abs(np.fft.fft(x)) ** 2)


def filtered(x, h):
    z = np.fft.fft(x, n=8)[1:5] * np.fft.fft(h, norm="ortho")[2:6]
    return np.sum((np.fft.ifft(z).real - x[:4]) ** 2)


def phases(x):
    return np.sum(np.angle(np.fft.fft(x))[1:3] ** 2)


def waves(x, y):
    z = np.exp(1j * x) * (y + 2j)
    z = z / (1 + z * z.conj()) - z**2
    return np.sum(z.real * z.imag)


def written(x):
    z = np.zeros(6, complex) * x
    z[1:3] = (x * (1 + 1j))[:2]
    z[0] += 2j * x[5]
    return np.sum(np.abs(z - 1) ** 2)


def projected(x):
    return np.sum(np.abs(W @ x)) + np.vdot(W @ x, W[:, 0]).imag


def scalar(x, y):
    z = np.exp(1j * x) * y
    return abs(z * z + 1.5) + (z / (1 + z)).imag


def covariance(x, y):
    z = np.stack([x + 1j * y, y - 2j * x])
    return np.sum(np.abs(np.cov(z)) ** 2) + np.real(np.sum(np.correlate(z[0], z[1], "full")))


PROGRAMS = [
    (power, (X,)),
    (filtered, (X, Y)),
    (phases, (X,)),
    (waves, (X, Y)),
    (written, (X,)),
    (projected, (X,)),
    (scalar, (0.4, 1.3)),
    (covariance, (X, Y)),
]
EVERY = pytest.mark.parametrize(
    ("f", "args"), [pytest.param(f, args, id=f.__name__) for f, args in PROGRAMS]
)


@EVERY
def test_gradients_are_those_of_differences(f, args):
    assert cr.check_gradient(f, *args)


@EVERY
def test_second_order(f, args):
    weights = [np.cos(x) for x in args]

    def projection(*args):
        found = cr.grad(f, tuple(range(len(args))))(*args)
        return sum(np.sum(w * g) for w, g in zip(weights, found, strict=True))

    assert cr.check_gradient(projection, *args)


@EVERY
def test_real_inputs_have_real_gradients(f, args):
    for x, g in zip(args, cr.grad(f, tuple(range(len(args))))(*args), strict=True):
        assert type(g) is type(x)
        assert np.asarray(g).dtype == np.float64


@EVERY
def test_printed_code_does_the_same(f, args):
    if f is written:
        args = (np.array(args[0]),)
    staged = cr.stage(f, *args)
    value, gradients = staged(*args)
    expected, eager = cr.value_and_grad(f, tuple(range(len(args))))(*args)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    for g, right in zip(gradients, eager, strict=True):
        np.testing.assert_allclose(g, right, rtol=1e-10, atol=1e-12)


@EVERY
def test_explanations_have_complex_numbers(f, args):
    assert "result" in str(cr.explain(f, *args))


@EVERY
def test_tangents(f, args):
    tangents = tuple(np.sin(3 * x) if np.shape(x) else float(np.sin(3 * x)) for x in args)
    _, pushed = cr.jvp(f, args, tangents)
    pulled = cr.grad(f, tuple(range(len(args))))(*args)
    expected = sum(np.sum(t * g) for t, g in zip(tangents, pulled, strict=True))
    np.testing.assert_allclose(pushed, expected, rtol=1e-11)


def test_single_precision_stays():
    g = cr.grad(power)(X.astype(np.float32))
    assert g.dtype == np.float32
    np.testing.assert_allclose(g, cr.grad(power)(X), rtol=1e-5)


@pytest.mark.parametrize("f", [np.max, np.min, np.real_if_close])
def test_what_picks_complex_numbers_out_passes_them_on(f):
    z = np.array([1 + 2j, 3 - 1j, 3 + 1j])
    weight = 2 - 1j
    picked = {np.max: [0, 0, 1], np.min: [1, 0, 0], np.real_if_close: [1, 1, 1]}[f]
    slope = cr.grad(lambda z: np.sum(np.real(f(z) * weight)))(z)
    np.testing.assert_array_equal(slope, weight * np.array(picked))
    plain = cr.grad(lambda x: np.sum(np.real_if_close(x + 1e-20j)))(X)
    np.testing.assert_array_equal(plain, np.ones(X.shape))


@pytest.mark.parametrize(
    ("f", "name"),
    [
        (lambda z: np.sign(z)[0], "sign"),
        (lambda z: np.nan_to_num(z)[0], "nan_to_num"),
        (lambda z: np.maximum(z, 0)[0], "maximum"),
    ],
)
@pytest.mark.parametrize("transform", [cr.grad, lambda f: lambda x: cr.stage(f, x)])
def test_what_is_not_known_for_complex_numbers_is_refused(f, name, transform):
    def g(x):
        return np.real(f(np.fft.fft(x)))

    with pytest.raises(UnsupportedError, match=f"`{name}` of complex numbers .*line .*lambda z"):
        transform(g)(X)


def test_no_other_row_takes_complex_operands():
    """Where NumPy does not refuse them, chainrule does."""
    taken = []

    def f(x, row):
        row(*[x * (0.3 + 0.2j)] * len(row.d))
        taken.append(row)
        return np.sum(x)

    for row in OPERATIONS.values():
        if row.real_only and isinstance(row, Elementwise):
            with suppress(TypeError, UnsupportedError):
                cr.grad(f)(np.ones(2), row)
    assert not taken


@pytest.mark.parametrize(
    "f",
    [
        lambda z, w: np.vdot(z, w),
        lambda z, w: np.linalg.vecdot(z, w),
        lambda z, w: np.correlate(z, w, "same"),
        lambda z, w: np.cov(z, w),
        lambda z, w: np.var(z, ddof=1),
        lambda z, w: np.std(np.outer(z, w), axis=0, keepdims=True),
        lambda z, w: np.nanvar(z),
        lambda z, w: np.angle(z, deg=True),
        lambda z, w: np.convolve(z, w),
        lambda z, w: np.fft.fft(np.outer(z, w), n=4, axis=0, norm="forward"),
        lambda z, w: np.fft.ifft(np.outer(z, w), axis=-1),
        lambda z, w: np.linalg.solve(np.outer(z, w) + np.eye(6), w),
    ],
)
def test_values_are_those_of_numpy(f):
    z, w = X + 1j * Y, Y - 0.5j * X
    seen = []

    def g(x, y):
        seen.append(f(x + 1j * y, y - 0.5j * x).value)
        return np.sum(x)

    cr.grad(g)(cr.array(X), cr.array(Y))
    np.testing.assert_allclose(seen[0], f(z, w), rtol=1e-12)


Z = np.array([1 + 2j, 3 - 1j])


def written(z):
    w = np.zeros_like(z)
    w[...] = z
    w[0] *= np.conj(z[1])
    part = w.real
    part += 2
    return np.sum((w * w).imag)


OF_COMPLEX_NUMBERS = [
    lambda z: np.sum(np.abs(z) ** 2 * np.angle(z)),
    lambda z: np.sum((z**3).real + np.exp(z).imag),
    lambda z: np.sum(np.abs(np.fft.fft(z)) + np.abs(np.linalg.norm(z))),
    lambda z: np.abs(np.sum(z @ np.outer(z, np.conj(z)))),
    written,
]


@pytest.mark.parametrize("f", OF_COMPLEX_NUMBERS)
@pytest.mark.parametrize("z", [Z, Z.astype(np.complex64)])
def test_the_gradient_by_complex_numbers(f, z):
    """It is d/dx - i d/dy, however it is computed."""
    gradient = cr.grad(f)(z)
    assert gradient.dtype == z.dtype
    for k in range(2):
        for unit in (1, 1j):
            step = np.zeros(2, complex)
            step[k] = 1e-6 * unit
            slope = (f(Z + step) - f(Z - step)) / 2e-6
            rtol = 1e-6 if z is Z else 1e-4
            np.testing.assert_allclose((gradient[k] * unit).real, slope, rtol=rtol, atol=rtol)
    direction = np.array([0.5j, 1 - 1j]).astype(z.dtype)
    slope = np.sum(gradient * direction).real
    np.testing.assert_allclose(cr.jvp(f, (z,), (direction,))[1], slope, rtol=1e-4)
    tolerance = 1e-10 if z is Z else 1e-4
    np.testing.assert_allclose(cr.stage(f, z)(z)[1][0], gradient, rtol=tolerance)
    fast = cr.compile(cr.grad(f))
    for x in (z, z * 2, z[::-1], z):
        found, expected = fast(x), cr.grad(f)(x)
        np.testing.assert_allclose(found, expected, rtol=tolerance)
        assert found.dtype == z.dtype


def test_complex_numbers_are_inputs_like_any_other():
    value, (by_x, by_tree) = cr.value_and_grad(
        lambda x, tree: np.sum((x * tree["z"]).real) * abs(tree["w"]), (0, 1)
    )(np.ones(2), {"z": Z, "w": 3 + 4j})
    assert value == 20.0
    np.testing.assert_array_equal(by_x, [5.0, 15.0])
    np.testing.assert_array_equal(by_tree["z"], [5, 5])
    assert by_tree["w"] == pytest.approx(4 * (0.6 - 0.8j))
    z = cr.array(Z)
    np.sum(np.abs(z) ** 2).backward()
    np.testing.assert_allclose(z.grad, 2 * np.conj(Z))
    second = cr.grad(lambda z: np.sum(np.abs(cr.grad(lambda w: np.sum((w**3).real))(z)) ** 2))
    np.testing.assert_allclose(second(Z), 36 * np.abs(Z) ** 2 * np.conj(Z), rtol=1e-12)
    with pytest.raises(cr.errors.UnsupportedError, match=r"output of .* is complex"):
        cr.grad(lambda z: z * z)(1j)


def test_a_zero_has_gradient_zero():
    np.testing.assert_array_equal(cr.grad(lambda x: np.sum(np.abs(x * 1j)))(np.zeros(2)), 0)
