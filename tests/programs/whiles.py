"""Programs whose loops go on until a condition fails, with inputs that take other turns."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["PROGRAMS", "UNROLLED"]

Matrix = np.array([[2.0, 1.0, 0.0], [1.0, 3.0, 1.0], [0.0, 1.0, 4.0]])


def newton(a: Any, tol: Any) -> Any:
    x = a
    while abs(x * x - a) > tol:
        x = x - (x * x - a) / (2 * x)
    return x


def fixed_point(a: Any) -> Any:
    x = 1.0
    while True:
        new = math.cos(a * x)
        if abs(new - x) < 1e-8:
            break
        x = new
    return new


def power_iteration(A: Any) -> Any:
    v = np.ones(3)
    for _ in range(100):
        w = A @ v
        w = w / np.sqrt(w @ w)
        err = np.max(np.abs(w - v))
        v = w
        if err < 1e-3:
            break
    return v @ A @ v


def descent(x: Any, A: Any) -> Any:
    x = x.copy()
    g = A @ x - 1.0
    while np.sum(g * g) > 1e-6:
        x -= 0.1 * g
        g = A @ x - 1.0
    return np.sum(x * x)


def adaptive(y: Any, T: Any) -> Any:
    t = 0.0
    h = 0.1
    while t < T:
        y = y + h * -y
        t = t + h
        h = h * 1.1
    return y


def bounded(a: Any, tol: Any) -> Any:
    x = a
    k = 0
    while abs(x * x - a) > tol and k < 12:
        x = 0.5 * (x + a / x)
        k += 1
    return x


def damped(a: Any) -> Any:
    x, k = a, 1
    while abs(x - 1.0) > 1e-3:
        x = x - (x - 1.0) / (k + 1)
        k = k + 1
    return x**2 + k


def counted(a: Any) -> Any:
    x, k = a, 0
    while k < 30:
        k += 1
        y = 0.5 * (x + a / x)
        if abs(y - x) < 1e-6:
            break
        x = y
    return y + k


def series(x: Any) -> Any:
    s = x
    while s < 100.0:
        for i in range(6):
            s = s + 0.1 * i * x
        s = s * 1.2
    return s


def two_loops(a: Any, b: Any) -> Any:
    x = a
    while abs(x * x - a) > 1e-8:
        x = 0.5 * (x + a / x)
    y = b * x
    while y > 1.0:
        y = y * 0.7
    return x * y


def root(c: Any) -> Any:
    x = c
    while abs(x * x - c) > 1e-10:
        x = 0.5 * (x + c / x)
    return x


def helpers(a: Any, b: Any) -> Any:
    return root(a) * root(b)


def means(a: Any, b: Any) -> Any:
    while abs(a - b) > 1e-6:
        a, b = (a + b) / 2, np.sqrt(a * b)
    return a


def smoothing(u: Any) -> Any:
    u = u.copy()
    while np.max(np.abs(u)) > 0.3:
        u[1:-1] = 0.5 * (u[:-2] + u[2:])
        u[0] = 0.9 * u[0]
        u[-1] = 0.9 * u[-1]
    return np.sum(u * u)


def with_continue(a: Any) -> Any:
    x = a
    while True:
        x = x * 0.9
        if x > 5.0:
            continue
        if x < 1.0:
            break
        x = x - 0.1
    return x


def left_behind(a: Any) -> Any:
    x, y = a, 0.0
    while x > 1.0:
        y = np.sin(x)
        x = x * 0.8
    return y


def backwards(xs: Any, most: Any) -> Any:
    s = 0.0
    for i in range(len(xs) - 1, -1, -1):
        s = 0.9 * s + xs[i] * math.sin(s)
        s = s + 0.5 * xs[i]
        if s > most:
            break
    return s * s


def rows(X: Any, most: Any) -> Any:
    s = 0.0
    for x in X:
        s = s + np.sum(x * x)
        if s > most:
            break
    return s * s


PROGRAMS: dict[str, tuple[Callable[..., Any], tuple[Any, ...], list[tuple[Any, ...]]]] = {
    "newton": (newton, (50.0, 1e-12), [(2.0, 1e-3), (4.0, 20.0), (0.5, 0.1), (math.nan, 1e-3)]),
    "fixed_point": (fixed_point, (0.9,), [(0.1,), (0.5,), (0.0,)]),
    "power_iteration": (power_iteration, (Matrix,), [(Matrix + 1,), (np.eye(3),)]),
    "descent": (
        descent,
        (np.array([1.0, 2.0, 3.0]), np.diag([1.0, 2.0, 3.0])),
        [(np.ones(3), np.eye(3)), (np.full(3, 5.0), np.diag([2.0, 1.0, 1.0]))],
    ),
    "adaptive": (adaptive, (1.0, 2.0), [(2.0, 0.0), (1.5, -1.0), (1.0, 0.05), (1.0, 9.0)]),
    "bounded": (bounded, (50.0, 1e-9), [(2.0, 1e-3), (2.0, 1e9), (1e30, 1e-9)]),
    "damped": (damped, (1.02,), [(1.0,), (3.0,)]),
    "counted": (counted, (100.0,), [(1.0,), (1e5,)]),
    "series": (series, (1.0,), [(50.0,), (200.0,)]),
    "two_loops": (two_loops, (30.0, 2.0), [(2.0, 0.1), (1e4, 3.0), (1.0, 1.0)]),
    "helpers": (helpers, (30.0, 2.0), [(1.0, 1.0), (2.0, 1e5)]),
    "means": (means, (24.0, 6.0), [(1.0, 1.0), (100.0, 1.0)]),
    "smoothing": (smoothing, (np.array([1.0, 3.0, 2.0, 4.0, 1.0]),), [(np.zeros(5),)]),
    "with_continue": (with_continue, (4.5,), [(1.05,), (4.9,)]),
    "left_behind": (left_behind, (5.0,), [(50.0,), (1.3,)]),
    "backwards": (backwards, (np.ones(30), 3.0), [(np.ones(30), 1.0), (np.full(30, 0.9), 0.1)]),
    "rows": (rows, (np.ones((20, 2)), 11.0), [(np.ones((20, 2)), 30.0), (np.ones((20, 2)), 1.0)]),
}


def bisection(a: Any) -> Any:
    lo, hi = 0.0, a
    while hi - lo > 1e-2:
        mid = (lo + hi) / 2
        if mid * mid > a:
            hi = mid
        else:
            lo = mid
    return mid


def another_later(x: Any) -> Any:
    k = 0
    while x < 20.0:
        x = x * 1.3
        if k > 20:
            x = x + 5.0
        k += 1
    return x


def clipped(x: Any) -> Any:
    k = 0
    while x < 20.0:
        x = x * 1.3 + min(k, 10)
        k += 1
    return x


def of_a_table(x: Any) -> Any:
    rates = [0.1] * 9 + [0.5] * 100
    for k in range(100):
        x = x - rates[k] * x
        if abs(x) < 0.5:
            break
    return x


def looked_at_behind(x: Any) -> Any:
    k = 0
    while x > 1.0:
        x = x * 0.8
        k += 1
    return x * 2 if k > 15 else x


def remembered(x: Any) -> Any:
    seen = []
    while x > 1.0:
        x = x * 0.8
        seen.append(0)
        if len(seen) > 12:
            x = x * 0.5
    return x


def in_steps(x: Any) -> Any:
    k = 0
    while x > 1.0:
        x = x * 0.8 - 0.001 * (k // 10)
        k += 1
    return x


def counted_in_an_array(x: Any) -> Any:
    n = np.zeros(1, int)
    while x > 1.0:
        x = x * (0.8 if n[0] < 12 else 0.5)
        n[0] += 1
    return x


def of_a_constant_array(x: Any) -> Any:
    rates, k = np.array([0.8] * 10 + [0.5] * 90), 0
    while x > 1.0:
        x = x * rates[k]
        k += 1
    return x


def through_a_view(x: Any) -> Any:
    u = x.copy()
    rest = u[1:]
    while np.sum(u * u) > 1.0:
        rest *= 0.5
        u[0] -= 0.3 * u[0]
    return np.sum(u)


#: What is printed for the turns of one run, and a part of the reason.
UNROLLED: dict[str, tuple[Callable[..., Any], tuple[Any, ...], str]] = {
    "bisection": (bisection, (3.0,), "its turns are not the same"),
    "another_later": (another_later, (1.0,), "compared"),
    "clipped": (clipped, (1.0,), "compared"),
    "of_a_table": (of_a_table, (1.0,), "rates"),
    "looked_at_behind": (looked_at_behind, (5.0,), "compared"),
    "in_steps": (in_steps, (5.0,), "does not grow evenly"),
    "counted_in_an_array": (counted_in_an_array, (5.0,), "n is another one in each turn"),
    "of_a_constant_array": (of_a_constant_array, (5.0,), "another entry of a constant array"),
    "through_a_view": (through_a_view, (np.ones(3),), "shares its entries with another array"),
    "remembered": (remembered, (5.0,), "seen may be another one in each turn"),
}
