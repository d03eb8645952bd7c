"""SciPy's solvers by exact, compiled derivatives of functions of trees."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
from scipy.optimize import Bounds, LinearConstraint, NonlinearConstraint

import chainrule as cr
from chainrule.errors import (
    ArgumentError,
    ChainruleError,
    NonFiniteError,
    NonScalarOutputError,
    UnsupportedError,
)
from chainrule.interop.scipy import curve_fit, least_squares, minimize, root, solve_ivp

START = {"b": -0.5, "w": np.array([0.5, 1])}
LOWEST = {"b": math.log(2.0), "w": np.array([1.0, -2.0])}
TIMES = np.linspace(0, 4, 40)
MEASURED = 2.5 * np.exp(-1.3 * TIMES) + 0.5 + 0.05 * np.sin(17 * TIMES)


def bowl(p, centre=1.0):
    entries = np.array([math.exp(p["b"]) - 2, p["w"][0] - centre])  # seen by recorded code alone
    return np.sum(entries**2) + (p["w"][1] + 2 * centre) ** 2 + np.sum(entries**2) ** 2


def decay(t, a, rate, rest):
    return a * np.exp(-rate * t) + rest


def assert_trees(found, expected, tolerance=1e-4):
    np.testing.assert_allclose(cr.ravel(found)[0], cr.ravel(expected)[0], atol=tolerance)


@pytest.mark.parametrize(
    "method",
    [
        *("Nelder-Mead", "Powell", "COBYLA", "CG", "BFGS", "L-BFGS-B", "TNC", "SLSQP", None),
        *("Newton-CG", "trust-ncg", "trust-krylov", "trust-constr", "trust-exact", "dogleg"),
    ],
)
def test_every_method_of_minimize(method):
    start = LOWEST | {"b": 1.0} if method == "dogleg" else START  # which wants convexity
    found = minimize(bowl, start, method=method)
    assert found.success
    assert_trees(found.x, LOWEST, 1e-2 if method == "COBYLA" else 1e-3)
    assert type(found.x["b"]) is float
    if method in ("BFGS", "trust-exact"):
        assert_trees(found.jac, {"b": 0, "w": np.zeros(2)})
    if method == "trust-exact":
        numbers = cr.ravel(found.x)[0]
        assert_trees(found.hess, cr.hessian(lambda v: bowl({"b": v[0], "w": v[1:]}))(numbers))


def test_derivatives_save_calls_and_nothing_is_recorded_twice(capsys):
    def rosenbrock(x, a):
        print("run")
        return np.sum(a * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    first = minimize(rosenbrock, np.zeros(4), (np.full(3, 100.0),))
    assert capsys.readouterr().out.count("run") <= 4  # of the compiler's
    second = minimize(rosenbrock, np.zeros(4), np.full(3, 10.0))
    assert not capsys.readouterr().out
    assert_trees(first.x, np.ones(4))
    assert_trees(second.x, np.ones(4))
    plain = scipy.optimize.minimize(rosenbrock, np.zeros(4), (np.full(3, 100.0),))
    assert first.nfev * 4 < plain.nfev


def test_other_branches_are_taken_when_they_come():
    def kinked(x):
        if x[0] < 0:
            return (x[0] - 3) ** 2 + 9
        return 3 * (x[0] - 2) ** 2 + 6 if x[0] < 2.5 else 100 * x[0]

    assert_trees(minimize(kinked, [-4]).x, [2.0])


def test_hessians_of_many_parameters_are_products():
    def rosenbrock(x):
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    found = minimize(rosenbrock, np.full(150, 1.2), method="trust-krylov")
    assert_trees(found.x, np.ones(150))
    few = minimize(rosenbrock, np.full(3, 1.2), method="trust-ncg", hessp=True)
    assert_trees(few.x, np.ones(3))


def test_sparse_matrices():
    def chain(p):
        return [10 * (p["x"][1:] - p["x"][:-1] ** 2), 1 - p["x"][:-1]]

    start, ones = {"x": np.full(20, 1.2)}, {"x": np.ones(20)}
    found = least_squares(chain, start, sparse=True)
    assert_trees(found.x, ones)
    assert found.jac.nnz == 19 * 3
    again = least_squares(chain, start, jac_sparsity=np.ones((38, 20)), x_scale="jac")
    assert again.jac.nnz == 19 * 3
    with pytest.raises(ArgumentError, match="for the methods Newton-CG, trust-constr"):
        minimize(bowl, START, sparse=True)
    found = minimize(
        lambda p: sum(np.sum(r**2) for r in chain(p)),
        start,
        method="trust-constr",
        constraints=lambda p: 4 - p["x"][1:] ** 2 - p["x"][:-1] ** 2,
        sparse=True,
    )
    assert_trees(found.x, ones)
    assert found.jac[0].nnz == 19 * 2


def inside(p):
    return 4 - p["w"] @ p["w"]


@pytest.mark.parametrize("method", ["SLSQP", "trust-constr", "COBYLA"])
@pytest.mark.parametrize(
    "constraints",
    [
        inside,
        [{"type": "ineq", "fun": lambda p, r: r - p["w"] @ p["w"], "args": (4.0,)}],
        [NonlinearConstraint(inside, 0, np.inf), LinearConstraint(np.eye(3), -9, 9)],
    ],
    ids=["function", "dict", "objects"],
)
def test_constraints_have_derivatives(method, constraints):
    found = minimize(bowl, START, 2.0, method, constraints=constraints)
    assert_trees(found.x, {"b": math.log(2), "w": [1.20308, -1.59768]}, 1e-3)
    if method == "SLSQP":
        assert found.nfev < 20


def test_equations_and_bounds():
    equation = {"type": "eq", "fun": lambda p: [p["w"][0] + p["w"][1] - p["b"]]}
    for method in ("SLSQP", "trust-constr"):
        found = minimize(bowl, START, method=method, constraints=equation)
        assert abs(np.sum(found.x["w"]) - found.x["b"]) < 1e-6
    bounds = {"b": None, "w": ([2, -1], None)}
    assert_trees(minimize(bowl, START, bounds=bounds).x, LOWEST | {"w": [2, -1]})
    assert_trees(minimize(bowl, START, bounds=Bounds([0.9, 2, -1])).x, {"b": 0.9, "w": [2, -1]})
    assert_trees(minimize(lambda x: np.sum(x**2), [3, 3], bounds=[(1, None), None]).x, [1, 0])


def test_derivatives_that_the_user_has():
    def gradient(p):
        calls.append(p)
        return {"b": 2 * p["b"], "w": 2 * p["w"]}

    def square(p):
        return p["b"] ** 2 + np.sum(p["w"] ** 2)

    calls = []
    zeros = {"b": 0, "w": np.zeros(2)}
    assert_trees(minimize(square, START, jac=gradient).x, zeros)
    assert calls
    assert_trees(minimize(lambda p: (square(p), gradient(p)), START, jac=True).x, zeros)
    assert minimize(square, START, jac="2-point").nfev % 4 == 0
    found = minimize(square, START, method="trust-ncg", hessp=lambda p, v: gradient(v))
    assert_trees(found.x, zeros)
    assert minimize(lambda x: x @ x, np.ones(2), method="dogleg", hess=lambda x: 2 * np.eye(2))


def test_callbacks_are_given_trees():
    seen = []

    def newer(intermediate_result):
        seen.append(intermediate_result.x)
        raise StopIteration

    minimize(bowl, START, callback=lambda p: seen.append(p))
    minimize(bowl, START, callback=newer, method="trust-constr")
    assert all(p.keys() == START.keys() for p in seen)


@dataclass
class Line:
    slope: float
    weights: np.ndarray


@pytest.mark.parametrize("method", ["trf", "dogbox", "lm"])
def test_least_squares(method):
    def residuals(p, t, measured):
        return {"r": p.weights[0] * np.exp(-p.slope * t) + p.weights[1] - measured}

    start = Line(1, np.array([1, 0]))
    found = least_squares(residuals, start, method=method, args=(TIMES, MEASURED))
    plain = scipy.optimize.least_squares(
        lambda v: v[1] * np.exp(-v[0] * TIMES) + v[2] - MEASURED, [1.0, 1, 0], method=method
    )
    assert_trees(found.x, plain.x)
    assert found.jac.weights.shape == (40, 2)
    assert found.nfev <= plain.nfev


def test_least_squares_with_options_of_trees():
    found = least_squares(
        lambda p, c: [p["a"] - c, p["b"] - 2 * c],
        {"a": 0, "b": 0.0},
        bounds=(-1, {"a": 1, "b": 9}),
        x_scale={"a": 1.0, "b": 2.0},
        kwargs={"c": np.array([2.0, 2.5])},
        loss="soft_l1",
    )
    assert_trees(found.x, {"a": 1.0, "b": 4.5})
    assert found.active_mask["a"] == 1


@pytest.mark.parametrize("given", [{}, {"sigma": np.full(40, 0.05), "absolute_sigma": True}])
def test_curve_fit_has_scipys_covariance(given):
    found, covariance = curve_fit(decay, TIMES, MEASURED, **given)
    plain, expected = scipy.optimize.curve_fit(decay, TIMES, MEASURED, **given)
    np.testing.assert_allclose(found, plain, rtol=1e-5)
    np.testing.assert_allclose(covariance, expected, rtol=1e-4)


def test_curve_fit_of_trees():
    p, covariance = curve_fit(
        lambda t, p: decay(t, *p["w"], p["rest"]), TIMES, MEASURED, {"w": np.ones(2), "rest": 0}
    )
    plain, expected = scipy.optimize.curve_fit(decay, TIMES, MEASURED)
    np.testing.assert_allclose([*p["w"], p["rest"]], plain, rtol=1e-4)
    np.testing.assert_allclose(covariance[0, 0], expected[2, 2], rtol=1e-3)
    bounded, _ = curve_fit(
        lambda t, w, rest: decay(t, *w, rest),
        *(TIMES, MEASURED, (np.ones(2), 0.1)),
        bounds=((0, 0), (np.inf, 0.2)),
    )
    assert bounded[1] <= 0.2
    assert curve_fit(lambda t, a: a, TIMES, MEASURED)[0] == pytest.approx(np.mean(MEASURED))


@pytest.mark.parametrize("method", ["hybr", "lm", "krylov"])
def test_root(method):
    found = root(
        lambda p: [p["x"] * np.cos(p["y"]) - 4, p["y"] * (p["x"] - 1) - 5],
        {"x": 1, "y": 1},
        method=method,
    )
    assert found.success
    assert_trees(found.x, {"x": 6.50409711, "y": 0.90841421})


@pytest.mark.parametrize("method", ["RK45", "BDF"])
def test_solve_ivp(method):
    def oscillator(t, y, mu):
        return {"v": mu * (1 - y["x"] ** 2) * y["v"] - y["x"], "x": y["v"]}

    def crossing(t, y, mu):
        return y["x"] - 1

    given = {"rtol": 1e-6, "atol": 1e-6, "dense_output": True, "args": (3.0,)}
    found = solve_ivp(oscillator, (0, 5), {"x": 2, "v": 0}, method, events=crossing, **given)
    plain = scipy.integrate.solve_ivp(
        lambda t, y, mu: [y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]], (0, 5), [2, 0], method, **given
    )
    np.testing.assert_allclose(found.y["x"][-1], plain.y[0, -1], rtol=1e-4)
    np.testing.assert_allclose(found.sol(1.0)["v"], plain.sol(1.0)[1], rtol=1e-4)
    np.testing.assert_allclose(found.y_events[0]["x"], 1, rtol=1e-5)
    assert found.nfev < 1.2 * plain.nfev


def test_a_vectorized_right_hand_side():
    found = solve_ivp(lambda t, y: -y[::-1], (0, 1), [1, 2], "Radau", vectorized=True)
    np.testing.assert_allclose(found.y[:, -1], [-0.8073, 1.9109], rtol=1e-3)


def low(x):
    if x[0] < 0.5:
        raise ValueError("too low")
    return (x[0] + 1) ** 2


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: minimize(lambda x: x**2, [1.0, 2]), NonScalarOutputError, r"shape \(2,\)"),
        (lambda: minimize(lambda x: None, [1.0]), NonScalarOutputError, "returned a NoneType"),
        (lambda: minimize(3, [1.0]), ArgumentError, "fun is a int"),
        (lambda: minimize(bowl, START, method="BFSG"), ArgumentError, "mean 'BFGS'"),
        (lambda: minimize(bowl, START | {"b": math.nan}), NonFiniteError, r"x0\['b'\] is nan"),
        (lambda: minimize(bowl, START | {"b": "1"}), ArgumentError, r"x0\['b'\] is a str"),
        (lambda: minimize(bowl, START | {"b": True}), ArgumentError, "is a bool: .* by args"),
        (lambda: minimize(bowl, START | {"b": 1j}), ArgumentError, "real and imaginary"),
        (lambda: minimize(bowl, []), ArgumentError, "x0 has no entries"),
        (lambda: minimize(lambda x: x[0] * np.nan, [1.0]), NonFiniteError, "is nan at x0"),
        (lambda: minimize(lambda x: np.sqrt(x[0]), [0.0]), NonFiniteError, "gradient .* is inf"),
        (lambda: minimize(low, [0.0]), ValueError, "too low"),
        (lambda: minimize(low, [3.0]), ValueError, "too low"),
        (lambda: minimize(bowl, START, constraints=3), ArgumentError, "constraints is a int"),
        (lambda: minimize(bowl, START, constraints=[3]), ArgumentError, r"constraints\[0\]"),
        (
            lambda: minimize(bowl, START, constraints={"type": "le", "fun": bowl}),
            ArgumentError,
            "type 'le'",
        ),
        (
            lambda: minimize(bowl, START, constraints=LinearConstraint(np.eye(2))),
            ArgumentError,
            "2 columns, and the parameters have 3",
        ),
        (
            lambda: minimize(bowl, START, constraints=lambda p: "no"),
            ArgumentError,
            "something else than numbers",
        ),
        (lambda: minimize(bowl, START, bounds={"w": (0, 1)}), ArgumentError, "not like the par"),
        (lambda: minimize(bowl, START, bounds={"b": 1, "w": None}), ArgumentError, r"pair \(low"),
        (lambda: minimize(low, [3.0], bounds=[]), ArgumentError, "0 pairs of bounds for 1"),
        (lambda: minimize(bowl, START, bounds=Bounds([1, 2])), ArgumentError, "have 3 entries"),
        (
            lambda: minimize(bowl, START, jac=lambda p: {"b": 0.0}),
            ArgumentError,
            "what jac returned is not like",
        ),
        (lambda: least_squares(lambda p: "no", [1.0]), ArgumentError, "something else than num"),
        (lambda: least_squares(lambda p: p, [1.0], bounds=(0,)), ArgumentError, "bounds is the"),
        (lambda: least_squares(np.sqrt, [0.0]), NonFiniteError, "Jacobian of sqrt is inf"),
        (lambda: curve_fit(decay, TIMES, MEASURED, {"a": None}), ArgumentError, "p0 has no"),
        (lambda: root(lambda x: x[:1], [1.0, 2]), ArgumentError, "1 numbers for 2 entries"),
        (lambda: root(lambda x: x, [1.0], method="hyb"), ArgumentError, "mean 'hybr'"),
        (lambda: root(lambda x: x * np.inf, [1.0]), NonFiniteError, "is inf in entry 0"),
        (lambda: solve_ivp(lambda t, y: 1.0, (0, 1), [1, 2]), ArgumentError, "for 2 entries"),
        (lambda: solve_ivp(lambda t, y: {"v": 1.0}, (0, 1), {"x": 1}), ArgumentError, "not like"),
        (
            lambda: cr.grad(lambda a: minimize(lambda x: (x[0] - a) ** 2, [0.0]).x[0])(1.0),
            UnsupportedError,
            "call SciPy's own minimize",
        ),
    ],
)
def test_what_cannot_be_says_why(call, error, message):
    with pytest.raises(error, match=message) as met:
        call()
    assert isinstance(met.value, ChainruleError) or "too low" in message
