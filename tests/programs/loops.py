"""Programs with loops, ``f(*args)``: what scientists and networks iterate."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["PROGRAMS", "pendulum"]

random = np.random.default_rng(20)
series = random.normal(size=(12, 2, 4))
coefficients = [float(c) for c in random.normal(size=10)]


def pendulum(turns: int) -> Callable[[float, float, float], float]:
    def swing(th: float, om: float, dt: float) -> float:
        for _ in range(turns):
            th = th + dt * om
            om = om - dt * math.sin(th)
        return th

    return swing


def rnn(W_h: Any, W_x: Any, h: Any) -> Any:
    for x in series:
        h = np.tanh(h @ W_h + x @ W_x)
    return np.sum(h * h)


def rnn_of_arguments(W_h: Any, W_x: Any, h: Any, xs: Any) -> Any:
    loss = 0.0
    for t in range(12):
        h = np.tanh(h @ W_h + xs[t] @ W_x)
        loss = loss + np.sum(h * h)
    return loss


def lstm(W: Any, U: Any, b: Any, h: Any, c: Any) -> Any:
    for t in range(8):
        z = series[t] @ W + h @ U + b
        i = 1 / (1 + np.exp(-z[:, :3]))
        f = 1 / (1 + np.exp(-z[:, 3:6]))
        o = 1 / (1 + np.exp(-z[:, 6:9]))
        c = f * c + i * np.tanh(z[:, 9:])
        h = o * np.tanh(c)
    return np.sum(h)


def heat(u: Any) -> Any:
    for _ in range(30):
        flux = u[1:] - u[:-1]
        u = u + 0.1 * np.concatenate([flux[:1], flux[1:] - flux[:-1], -flux[-1:]])
    return np.sum(u * u)


def heat_in_place(u: Any) -> Any:
    u = u.copy()
    for _ in range(30):
        u[1:-1] = u[1:-1] + 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u * u)


def jacobi(A: Any, B: Any) -> Any:
    A, B = A.copy(), B.copy()
    for _ in range(20):
        B[1:-1] = 0.33 * (A[:-2] + A[1:-1] + A[2:])
        A[1:-1] = 0.33 * (B[:-2] + B[1:-1] + B[2:])
    return np.sum(A * A)


def runge_kutta(y: Any, k: float) -> Any:
    h = 0.1
    for _ in range(20):
        k1 = -k * y
        k2 = -k * (y + h / 2 * k1)
        k3 = -k * (y + h / 2 * k2)
        k4 = -k * (y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return np.sum(y)


def horner(x: float) -> float:
    y = coefficients[0]
    for c in coefficients[1:]:
        y = y * x + c
    return y


def newton(a: float) -> float:
    x = a
    for _ in range(8):
        x = 0.5 * (x + a / x)
    return x


def fixed_point(a: float) -> float:
    x = 1.0
    for _ in range(30):
        x = math.cos(a * x)
    return x


def fibonacci(x: float) -> float:
    a, b = x, x * x
    for _ in range(10):
        a, b = b, math.sin(a) + b
    return b


def growing(x: Any) -> Any:
    for _ in range(8):
        x = np.concatenate([x, np.sin(x[-1:])])
    return np.sum(x)


def running_sum(x: Any) -> Any:
    y = [x[0]]
    for t in range(1, 9):
        y.append(y[t - 1] + x[t] * x[t - 1])
    return np.sum(np.stack(y))


def list_of_inputs(xs: list[float], w: float) -> float:
    h = 0.0
    for x in xs:
        h = math.tanh(h + x * w)
    return h


def powers(x: float) -> float:
    s = 0.0
    for t in range(10):
        s = s + x**t * math.sin(0.1 * t * x)
    return s


def nested(x: float, w: float) -> float:
    for _ in range(6):
        s = x
        for _ in range(5):
            s = math.sin(s * w)
        x = x + s
    return x


def double_sum(x: Any) -> Any:
    s = 0.0
    for i in range(6):
        for j in range(7):
            s = s + x[i, j] * x[j, i]
    return s


def triangular_solve(L: Any, b: Any) -> Any:
    x = np.zeros_like(b)
    for i in range(10):
        x[i] = (b[i] - np.sum(L[i, :i] * x[:i])) / L[i, i]
    return np.sum(x * x)


def triangular_solve_by_entries(L: Any, b: Any) -> Any:
    x = np.zeros_like(b)
    for i in range(10):
        s = b[i]
        for j in range(i):
            s = s - L[i, j] * x[j]
        x[i] = s / L[i, i]
    return np.sum(x * x)


def cholesky(A: Any) -> Any:
    A = A.copy()
    for i in range(9):
        for j in range(i):
            A[i, j] -= A[i, :j] @ A[j, :j]
            A[i, j] /= A[j, j]
        A[i, i] -= A[i, :i] @ A[i, :i]
        A[i, i] = np.sqrt(A[i, i])
    return np.sum(A)


def seidel(A: Any) -> Any:
    A = A.copy()
    for _ in range(6):
        for i in range(1, 5):
            A[i, 1:-1] += A[i - 1, :-2] + A[i - 1, 2:] + A[i + 1, 1:-1]
            for j in range(1, 5):
                A[i, j] += A[i, j - 1]
                A[i, j] /= 9.0
    return np.sum(A)


def drawn(*shape: int) -> Any:
    return random.normal(size=shape)


def definite(n: int) -> Any:
    return 0.1 * drawn(n, n) + 4 * np.eye(n)


#: Name -> the function, its arguments, and how many loops its run and backward pass fold to:
#: besides those that were written, turns at the edges of a loop of loops may stay beside it.
PROGRAMS: dict[str, tuple[Callable[..., Any], tuple[Any, ...], int]] = {
    "pendulum": (pendulum(60), (0.5, 0.1, 0.01), 2),
    "rnn": (rnn, (drawn(3, 3), drawn(4, 3), drawn(2, 3)), 2),
    "rnn_of_arguments": (rnn_of_arguments, (drawn(3, 3), drawn(4, 3), drawn(2, 3), series), 2),
    "lstm": (lstm, (drawn(4, 12), drawn(3, 12), drawn(12), drawn(2, 3), drawn(2, 3)), 2),
    "heat": (heat, (drawn(12),), 2),
    "heat_in_place": (heat_in_place, (drawn(12),), 2),
    "jacobi": (jacobi, (drawn(9), drawn(9)), 2),
    "runge_kutta": (runge_kutta, (drawn(5), 0.3), 2),
    "horner": (horner, (0.4,), 2),
    "newton": (newton, (2.0,), 2),
    "fixed_point": (fixed_point, (0.7,), 2),
    "fibonacci": (fibonacci, (0.3,), 2),
    "growing": (growing, (drawn(3),), 2),
    "running_sum": (running_sum, (drawn(9),), 3),
    "list_of_inputs": (list_of_inputs, ([0.1, 0.5, -0.3, 0.2, 0.7, 0.4, -0.9], 0.8), 2),
    "powers": (powers, (0.3,), 2),
    "nested": (nested, (0.3, 0.8), 4),
    "double_sum": (double_sum, (drawn(7, 7),), 5),
    "triangular_solve": (triangular_solve, (definite(10), drawn(10)), 2),
    "triangular_solve_by_entries": (triangular_solve_by_entries, (definite(10), drawn(10)), 5),
    "cholesky": (cholesky, (definite(9),), 4),
    "seidel": (seidel, (drawn(6, 6),), 6),
}
