"""Formulas that look like those that the rules know, in every shape, mean what they meant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def same(f: Any, *args: Any) -> None:
    """Compare value and gradient, compiled and not, for other numbers than the recorded ones."""

    def weighted(*args: Any) -> Any:
        y = f(*args)
        return np.sum(y * np.cos(np.arange(np.size(y))).reshape(np.shape(y)))

    function = cr.value_and_grad(weighted, tuple(range(len(args))))
    fast = cr.compile(function)
    fast(*(np.cos(x) for x in args))
    value, gradients = fast(*args)
    expected, right = function(*args)
    # Cures differ from what they rewrite by rounding, which sums of terms of all sizes magnify.
    precise = 1e-12 if all(x.dtype == np.float64 for x in args) else 1e-5
    np.testing.assert_allclose(value, expected, rtol=precise, atol=precise)
    for found, gradient, x in zip(gradients, right, args, strict=True):
        assert found.dtype == x.dtype
        np.testing.assert_allclose(found, gradient, rtol=precise, atol=precise)


@st.composite
def rows(draw: Any) -> tuple[np.ndarray, Any, bool]:
    """Return an array, the axes of a sum over it, and whether they are kept."""
    ndim = draw(st.integers(1, 3))
    square = draw(st.booleans())  # where all axes have one length, a wrong one fits, too
    length = draw(st.integers(1, 3))
    size = tuple(length if square else draw(st.integers(1, 3)) for _ in range(ndim))
    axes = draw(st.sets(st.integers(0, ndim - 1), min_size=1))
    axis = tuple(k - ndim if draw(st.booleans()) else k for k in sorted(axes))
    chosen = draw(st.sampled_from([axis, axis[0] if len(axis) == 1 else axis, None]))
    seed = draw(st.integers(0, 1000))
    dtype = draw(st.sampled_from([np.float64, np.float32]))
    return np.random.default_rng(seed).normal(size=size).astype(dtype), chosen, draw(st.booleans())


def added(total: Any, axis: Any, ndim: int, way: int) -> Any:
    """Give the sums their axes back, in one of the ways in which people do."""
    axes = range(ndim) if axis is None else [k % ndim for k in np.atleast_1d(axis)]
    if way == 0:
        return np.expand_dims(total, tuple(axes))
    if way == 1:
        return total[tuple(None if k in axes else slice(None) for k in range(ndim))]
    behind = len([k for k in range(ndim) if k not in axes])
    shape = iter(np.shape(total)) if behind else iter(())
    return np.reshape(total, tuple(1 if k in axes else next(shape) for k in range(ndim)))


FORMULAS = {
    "softmax": lambda x, total, spread: np.exp(x) / spread,
    "of the same exponentials": lambda x, total, spread: np.exp(x) / spread + np.exp(x) * total,
    "logarithm of it": lambda x, total, spread: np.log(np.exp(x) / spread),
    "difference of logarithms": lambda x, total, spread: x - np.log(spread),
    "logsumexp": lambda x, total, spread: np.log(spread) * x,
    "exponential of it": lambda x, total, spread: np.exp(x - np.log(spread)),
    "laid over other rows": lambda x, total, spread: np.exp(x) / total,
    "repeated": lambda x, total, spread: np.exp(x) / np.broadcast_to(spread, np.shape(x)),
    "laid over others and repeated": lambda x, total, spread: (
        np.exp(x) / np.broadcast_to(total, np.broadcast_shapes(np.shape(total), np.shape(x)))
    ),
    "logarithms over others": lambda x, total, spread: np.exp(x - np.log(total)),
}


@pytest.mark.parametrize("name", FORMULAS)
@settings(max_examples=10, deadline=None)
@given(case=rows(), way=st.integers(0, 2))
def test_rows_and_their_sums(name: str, case: Any, way: int) -> None:
    x, axis, keepdims = case

    def f(x: Any) -> Any:
        total = np.sum(np.exp(x), axis=axis, keepdims=keepdims)
        spread = total if keepdims else added(total, axis, np.ndim(x), way)
        return FORMULAS[name](x, total, spread)

    try:
        f(x)
    except ValueError:  # shapes that do not fit
        return
    same(f, x)


SINGLE = {
    "softplus": lambda x, y: np.log(1 + np.exp(x)) * y,
    "softplus with shared exponential": lambda x, y: np.log(1 + np.exp(x)) * np.exp(x) * y,
    "sum that broadcasts": lambda x, y: np.log(1 + np.exp(x)) / (1 + np.exp(y)),
    "exponentials of two": lambda x, y: np.exp(x) / (1 + np.exp(y)),
    "not one plus": lambda x, y: np.exp(x) / (2 + np.exp(x)) * y,
    "sigmoid twice": lambda x, y: 1 / (1 + np.exp(-x)) ** 2 / (1 + np.exp(-y)),
    "powers": lambda x, y: np.exp(x) ** 2 * np.exp(-x) / (1 + np.exp(x)) ** 3 * y,
    "one minus": lambda x, y: (1 - 1 / (1 + np.exp(-x))) * y / (1 + np.exp(x)),
    "swish": lambda x, y: x * scipy.special.expit(x * y),
    "cross-entropy": lambda x, y: (
        y * np.log(1 / (1 + np.exp(-x))) + (1 - y) * np.log(1 - 1 / (1 + np.exp(-x)))
    ),
    "cross-entropy of expit": lambda x, y: (
        y * np.log(scipy.special.expit(x)) - (1 - y) * np.log1p(-scipy.special.expit(x))
    ),
    "minus sigmoids": lambda x, y: -scipy.special.expit(-x) / -(1 + np.exp(x)) * -y,
    "product of all": lambda x, y: np.exp(x) * np.exp(-x) * y,
    "difference": lambda x, y: (
        scipy.special.expit(x) * y - scipy.special.expit(x) ** 2 * y + np.exp(y)
    ),
    "hypot": lambda x, y: np.sqrt(x * x + y**2),
    "hypot of squares": lambda x, y: np.sqrt(np.square(x * y) + np.square(x)),
    "root of a square": lambda x, y: np.sqrt((x - y) ** 2),
    "expm1": lambda x, y: (np.exp(x) - 1) * (1 - np.exp(y)) + (-1 + np.exp(x)),
    "cosines": lambda x, y: (1 - np.cos(x)) * (np.cos(y) - 1),
}


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize(
    ("first", "second"),
    [(((3,), "f8"), ((3,), "f8")), (((2, 3), "f4"), ((3,), "f4")), (((3,), "f4"), ((2, 1), "f8"))],
)
def test_single_numbers(name: str, first: Any, second: Any) -> None:
    random = np.random.default_rng(len(name))
    x, y = (random.normal(size=size).astype(dtype) for size, dtype in (first, second))
    same(SINGLE[name], x, y)


LEAVES: tuple[Any, ...] = (
    lambda x, y: np.exp(x),
    lambda x, y: np.exp(-x),
    lambda x, y: 1 + np.exp(x),
    lambda x, y: np.exp(-x) + 1,
    lambda x, y: 1 / (1 + np.exp(-x)),
    lambda x, y: scipy.special.expit(x),
    lambda x, y: 1 - scipy.special.expit(x),
    lambda x, y: np.exp(y),
    lambda x, y: y,
)
BRANCHES: tuple[Any, ...] = (
    lambda a, b: a * b,
    lambda a, b: a / b,
    lambda a, b: -a * b,
    lambda a, b: a**2 * b,
    lambda a, b: a * a / b,
    lambda a, b: a + b,
    lambda a, b: a - b,
)


def combined(parts: tuple[Any, Any, Any]) -> Any:
    branch, left, right = parts
    return lambda x, y: branch(left(x, y), right(x, y))


EXPRESSIONS = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.tuples(st.sampled_from(BRANCHES), inner, inner).map(combined),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None)
@given(f=EXPRESSIONS)
def test_products_of_anything(f: Any) -> None:
    """At numbers where nothing overflows, as with any formula of such factors."""
    x, y = np.array([0.25, -0.5, 0.125]), np.array([1.5, 0.75, 1.25])
    value, (slope, _) = cr.value_and_grad(lambda x, y: np.sum(f(x, y)), (0, 1))(x, y)
    if abs(value) < 1e4 and np.all(np.abs(slope) < 1e4):  # else rounding is all that is seen
        same(f, x, y)


@pytest.mark.parametrize("name", SINGLE)
def test_whole_numbers(name: str) -> None:
    f, counts = SINGLE[name], np.array([1, 2, 3])
    same(lambda y: f(counts, y), np.array([0.3, -0.2, 0.1]))
    fast = cr.compile(f)
    for given_ in (np.array([2, 1, 4]), counts):
        found, expected = fast(given_, counts), f(given_, counts)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


ZEROS = np.array([0.0, -0.0])
SIGNED = {
    "exp(x) - 1": lambda x: np.exp(x) - 1,
    "1 - exp(x)": lambda x: 1 - np.exp(x),
    "1 - cos(x)": lambda x: 1 - np.cos(x),
    "cos(x) - 1": lambda x: np.cos(x) - 1,
    "sqrt(x * x)": lambda x: np.sqrt(x * x),
    "hypot": lambda x: np.sqrt(x * x + (2 * x) ** 2),
}


@pytest.mark.parametrize("name", SIGNED)
def test_zeros_keep_their_signs(name: str) -> None:
    found, expected = cr.compile(SIGNED[name])(ZEROS), SIGNED[name](ZEROS)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


@pytest.mark.parametrize("name", SINGLE)
def test_not_a_number_and_infinities(name: str) -> None:
    """What is no number stays none; a formula that has a value at an infinity keeps it."""
    numbers = np.array([np.nan, np.inf, -np.inf, 0.5])
    x, y = (z.ravel() for z in np.meshgrid(numbers, numbers))
    found, expected = cr.compile(SINGLE[name])(x, y), SINGLE[name](x, y)
    unknown = np.isnan(x) | np.isnan(y)
    np.testing.assert_array_equal(np.isnan(found[unknown]), np.isnan(expected[unknown]))
    known = ~np.isnan(expected)
    np.testing.assert_allclose(found[known], expected[known], rtol=1e-5)


def test_a_softmax_that_is_repeated_keeps_its_shape() -> None:
    def repeated(x: Any) -> Any:
        powers = np.exp(x)
        return powers / np.broadcast_to(np.sum(powers, axis=1, keepdims=True), (3, 1))

    same(repeated, np.array([[0.1, 0.2, 0.3, 0.4]]))
