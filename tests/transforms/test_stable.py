"""Gradients of formulas that overflow: eager ones are finite wherever compiled ones are."""

import math
import warnings

import mpmath as mp
import numpy as np
import pytest
from scipy import special

import chainrule as cr
from chainrule.graph.stabilise.rules import REWRITES

NAMES = {"np": np, **{name: getattr(special, name) for name in ("expit", "softmax", "logsumexp")}}


def written(rewrite):
    """Return the formula of a rewrite as a function of one number or array per variable."""
    names = ", ".join(rewrite.at)
    return eval(f"lambda {names}: np.sum({rewrite.written})", dict(NAMES))


def by_jvp(f, which):
    def derivatives(*args):
        columns = []
        for k in which:
            unit = np.zeros(args[k].shape)
            rows = []
            for at in np.ndindex(unit.shape):
                unit[at] = 1
                tangents = [unit if j == k else np.zeros(x.shape) for j, x in enumerate(args)]
                rows.append(cr.jvp(f, args, [t[()] for t in tangents])[1])
                unit[at] = 0
            columns.append(np.reshape(rows, unit.shape))
        return columns

    return derivatives


def by_define_by_run(f, which):
    def derivatives(*args):
        inputs = [cr.array(x) for x in args]
        f(*inputs).backward()
        return [inputs[k].grad for k in which]

    return derivatives


def nested(f, which):
    """The derivative of a sum of all derivatives times numbers that are inputs, by these."""

    def weighted(weights, *args):
        return sum(np.sum(w * g) for w, g in zip(weights, cr.grad(f, which)(*args), strict=True))

    return lambda *args: cr.grad(weighted)([np.ones(np.shape(args[k])) for k in which], *args)


TRANSFORMS = {
    "grad": cr.grad,
    "value_and_grad": lambda f, k: lambda *args: cr.value_and_grad(f, k)(*args)[1],
    "vjp": lambda f, k: lambda *args: cr.vjp(f, *args)[1](1.0),
    "jvp": by_jvp,
    "jacobian": cr.jacobian,
    "backward": by_define_by_run,
    "nested": nested,
}


@pytest.mark.parametrize("rewrite", REWRITES, ids=lambda r: f"{r.written} at {r.at}")
@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS.keys())
def test_what_is_finite_compiled_is_finite_eager(rewrite, transform):
    f = written(rewrite)
    if transform is by_define_by_run and "logsumexp" in rewrite.written:
        pytest.skip("it is SciPy's own function, which asks no Array")
    at = [np.asarray(x, float) for x in rewrite.at.values()]
    which = tuple(range(len(at)))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        compiled = cr.compile(cr.grad(f, which))
        compiled(*at)
        for found, expected in zip(transform(f, which)(*at), compiled(*at), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15)
            assert np.isfinite(found).all()


X = np.array([[1000.0, 999.0], [0.0, 1.0]])
SOFTMAX = special.softmax(X, axis=1)


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (lambda x: np.log(1 + np.exp(x)), np.float64(1000.0), 1.0),
        (lambda x: np.sum(np.log(np.sum(np.exp(x), axis=1))), X, SOFTMAX),
        (lambda x: np.sqrt(x[0] ** 2 + x[1] ** 2), np.array([3e200, 4e200]), [0.6, 0.8]),
        (lambda x: np.sqrt(np.log(x) ** 2), np.float64(0.0), -math.inf),
    ],
)
@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_are_those_of_mathematics(f, x, expected, compiled):
    gradient = cr.grad(f)
    if compiled:
        gradient = cr.compile(gradient)
    with np.errstate(all="ignore"):
        for _ in range(3 if compiled and f(x) < math.inf else 1):
            np.testing.assert_allclose(gradient(x), expected, rtol=1e-12)


#: Functions that overflow at a point or have a kink there, and the same of mpmath.
HIGH_ORDERS = {
    "softplus": (lambda x: np.log(1 + np.exp(x)), lambda x: mp.log(1 + mp.exp(x)), 800.0),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), lambda x: 1 / (1 + mp.exp(-x)), -720.0),
    "log sigmoid": (
        lambda x: np.log(1 / (1 + np.exp(-x))),
        lambda x: -mp.log(1 + mp.exp(-x)),
        -800.0,
    ),
    "log cosh": (lambda x: np.log(np.cosh(x)), lambda x: mp.log(mp.cosh(x)), 800.0),
    "logsumexp": (
        lambda x: np.log(np.sum(np.exp(np.array([1000.0, 2.0]) * x))),
        lambda x: mp.log(mp.exp(1000 * x) + mp.exp(2 * x)),
        1.0,
    ),
    "1 / softplus": (
        lambda x: 1 / np.log(1 + np.exp(x)),
        lambda x: 1 / mp.log(1 + mp.exp(x)),
        800.0,
    ),
    "root of squares": (
        lambda x: np.sqrt(x * x + 1.0),
        lambda x: mp.sqrt(x * x + 1),
        3e200,
    ),
    "size": (
        lambda x: np.sqrt(np.sum((np.array([3.0, 4.0]) * x) ** 2)) ** 2,
        lambda x: 25 * x * x,
        0.0,
    ),
    "density": (
        lambda x: np.log(np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)),
        lambda x: -x * x / 2,
        60.0,
    ),
    "mixture": (
        lambda x: np.log(0.3 * np.exp(-((x - 1) ** 2)) + 0.7 * np.exp(-2 * x * x)),
        lambda x: mp.log(0.3 * mp.exp(-((x - 1) ** 2)) + 0.7 * mp.exp(-2 * x * x)),
        60.0,
    ),
    "product": (
        lambda x: np.log(np.prod(np.full(40, 1e-10) * x)),
        lambda x: 40 * mp.log(x),
        2.0,
    ),
}


@pytest.mark.parametrize(("f", "exact", "x"), HIGH_ORDERS.values(), ids=HIGH_ORDERS.keys())
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_derivatives_up_to_the_third_order(f, exact, x):
    with mp.workdps(900):
        coefficients = mp.taylor(exact, mp.mpf(x), 3)
        expected = [float(c * math.factorial(k)) for k, c in enumerate(coefficients)]
    g, h = cr.grad(f), cr.grad(cr.grad(f))
    for derivative, right in (
        (g, expected[1]),
        (cr.jacobian(f), expected[1]),
        (h, expected[2]),
        (cr.hessian(f), expected[2]),
        (cr.jacobian(h), expected[3]),
    ):
        for given in (x, np.float64(x)):
            np.testing.assert_allclose(derivative(given), right, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(cr.jvp(h, (x,), (1.0,))[1], expected[3], rtol=1e-9, atol=1e-12)


SIZES = {
    "norm": np.linalg.norm,
    "root of a product": lambda x: np.sqrt(x @ x),
    "std": np.std,
    "root of the mean": lambda x: np.sqrt(np.mean(np.square(x))),
    "three squares": lambda x: np.sqrt(x[0] ** 2 + x[1] * x[1] + x[2] ** 2),
}


@pytest.mark.parametrize("f", SIZES.values(), ids=SIZES.keys())
def test_sizes_of_large_vectors(f):
    x = np.array([3.0, 4.0, -5.0])
    with np.errstate(all="ignore"):
        assert np.isinf(f(1e200 * x))
        np.testing.assert_allclose(cr.grad(f)(1e200 * x), cr.grad(f)(x), rtol=1e-12)
        expected = cr.hessian(f)(x) * 1e-200
        np.testing.assert_allclose(cr.hessian(f)(1e200 * x), expected, rtol=1e-9, atol=1e-215)


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_norms_of_large_vectors(axis):
    """Compiled code has no such form: it would take another pass over the vector."""
    x = np.array([[3e200, 4e200], [4e200, 3e200]])
    with np.errstate(all="ignore"):
        g = cr.grad(lambda x: np.sum(np.sqrt(np.sum(x * x, axis=axis))))(x)
    np.testing.assert_allclose(g, x / np.linalg.norm(x / 1e200, axis=axis, keepdims=True) / 1e200)


def test_a_cross_entropy_with_large_scores():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(20, 3)), rng.normal(size=(3, 4))
    labels = rng.integers(0, 4, 20)

    def loss(w):
        scores = x @ w + 1000.0
        shares = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
        return -np.mean(np.log(shares[np.arange(20), labels]))

    expected = x.T @ (special.softmax(x @ w, axis=1) - np.eye(4)[labels]) / 20
    with np.errstate(all="ignore"):
        assert not np.isfinite(loss(w))
        np.testing.assert_allclose(cr.grad(loss)(w), expected, atol=1e-12)


def test_the_function_is_not_run_again():
    calls = []

    def f(x):
        calls.append(x)
        return np.log(np.sum(np.exp(x)))

    with np.errstate(all="ignore"):
        cr.grad(f)(np.array([1000.0, 999.0]))
    assert len(calls) == 1


def test_entries_that_were_finite_stay_as_they_were():
    def f(x):
        return np.sum(np.log(1 + np.exp(x[:2]))) + 1.0 / x[2] + np.sin(x[3])

    x = np.array([800.0, 1.0, 0.0, 2.0])
    with np.errstate(all="ignore"):
        g = cr.grad(f)(x)
    assert g[0] == 1.0
    assert g[2] == -math.inf
    np.testing.assert_allclose(g[[1, 3]], [special.expit(1.0), math.cos(2.0)], rtol=1e-15)


def test_nan_in_the_input_stays():
    g = cr.grad(lambda x: np.log(np.sum(np.exp(x))))(np.array([np.nan, 1.0]))
    assert np.isnan(g).all()


def test_float32_stays_float32():
    with np.errstate(all="ignore"):
        g = cr.grad(lambda x: np.log(np.sum(np.exp(x))))(np.array([200.0, 199.0], np.float32))
    assert g.dtype == np.float32
    np.testing.assert_allclose(g, special.softmax([200.0, 199.0]), rtol=1e-6)


def test_a_rule_for_plain_values_alone_is_not_asked_for_more():
    def pullback(g, x, y):
        gradient = np.empty(x.shape)
        for i in range(x.size):  # an Array could not be stored here
            gradient[i] = g[i] * y[i]
        return gradient

    exponential = cr.operation("written_in_a_loop", np.exp, pullback=pullback)
    with np.errstate(all="ignore"):
        g = cr.grad(lambda x: np.sum(exponential(x)))(np.array([1000.0, 0.0]))
    np.testing.assert_array_equal(g, [np.inf, 1.0])


X3 = np.array([1000.0, 999.0, -1.0])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.log(np.sum(np.sinh(x) ** 2)),
        lambda x: np.log(np.sum(np.tan(x[:2]) + np.exp(x[:2]))),
        lambda x: np.sqrt(np.sum(np.exp2(3 * x[:2]))),
        lambda x: np.log(np.cosh(x[0]) * np.cosh(x[1])),
    ],
)
def test_zeros_of_overflows_are_nan(f):
    with np.errstate(all="ignore"):
        assert np.isinf(f(X3))
        g = cr.grad(f)(X3)
        assert np.isnan(g[:2]).all()
        assert g[2] == 0
        for other in (cr.jacobian(f)(X3), cr.vjp(f, X3)[1](1.0)[0]):
            np.testing.assert_array_equal(other, g)
        assert np.isnan(cr.jvp(f, (X3,), (np.ones(3),))[1])
        assert np.isnan(cr.hessian(f)(X3)[:2, :2]).all()


def test_zeros_of_choices_stay_beside_an_overflow():
    def f(x):
        rest = np.sum(np.where(x > 0, np.sqrt(x), 0.0)) + np.sum(np.maximum(x, 0.0) ** 0.5)
        return np.sum(np.exp(x)) + rest + np.sqrt(np.where(x > -2, 0.0, x))[2]

    with np.errstate(all="ignore"):
        g = cr.grad(f)(X3)
    np.testing.assert_array_equal(g[:2], np.inf)
    np.testing.assert_allclose(g[2], np.exp(-1.0))


@pytest.mark.parametrize(
    "f",
    [
        lambda x, large: np.sum(x + large) * np.inf,
        lambda x, large: np.log(np.cosh(np.sum(x + large) + 1e4)) + np.exp(np.sum(x + large)),
    ],
)
def test_constants_that_were_not_kept_are_no_obstacle(f):
    """Nobody reads the terms of a sum, so large ones are gone when stable forms are looked for."""
    large, x = np.linspace(0.0, 1.0, 5000), np.zeros(5000)
    with np.errstate(all="ignore"):
        g = cr.grad(lambda x: f(x, large))(x)
    assert g.shape == x.shape
    assert not np.isfinite(g).any()
