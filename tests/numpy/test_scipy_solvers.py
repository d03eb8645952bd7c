"""Solvers of SciPy called as ever: values as SciPy gives them, derivatives against differences."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
import scipy.integrate as integrate
import scipy.optimize as optimize
from scipy.integrate import quad, solve_ivp
from scipy.optimize import brentq, minimize

import chainrule as cr
from chainrule.errors import NotConvergedError, UnsupportedError

A = np.random.default_rng(0).normal(size=(3, 3)) + 3 * np.eye(3)
S = A @ A.T
M = np.array([1.0, 0.2, 0.3])
TIGHT = {"rtol": 1e-9, "atol": 1e-9}


def slopes(f, args, h=1e-5):
    """Return the gradients of a function by its arguments, as central differences."""
    found = []
    for k, arg in enumerate(args):
        x = np.asarray(arg, float)
        g = np.zeros(x.shape)
        for i in np.ndindex(*x.shape):
            ends = []
            for step in (h, -h):
                moved = x.copy()
                moved[i] += step
                ends.append(f(*args[:k], moved if x.ndim else float(moved), *args[k + 1 :]))
            g[i] = (ends[0] - ends[1]) / (2 * h)
        found.append(g)
    return found


def check(f, args, tolerance, h=1e-5, value=1e-13):
    numbers = tuple(range(len(args)))
    found, gradients = cr.value_and_grad(f, numbers)(*args)
    np.testing.assert_allclose(found, f(*args), rtol=value)
    for g, expected in zip(gradients, slopes(f, args, h), strict=True):
        np.testing.assert_allclose(g, expected, rtol=tolerance, atol=tolerance)


def cubic(x, a):
    return x**3 + a * x - 2 * a


ROOTS = {
    "brentq": lambda a: brentq(lambda x: cubic(x, a), 0, 10),
    "brentq_args": lambda a: brentq(cubic, 0, 10, args=(a,)),
    "bisect_one_argument": lambda a: optimize.bisect(cubic, 0, 10, a),
    "toms748_full": lambda a: optimize.toms748(cubic, 0, 10, (a,), full_output=True)[0],
    "newton": lambda a: optimize.newton(lambda x: x * x - a, 1.0, lambda x: 2 * x),
    "newton_of_several": lambda a: np.sum(
        optimize.newton(lambda x: x * x - a * np.arange(1, 3), np.ones(2), tol=1e-12)
    ),
    "root_scalar": lambda a: optimize.root_scalar(cubic, (a,), bracket=(0, 5)).root,
    "root_scalar_with_derivative": lambda a: (
        optimize.root_scalar(lambda x: (x * x - a, 2 * x), x0=1.0, fprime=True).root
    ),
    "root": lambda a: np.sum(optimize.root(lambda x: A @ x + x**3 - a, np.zeros(3)).x ** 2),
    "root_lists_and_jac": lambda a: optimize.root(
        lambda x: [x[0] - a, x[1] - x[0] ** 2], [1, 1], jac=lambda x: np.eye(2)
    ).x[1],
    "fsolve": lambda a: np.sum(optimize.fsolve(lambda x, a: A @ x - a**2 * M, np.zeros(3), (a,))),
    "fsolve_full": lambda a: optimize.fsolve(cubic, 1.0, a, full_output=True)[0][0],
    "fixed_point": lambda a: optimize.fixed_point(lambda x: np.cos(a * x) / 2, 0.5),
    "fixed_points": lambda a: np.sum(optimize.fixed_point(lambda x: np.cos(a * x) / 2, M)),
}


@pytest.mark.parametrize("name", ROOTS)
def test_roots(name):
    f = ROOTS[name]
    check(f, (1.3,), 1e-7)
    check(cr.grad(f), (1.3,), 1e-6, value=1e-9)
    np.testing.assert_allclose(cr.jvp(f, (1.3,), (2.0,))[1], 2 * cr.grad(f)(1.3), rtol=1e-9)


def energy(x, a):
    return np.sum((x - a) ** 4 + 2 * (x - a) ** 2) + x[0] * x[1]


def portfolio(m, S, **constraints):
    found = minimize(lambda w: 0.5 * w @ S @ w - m @ w, np.ones(3) / 3, tol=1e-13, **constraints)
    return np.sum(np.sin(found.x))


def to_one(w):
    return np.sum(w) - 1


MINIMA = {
    "free": (lambda a: np.sum(minimize(energy, np.zeros(3), (a,), "BFGS").x ** 2), (3 * M,)),
    "value": (lambda a: minimize(energy, np.zeros(3), (a,)).fun, (3 * M,)),
    "with_jac": (
        lambda a: minimize(lambda x: (x @ x - a @ x, 2 * x - a), np.ones(3), jac=True).x @ M,
        (M,),
    ),
    "bounds": (
        lambda a, u: np.sum(minimize(energy, M, (a,), bounds=[(0, u), (None, 9), (0, u)]).x ** 2),
        (5 * M, 1.2),
    ),
    "equation_and_bounds": (
        lambda m, S: portfolio(
            m, S, bounds=optimize.Bounds(0, 1), constraints={"type": "eq", "fun": to_one}
        ),
        (M, S),
    ),
    "inequality_with_args": (
        lambda m, r: portfolio(
            m,
            S,
            constraints=[{"type": "ineq", "fun": lambda w, r: r - w @ w, "args": (r,)}],
            method="SLSQP",
        ),
        (10 * M, 0.5),
    ),
    "linear": (
        lambda r: portfolio(10 * M, S, constraints=optimize.LinearConstraint(np.eye(3)[:1], 0, r)),
        (0.3,),
    ),
    "nonlinear_not_met": (
        lambda m: portfolio(
            m, S, constraints=optimize.NonlinearConstraint(lambda w: w * w, -np.inf, 100.0)
        ),
        (M,),
    ),
    "scalar": (lambda a: optimize.minimize_scalar(lambda x: (x - a) ** 4 + a * x * x).x, (1.5,)),
}


def decay(x, a, b):
    return a * np.exp(-b * x)


HOURS = np.linspace(0, 2, 9)
SEEN = decay(HOURS, 2.0, 1.3) + 0.05 * np.cos(7 * HOURS)
CLOSE = {"xtol": 1e-14, "ftol": 1e-14, "gtol": 1e-14}


def fitted(y, **options):
    found = optimize.least_squares(lambda p: decay(HOURS, *p) - y, np.ones(2), **CLOSE, **options)
    return found.x @ [1.0, 2.0] + found.cost


def curve(y, sigma=None, **options):
    return optimize.curve_fit(decay, HOURS, y, sigma=sigma, **options)


MINIMA |= {
    "squares": (fitted, (SEEN,)),
    "squares_of_outliers": (lambda y: fitted(y, loss="soft_l1", f_scale=0.1), (SEEN,)),
    "squares_within_bounds": (lambda y: fitted(y, bounds=(0, [9, 1])), (SEEN,)),
    "curve": (lambda y, s: np.sum(curve(y, s * (1 + HOURS))[0]), (SEEN, 0.7)),
    "covariance": (lambda y: 10 * np.sum(curve(y)[1]), (SEEN,)),
    "correlated": (
        lambda y, s: np.sum(curve(y, np.eye(9) + s, absolute_sigma=True)[0]),
        (SEEN, 0.3),
    ),
}


@pytest.mark.parametrize("name", MINIMA)
def test_minima(name):
    f, args = MINIMA[name]
    check(f, args, 1e-3, h=1e-3, value=1e-9)


def test_where_nothing_is_recorded_scipy_is_what_it_is():
    def f(x):
        assert abs(brentq(lambda t: t * t - 2, 0, 2) - math.sqrt(2)) < 1e-12
        assert type(quad(np.sin, 0, 1)[0]) is float
        assert type(minimize(lambda t: t @ t, np.ones(2)).x) is np.ndarray
        assert type(solve_ivp(lambda t, y: -y, (0, 1), [1.0]).y) is np.ndarray
        return x * x

    assert cr.grad(f)(3.0) == 6.0


def test_what_was_not_found_has_no_derivative():
    with pytest.raises(NotConvergedError, match=r"scipy\.optimize\.root has not converged .*line"):
        cr.grad(lambda a: optimize.root(lambda x: x**2 + a, np.ones(1)).x[0])(1.0)
    with pytest.raises(NotConvergedError, match=r"minimize has not converged .*Maximum"):
        cr.grad(lambda a: minimize(energy, M, (a,), options={"maxiter": 1}).x[0])(9 * M)
    with pytest.raises(np.linalg.LinAlgError, match="double root, a flat minimum"):
        cr.grad(lambda a: brentq(lambda x: (x - a) ** 3, 0.0, 2.0))(1.0)
    with pytest.raises(NotConvergedError, match=r"solve_ivp has not reached the end, .*line"):
        cr.grad(lambda a: solve_ivp(lambda t, y: a * y**2, (0, 9), [1.0]).y[0, -1])(1.0)


def test_what_else_a_solver_returns_loses_no_gradient():
    def cube(a, x):
        return x**3 - a

    for f in (
        lambda a: brentq(functools.partial(cube, a), 0.0, 2.0, full_output=True)[1].root,
        lambda a: optimize.newton(functools.partial(cube, a), 1.0, full_output=True)[1].root,
    ):
        assert cr.grad(f)(1.0) == pytest.approx(1 / 3)
    found = {
        "hess_inv": lambda a: minimize(energy, M, (a,)),
        "fjac": lambda a: optimize.root(functools.partial(cube, a), np.ones(1)),
        "qtf": lambda a: optimize.fsolve(functools.partial(cube, a), np.ones(1), full_output=True)[
            1
        ],
    }
    for name, solve in found.items():
        with pytest.raises(UnsupportedError, match=f"`{name}` of what a solver returns .*line"):
            cr.grad(lambda a, name=name, solve=solve: np.sum(solve(a)[name]))(np.float64(1.5))
    with pytest.raises(UnsupportedError, match="`jac` of what a solver returns"):
        cr.grad(lambda a: minimize(energy, M, (a,)).jac[0])(9 * M)
    assert cr.grad(lambda a: a[0] * (minimize(energy, M, (a,)).nit > 0))(9 * M)[0] == 1.0


def test_compiled_code_finds_the_root_of_other_numbers():
    f = cr.grad(ROOTS["brentq"])
    compiled = cr.compile(f)
    for a in (1.3, 2.0, 1.3):
        assert compiled(a) == f(a)
    with pytest.raises(UnsupportedError, match=r"`solution` cannot be printed .* compile it"):
        cr.stage(ROOTS["brentq"], 1.3)


TIMES = np.linspace(0.2, 1, 5)
MIXING = np.array([[1.0, 0.2], [0.1, 1.0]])  # an array from outside


def branching(k):
    found = optimize.root(lambda x: x**2 + k, np.ones(2) / 2)
    return np.sum(found.x) if found.success else -k[0]


CALLS = {
    "variable": lambda k: brentq(lambda x: x**3 + k[0] * x - k[1], 0, 10) ** 2,
    "argument": lambda k: np.sum(optimize.fsolve(lambda x, k: x**3 + k * x - 1, K, args=(k,))),
    "outside": lambda k: np.sum(optimize.root(lambda x: MIXING @ x**3 + k * x - 1, K).x ** 2),
    "minimum": lambda k: minimize(lambda x: np.sum((x - k) ** 2) + x[0] ** 4, K).fun,
    "integral": lambda k: quad(lambda x: np.exp(-k[0] * x * x) * k[1], 0, k[1])[0],
    "steps": lambda k: np.sum(solve_ivp(lambda t, y: -y * k, (0, 1), 2 * k).y[:, -1] ** 2),
}
K = np.array([1.0, 2.0])


@pytest.mark.parametrize("name", CALLS)
def test_compiled_code_calls_a_solver_again(name, capsys):
    f = cr.value_and_grad(CALLS[name])

    def noted(k):
        print("run")
        return f(k)

    compiled = cr.compile(noted)
    compiled(K)
    capsys.readouterr()
    for k in (K, K + 0.5, K * [6.0, 4.0]):
        value, gradient = compiled(k)
        assert value == pytest.approx(f(k)[0], rel=1e-12)
        np.testing.assert_allclose(gradient, f(k)[1], rtol=1e-10)
    if name != "steps":  # of which there may be more
        assert not capsys.readouterr().out
    assert "python   " in compiled.lower(K).schedule


def test_compiled_code_asks_again_whether_there_is_a_root():
    compiled = cr.compile(branching)
    assert [compiled(k) for k in (K, -K, 2 * K)] == [branching(k) for k in (K, -K, 2 * K)]


def path(k):
    found = solve_ivp(
        lambda t, y, k: [-y[0] * k[0], y[0] * k[1]], (0, 1), K, t_eval=TIMES, args=(k,)
    )
    return found.y.ravel()


@pytest.mark.parametrize("derivative", [cr.hessian(CALLS["variable"]), cr.jacobian(path)])
def test_other_compiled_derivatives_of_a_solver(derivative):
    compiled = cr.compile(derivative)
    for k in (K, K + 0.5):
        np.testing.assert_allclose(compiled(k), derivative(k), rtol=1e-9)


@pytest.mark.parametrize("f", [cr.grad(CALLS["variable"]), path])
def test_a_solver_for_many_examples(f):
    many = np.stack([K, K + 0.5, 2 * K])
    np.testing.assert_allclose(cr.vmap(f)(many), np.stack([f(k) for k in many]), rtol=1e-12)


def test_what_differs_from_call_to_call_is_not_compiled():
    f = cr.compile(lambda k: optimize.root(lambda x: x**3 - k, K).nfev * k)
    with pytest.raises(UnsupportedError, match="`nfev` of what a solver returns is another one"):
        f(K)


# Integrals.

QUADS = {
    "limits": (lambda a, b, c: quad(lambda x: x * np.sin(c * x), a, b)[0], (0.2, 1.5, 2.0)),
    "args": (lambda c: quad(lambda x, c: math.exp(-c * x * x), 0, 2, args=(c,))[0], (2.0,)),
    "to_infinity": (lambda a, c: quad(lambda x: np.exp(-c * x * x), a, np.inf)[0], (0.3, 2.0)),
    "from_infinity": (lambda b, c: quad(lambda x: np.exp(-c * x * x), np.inf, b)[0], (0.3, 2.0)),
    "below": (lambda b, c: quad(lambda x: np.exp(c * x), -np.inf, b)[0], (0.3, 2.0)),
    "everywhere": (lambda c: quad(lambda x: np.exp(-c * x * x), -np.inf, np.inf)[0], (2.0,)),
    "peak": (lambda c: quad(lambda x: 1 / (1e-2 + (x - c) ** 2), 0, 1)[0], (0.3,)),
    "infinite_at_an_end": (lambda p: quad(lambda x: x**p, 0, 1)[0], (-0.3,)),
    "twice": (
        lambda a, c: integrate.dblquad(lambda y, x: c * x * y, 0, a, lambda x: 0, lambda x: x)[0],
        (0.3, 2.0),
    ),
    "three_times": (
        lambda a: integrate.tplquad(lambda z, y, x: a * x * z, 0, a, 0, 1, 0, lambda x, y: x)[0],
        (0.7,),
    ),
    "often": (
        lambda a, c: integrate.nquad(lambda y, x: c * x * y, [lambda x: (0, x), (0, a)])[0],
        (0.3, 2.0),
    ),
    "vectors": (
        lambda a, c: integrate.quad_vec(lambda x: np.exp(c * x * M), 0.0, a)[0] @ M,
        (0.3, 2.0),
    ),
    "fixed": (lambda a, c: integrate.fixed_quad(lambda x: np.exp(c * x), 0, a)[0], (0.3, 2.0)),
}


@pytest.mark.parametrize("name", QUADS)
def test_integrals(name):
    f, args = QUADS[name]
    check(f, args, 1e-7)


def test_integrals_of_second_order_and_what_is_refused():
    f, _ = QUADS["everywhere"]
    np.testing.assert_allclose(cr.hessian(f)(2.0), 0.75 * math.sqrt(math.pi) * 2**-2.5)
    with pytest.raises(UnsupportedError, match=r"quad with weight="):
        cr.grad(lambda a: quad(lambda x: a * x, 0, 1, weight="cos", wvar=2.0)[0])(1.0)


# Differential equations.


def predators(t, y, a, b):
    return np.array([a * y[0] - b * y[0] * y[1], 0.5 * y[0] * y[1] - y[1] + 0.1 * np.sin(t)])


Y0 = np.array([1.0, 2.0])


@pytest.mark.parametrize("method", ["RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA"])
def test_differential_equations_by_parameters_start_and_end(method):
    tolerances = {"rtol": 1e-6, "atol": 1e-6} if method in ("RK23", "BDF") else TIGHT
    tight = 1e-4 if method in ("RK23", "BDF", "LSODA") else 1e-6

    def f(a, y0, end):
        found = solve_ivp(
            lambda t, y: predators(t, y, a, 0.7), (0.0, end), y0, method, **tolerances
        )
        return np.sum(np.sin(found.y[:, -1]))

    check(f, (1.1, Y0, 0.7), tight, h=1e-3)


@pytest.mark.parametrize("method", ["RK45", "DOP853", "Radau"])
def test_differential_equations_at_given_times(method):
    def f(a, times):
        found = solve_ivp(predators, (0, 1.0), Y0, method, times, args=(a, 0.7), **TIGHT)
        return np.sum(np.sin(found.y))

    check(f, (1.1, np.array([0.01, 0.5, 0.9])), 1e-5, h=1e-4, value=1e-12)
    plain = solve_ivp(predators, (0, 1.0), Y0, method, [0.0, 1.0], args=(1.1, 0.7)).y
    y, _ = cr.vjp(
        lambda a: solve_ivp(predators, (0, 1.0), Y0, method, [0.0, 1.0], args=(a, 0.7)).y, 1.1
    )
    np.testing.assert_allclose(y, plain, rtol=1e-15)


def test_odeint():
    def f(a, y0, t):
        return np.sum(
            np.sin(integrate.odeint(lambda y, t, a: predators(t, y, a, 0.7), y0, t, (a,)))
        )

    t = np.array([0.0, 0.5, 1.0])
    check(f, (1.1, Y0, t), 1e-5, h=1e-3)

    def decay(k, y0):  # of one number
        return np.sum(np.sin(integrate.odeint(lambda y, t: -k * y, y0, [0.0, 0.5, 1.0])))

    check(decay, (1.1, 0.7), 1e-6, h=1e-3, value=1e-14)

    def stiff(k, y0):
        return integrate.odeint(lambda t, y: [-k * (y[0] - np.cos(t))], y0, t, tfirst=True)[-1, 0]

    check(stiff, (1000.0, np.array([1.0])), 1e-6, h=1e-3)


def test_differential_equations_of_second_order_by_the_steps():
    f = lambda a: solve_ivp(lambda t, y: -a * y, (0, 1), [1.0], **TIGHT).y[0, -1]
    np.testing.assert_allclose(cr.hessian(f)(0.7), math.exp(-0.7), rtol=1e-7)


def test_what_is_not_differentiated_of_differential_equations():
    for options, name in (
        ({"events": lambda t, y: y[0] - 0.5}, "events"),
        ({"dense_output": True}, "dense_output"),
    ):
        with pytest.raises(UnsupportedError, match=f"solve_ivp with {name}"):
            cr.grad(lambda a: solve_ivp(lambda t, y: -a * y, (0, 1), [1.0], **options).y[0, -1])(
                1.0
            )
