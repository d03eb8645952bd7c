"""SciPy's solvers by exact compiled derivatives, and by its own finite differences.

Each problem is solved by a function of the module whose solvers it is to call.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from measure import compare
from peers import Call
from scipy import optimize

from chainrule.interop.scipy import optimize as exact

_RANDOM = np.random.default_rng(0)

Solve = Callable[[Any, Callable[..., Any]], Any]


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def _valley(n: int) -> tuple[Callable[..., Any], Solve]:
    start, options = 1 + 0.3 * np.sin(np.arange(1, n + 1)), {"maxfun": 10**9, "maxiter": 10**6}

    def solve(module: Any, f: Callable[..., Any]) -> Any:
        return module.minimize(f, start, method="L-BFGS-B", options=options)

    return rosenbrock, solve


_ASSETS = 50
_FACTORS = _RANDOM.normal(size=(_ASSETS, 5))
_COVARIANCE = 0.01 * (_FACTORS @ _FACTORS.T + np.diag(_RANDOM.uniform(0.5, 2, _ASSETS)))
_RETURNS = _RANDOM.uniform(0.0, 0.1, _ASSETS)


def risk(w: Any, covariance: Any) -> Any:
    """Return the deviation of a portfolio, with a cost of trading away from equal weights."""
    return np.sqrt(w @ covariance @ w) + 0.02 * np.sum((w - 1 / len(w)) ** 2) ** 0.75


def _all_is_spent(w: Any) -> Any:
    return np.sum(w) - 1


def _earns_enough(w: Any) -> Any:
    return w @ _RETURNS - 0.06


def _portfolio(module: Any, f: Callable[..., Any]) -> Any:
    return module.minimize(
        f,
        np.linspace(0.5, 1.5, _ASSETS) / _ASSETS,
        (_COVARIANCE,),
        "SLSQP",
        bounds=[(0, 0.2)] * _ASSETS,
        constraints=[
            {"type": "eq", "fun": _all_is_spent},
            {"type": "ineq", "fun": _earns_enough},
        ],
    )


_CAMERAS, _POINTS = 4, 40


def projected(x: Any) -> Any:
    """Return where the cameras see the points: a rotation, a translation and a focal length."""
    cameras, points = x[: 7 * _CAMERAS].reshape(_CAMERAS, 7), x[7 * _CAMERAS :].reshape(-1, 3)
    r, t, focus = cameras[:, None, :3], cameras[:, None, 3:6], cameras[:, None, 6:]
    angle = np.sqrt(np.sum(r * r, axis=-1, keepdims=True) + 1e-12)
    axis = r / angle
    points = points[None]
    turned = points * np.cos(angle) + np.cross(axis, points) * np.sin(angle)
    turned = turned + axis * np.sum(axis * points, -1, keepdims=True) * (1 - np.cos(angle))
    seen = turned + t
    return focus * seen[..., :2] / seen[..., 2:]


def reprojection(x: Any, measured: Any) -> Any:
    return (projected(x) - measured).ravel()


_CAMERA = np.array([0.1, -0.2, 0.1, 0.0, 0.0, 5.0, 1.5])
_SCENE = np.concatenate(
    [
        (_CAMERA + _RANDOM.normal(scale=0.1, size=(_CAMERAS, 7))).ravel(),
        _RANDOM.uniform(-1, 1, 3 * _POINTS),
    ]
)
_SEEN = projected(_SCENE) + _RANDOM.normal(scale=1e-3, size=(_CAMERAS, _POINTS, 2))
_GUESS = _SCENE + _RANDOM.normal(scale=0.03, size=_SCENE.size)


def _bundle(module: Any, f: Callable[..., Any]) -> Any:
    return module.least_squares(f, _GUESS, args=(_SEEN,), method="trf", x_scale="jac", ftol=1e-6)


_TIMES = np.linspace(0, 10, 1000)
_TRUE = (2.0, 0.3, 1.5, 0.5, 0.2)


def oscillation(t: Any, a: Any, decay: Any, omega: Any, phase: Any, rest: Any) -> Any:
    return a * np.exp(-decay * t) * np.cos(omega * t + phase) + rest


_MEASURED = oscillation(_TIMES, *_TRUE) + _RANDOM.normal(scale=0.05, size=_TIMES.size)


def _fit(module: Any, f: Callable[..., Any]) -> Any:
    start = (1.0, 0.1, 1.4, 0.0, 0.0)
    best, covariance, about, *_ = module.curve_fit(
        f, _TIMES, _MEASURED, start, bounds=(-5, 5), full_output=True
    )
    fit = np.sum(about["fvec"] ** 2) / 2
    return optimize.OptimizeResult(x=best, fun=fit, covariance=covariance, nfev=about["nfev"])


#: Each with the function that is differentiated.
PROBLEMS: dict[str, tuple[Callable[..., Any], Solve]] = {
    **{f"rosenbrock-{n}": _valley(n) for n in (2, 10, 100, 1000)},
    "portfolio": (risk, _portfolio),
    "bundle": (reprojection, _bundle),
    "curve-fit": (oscillation, _fit),
}


def evaluations(solve: Solve, module: Any, f: Callable[..., Any]) -> int:
    """Count how often a solver computes a function, or its value and derivative at once."""
    if module is exact:
        found = solve(module, f)
        again = found.get("njev") if "cost" in found else 0  # a Jacobian by itself
        return int(found.nfev + (again or 0))
    count = 0

    def counted(*args: Any) -> Any:
        nonlocal count
        count += 1
        return f(*args)

    solve(module, counted)
    return count


def objective(found: Any) -> float:
    return float(found.get("cost", found.fun))


def solvers(rounds: int, seconds: float) -> dict[str, Any]:
    """Return seconds and evaluations of a solution, by problem and by who gives derivatives."""
    found: dict[str, Any] = {}
    for name, (f, solve) in PROBLEMS.items():
        start = time.perf_counter()
        mine = solve(exact, f)
        first = time.perf_counter() - start
        theirs = solve(optimize, f)
        if not objective(mine) <= objective(theirs) * (1 + 1e-3) + 1e-3:
            raise ValueError(
                f"{name}: {objective(mine)} and {objective(theirs)} are no one minimum"
            )
        calls = {
            "chainrule": Call(solve, (exact, f)),
            "finite differences": Call(solve, (optimize, f)),
        }
        timings = compare(calls, rounds, seconds)
        found[name] = {
            "first call": first,
            "seconds": {label: timing.seconds for label, timing in timings.items()},
            "evaluations": {
                label: evaluations(solve, call.arguments[0], f) for label, call in calls.items()
            },
        }
    return found
