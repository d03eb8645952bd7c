"""Derivatives up to the fourth order where upstream gradients and local ones are exactly zero.

A zero may stop an infinite local gradient, yet it must not stop what the product's own derivative
is made of.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.special

import chainrule as cr

pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::chainrule.errors.IndependentOutputWarning"),
]
ORDERS = (1, 2, 3, 4)


def nth(f: Callable[..., Any], order: int) -> Callable[..., Any]:
    for _ in range(order):
        f = cr.grad(f)
    return f


#: Functions of NumPy, the same of mpmath, and points: 0, zeros of an upstream gradient, ends.
ANALYTIC: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], tuple[float, ...]]] = {
    "x * x * x": (lambda x: x * x * x, lambda x: x * x * x, (0.0, -0.0, 1.5)),
    "x**3": (lambda x: x**3, lambda x: x**3, (0.0, -1.0)),
    "x**4": (lambda x: x**4.0, lambda x: x**4, (0.0,)),
    "square": (lambda x: np.square(x) ** 2, lambda x: x**4, (0.0, 2.0)),
    "exp(-x**2)": (lambda x: np.exp(-(x**2)), lambda x: mpmath.exp(-(x**2)), (0.0, 0.5)),
    "exp2": (lambda x: np.exp2(x * x), lambda x: mpmath.mpf(2) ** (x * x), (0.0,)),
    "expm1": (lambda x: np.expm1(x) ** 3, lambda x: mpmath.expm1(x) ** 3, (0.0,)),
    "log": (lambda x: np.log(x) ** 2, lambda x: mpmath.log(x) ** 2, (1.0, 3.0)),
    "log1p": (lambda x: np.log1p(x) ** 3, lambda x: mpmath.log1p(x) ** 3, (0.0,)),
    "x log x": (lambda x: x * np.log(x), lambda x: x * mpmath.log(x), (1.0,)),
    "sqrt": (lambda x: np.sqrt(1 - x * x), lambda x: mpmath.sqrt(1 - x * x), (0.0, 0.5)),
    "cbrt": (lambda x: np.cbrt(1 + x * x), lambda x: mpmath.cbrt(1 + x * x), (0.0,)),
    "1 / x": (lambda x: 1 / (1 + x * x), lambda x: 1 / (1 + x * x), (0.0, 1.0)),
    "x / y": (lambda x: x * x / (2 - x), lambda x: x * x / (2 - x), (0.0,)),
    "reciprocal": (lambda x: np.reciprocal(1 + x**3), lambda x: 1 / (1 + x**3), (0.0,)),
    "sin": (lambda x: np.sin(x) ** 3, lambda x: mpmath.sin(x) ** 3, (0.0, math.pi / 2)),
    "cos": (lambda x: np.cos(x * x), lambda x: mpmath.cos(x * x), (0.0,)),
    "tan": (lambda x: np.tan(x) ** 2, lambda x: mpmath.tan(x) ** 2, (0.0,)),
    "arcsin": (lambda x: np.arcsin(x) ** 2, lambda x: mpmath.asin(x) ** 2, (0.0,)),
    "arccos": (lambda x: np.arccos(x * x), lambda x: mpmath.acos(x * x), (0.0,)),
    "arctan": (lambda x: np.arctan(x) ** 3, lambda x: mpmath.atan(x) ** 3, (0.0,)),
    "arctan2": (lambda x: np.arctan2(x, 1 - x), lambda x: mpmath.atan2(x, 1 - x), (0.0, 0.3)),
    "hypot": (lambda x: np.hypot(x, 1.0), lambda x: mpmath.hypot(x, 1), (0.0, 2.0)),
    "sinh": (lambda x: np.sinh(x) ** 3, lambda x: mpmath.sinh(x) ** 3, (0.0,)),
    "cosh": (np.cosh, mpmath.cosh, (0.0, 1.0)),
    "tanh": (np.tanh, mpmath.tanh, (0.0, 0.7)),
    "tanh**2": (lambda x: np.tanh(x) ** 2, lambda x: mpmath.tanh(x) ** 2, (0.0,)),
    "arcsinh": (lambda x: np.arcsinh(x) ** 3, lambda x: mpmath.asinh(x) ** 3, (0.0,)),
    "arccosh": (lambda x: np.arccosh(2 + x * x), lambda x: mpmath.acosh(2 + x * x), (0.0,)),
    "arctanh": (lambda x: np.arctanh(x) ** 3, lambda x: mpmath.atanh(x) ** 3, (0.0,)),
    "logaddexp": (
        lambda x: np.logaddexp(x, 0.0),
        lambda x: mpmath.log(1 + mpmath.exp(x)),
        (0.0, 1.0),
    ),
    "expit": (
        lambda x: scipy.special.expit(x),
        lambda x: 1 / (1 + mpmath.exp(-x)),
        (0.0,),
    ),
    "erf": (lambda x: scipy.special.erf(x) ** 2, lambda x: mpmath.erf(x) ** 2, (0.0,)),
    "gammaln": (lambda x: scipy.special.gammaln(x), mpmath.loggamma, (1.0, 2.5)),
    "log(cosh)": (
        lambda x: np.log(np.cosh(x)),
        lambda x: mpmath.log(mpmath.cosh(x)),
        (0.0,),
    ),
    "2**x": (lambda x: 2.0 ** (x * x), lambda x: mpmath.mpf(2) ** (x * x), (0.0,)),
    "x**x": (lambda x: x**x, lambda x: x**x, (1.0, 2.0)),
}
POINTS = [
    pytest.param(f, exact, x, id=f"{name} at {x}")
    for name, (f, exact, points) in ANALYTIC.items()
    for x in points
]


def expected_of(exact: Callable[[Any], Any], x: float) -> list[float]:
    """Return the derivatives up to the fourth order, by Taylor coefficients."""
    with mpmath.workdps(60):
        coefficients = mpmath.taylor(exact, mpmath.mpf(x), len(ORDERS))
        return [float(mpmath.re(c) * math.factorial(k)) for k, c in enumerate(coefficients)]


@pytest.mark.parametrize(("f", "exact", "x"), POINTS)
def test_derivatives_up_to_the_fourth_order(f: Any, exact: Any, x: float) -> None:
    expected = expected_of(exact, x)
    for order in ORDERS:
        for given in (x, np.float64(x)):
            np.testing.assert_allclose(
                nth(f, order)(given), expected[order], rtol=1e-9, atol=1e-9, err_msg=str(order)
            )


@pytest.mark.parametrize("name", ["x * x * x", "exp(-x**2)", "tanh", "x / y", "x**4", "arctan2"])
def test_third_derivatives_staged_and_compiled(name: str) -> None:
    f, exact, (x, *_) = ANALYTIC[name]
    expected = expected_of(exact, x)
    inner = nth(f, 2)
    value, (gradient,) = cr.stage(inner, 0.25)(x)
    np.testing.assert_allclose((value, gradient), expected[2:4], rtol=1e-9, atol=1e-9)
    compiled = cr.compile(cr.grad(inner))
    for given in (0.25, x, x):
        found = compiled(given)
    np.testing.assert_allclose(found, expected[3], rtol=1e-9, atol=1e-9)


def test_all_third_derivatives_of_a_product_at_zero() -> None:
    def f(x: Any) -> Any:
        return x[0] * x[0] * x[1]

    third = np.zeros((2, 2, 2))
    third[0, 0, 1] = third[0, 1, 0] = third[1, 0, 0] = 2
    found = cr.jacobian(cr.hessian(f))(np.zeros(2))
    np.testing.assert_array_equal(found, third)
    np.testing.assert_array_equal(cr.jacobian(cr.jacobian(cr.grad(f)))(np.zeros(2)), third)


@pytest.mark.parametrize("x", [23.0, 0.5, 1.0])
def test_mixed_derivatives_of_a_power_are_equal_at_exponent_zero(x: float) -> None:
    def f(v: Any) -> Any:
        return v[0] ** v[1]

    log = math.log(x)
    expected = [[0, 1 / x], [1 / x, log**2]]
    at = np.array([x, 0.0])
    np.testing.assert_allclose(cr.hessian(f)(at), expected, rtol=1e-12)
    np.testing.assert_allclose(
        cr.stage(cr.grad(lambda a, b: a**b, 0), at[0], at[1])(*at)[1][1], 1 / x
    )
    hessian = cr.compile(cr.hessian(f))
    for _ in range(3):
        np.testing.assert_allclose(hessian(at), expected, rtol=1e-12)


V, MASK = np.array([3.0, 4.0]), np.array([0.0, -math.inf, 0.0])


def scores(x: Any) -> Any:
    return MASK + x * np.array([1.0, 1.0, 2.0])


#: Where something is 0, infinite, tied or at an end: a function, a point, and derivatives there.
EDGES: dict[str, tuple[Callable[[Any], Any], float, list[float]]] = {
    "norm squared": (lambda x: np.linalg.norm(V * x) ** 2, 0.0, [0, 50, 0, 0]),
    "norm to the fourth": (lambda x: np.linalg.norm(V * x) ** 4, 0.0, [0, 0, 0, 15000]),
    "root of squares, squared": (lambda x: np.sqrt(np.sum((V * x) ** 2)) ** 2, 0.0, [0, 50, 0]),
    "root of a square, squared": (lambda x: np.sqrt(x**2) ** 2, 0.0, [0, 2, 0]),
    "size squared": (lambda x: np.abs(x) ** 2, 0.0, [0, 2, 0, 0]),
    "size by size": (lambda x: np.abs(x) * np.abs(x), 0.0, [0, 2, 0, 0]),
    "hypot squared": (lambda x: np.hypot(x, 2 * x) ** 2, 0.0, [0, 10, 0, 0]),
    "deviation squared": (lambda x: np.std(1 + x * np.array([1.0, -1.0])) ** 2, 0.0, [0, 2, 0]),
    "variance": (lambda x: np.var(1 + x * np.array([1.0, -1.0])), 0.0, [0, 2, 0, 0]),
    "x**0": (lambda x: x**0, 0.0, [0, 0, 0]),
    "x**1.0": (lambda x: x**1.0, 0.0, [1, 0, 0]),
    "x**3.0": (lambda x: x**3.0, 0.0, [0, 0, 6, 0]),
    "x**array": (lambda x: np.sum(x ** np.array([2.0, 3.0])), 0.0, [0, 2, 6, 0]),
    "0**x": (lambda x: 0.0**x, 2.0, [0, 0, 0]),
    "product with a zero": (lambda x: np.prod(np.array([1.0, x, 1.0])), 0.0, [1, 0, 0]),
    "product with two zeros": (lambda x: np.prod(np.array([x, 1.0, x])), 0.0, [0, 2, 0, 0]),
    "product of zeros": (lambda x: np.prod(np.array([1.0, 2.0, 3.0]) * x), 0.0, [0, 0, 36, 0]),
    "sinc": (np.sinc, 0.0, [0, -(math.pi**2) / 3, 0, math.pi**4 / 5]),
    "log not taken": (
        lambda x: np.where(x > 0, x * np.log(np.where(x > 0, x, 1.0)), x**2),
        0.0,
        [0, 2, 0, 0],
    ),
    "root not taken": (lambda x: np.where(x > 0, np.sqrt(np.abs(x)), x**3), 0.0, [0, 0, 6, 0]),
    "clipped root": (lambda x: np.maximum(x, 0) ** 0.5, -1.0, [0, 0, 0]),
    "clipped power": (lambda x: np.maximum(x, 0) ** 1.5, -1.0, [0, 0, 0]),
    "clip at its end": (lambda x: np.clip(x, 0, 1) ** 2, 1.0, [2, 2, 0, 0]),
    "masked softmax": (lambda x: scipy.special.softmax(scores(x))[0], 0.0, [-0.25, 0, 0.125, 0]),
    "masked logsumexp": (
        lambda x: np.log(np.sum(np.exp(scores(x)))),
        0.0,
        [1.5, 0.25, 0, -0.125],
    ),
    "max of ties": (lambda x: np.max(np.array([2.0, 2.0]) * x * x), 1.0, [4, 4, 0, 0]),
    "sort of ties": (lambda x: np.sort(np.array([1.0, 1.0]) * x * x) @ V, 1.0, [14, 14, 0]),
    "arctan2 beside the axis": (lambda x: np.arctan2(x, -1.0), 0.0, [-1, 0, 2, 0]),
    "logaddexp of equals": (lambda x: np.logaddexp(x, x), 1.0, [1, 0, 0, 0]),
    "logaddexp with -inf": (lambda x: np.logaddexp(x, -np.inf), 1.0, [1, 0, 0, 0]),
    "log cosh": (lambda x: np.log(np.cosh(x)), 1000.0, [1, 0, 0, 0]),
    "softplus": (lambda x: np.log1p(np.exp(-x)), -1000.0, [-1, 0, 0, 0]),
    "norm of nothing": (lambda x: np.linalg.norm(np.zeros(0) * x) + x * x, 1.0, [2, 2, 0]),
    "geometric mean": (lambda x: np.exp(np.mean(np.log(V * x))), 1.0, [math.sqrt(12), 0, 0]),
}
edges = pytest.mark.parametrize(("f", "x", "expected"), EDGES.values(), ids=EDGES.keys())
CLOSE = {"rtol": 1e-9, "atol": 1e-9}


@edges
def test_derivatives_at_edges(f: Any, x: float, expected: list[float]) -> None:
    for order, right in enumerate(expected, 1):
        for given in (x, np.float64(x)):
            np.testing.assert_allclose(nth(f, order)(given), right, **CLOSE, err_msg=str(order))


@edges
def test_second_derivatives_at_edges_staged_and_compiled(
    f: Any, x: float, expected: list[float]
) -> None:
    x = np.float64(x)  # type: ignore[assignment]
    value, (gradient,) = cr.stage(nth(f, 1), x)(x)
    np.testing.assert_allclose((value, gradient), expected[:2], **CLOSE)
    compiled = cr.compile(nth(f, 2))
    for _ in range(2):
        np.testing.assert_allclose(compiled(x), expected[1], **CLOSE)
