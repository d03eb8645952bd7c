"""Compute the polynomials of chainrule.native.ir.math: python minimax.py > coefficients.py.

Each is the minimax polynomial of a smooth function on an interval, found by Remez' exchange
algorithm (Remez 1934; Muller, "Elementary Functions", 3rd edition 2016, chapter 3) in 60-digit
arithmetic, of the lowest degree whose error, times the given scale, is below the target. The
coefficients are then rounded to the type.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NamedTuple

import mpmath as mp
import numpy as np

mp.mp.dps = 60


class Task(NamedTuple):
    name: str
    text: str  # the function, for people
    function: Callable
    low: object
    high: object
    scale: float  # largest factor between an error of the polynomial and the relative error of use
    targets: dict[str, float]  # log2 of the error, by type


HEADER = '''"""Minimax polynomials of the elementary functions, one per type. Printed, not written.

`tests/native/ir/math/minimax.py` prints this file: it finds each polynomial by Remez' exchange
algorithm in 60-digit arithmetic, and rounds its coefficients to the type, lowest power first. The
error is that of the polynomial where it is used, relative to the result (1/2 ULP is 2**-53 to
2**-54 for double, 2**-24 to 2**-25 for float).
"""

from __future__ import annotations

from typing import TypeAlias

Polynomial: TypeAlias = tuple[float, ...]


def polynomial(coefficients: str) -> Polynomial:
    """Return the numbers that a hexadecimal text denotes."""
    return tuple(map(float.fromhex, coefficients.split()))

'''


def evaluate(coefficients, x):
    """Return the polynomial with some coefficients, the constant one first, at x."""
    total = mp.mpf(0)
    for coefficient in reversed(coefficients):
        total = total * x + coefficient
    return total


def remez(f, low, high, degree, rounds=12):
    """Return the coefficients and the largest error of the minimax polynomial."""
    low, high = mp.mpf(low), mp.mpf(high)
    middle, half = (low + high) / 2, (high - low) / 2
    count = degree + 2
    points = [middle - half * mp.cos(mp.pi * k / (count - 1)) for k in range(count)]
    grid = [middle - half * mp.cos(mp.pi * k / (16 * count)) for k in range(16 * count + 1)]
    values = [f(x) for x in grid]
    for _ in range(rounds):
        matrix = mp.matrix(count, count)
        right = mp.matrix(count, 1)
        for k, x in enumerate(points):
            for i in range(degree + 1):
                matrix[k, i] = ((x - middle) / half) ** i
            matrix[k, degree + 1] = (-1) ** k
            right[k] = f(x)
        solution = mp.lu_solve(matrix, right)
        scaled = [solution[i] for i in range(degree + 1)]
        errors = [
            evaluate(scaled, (x - middle) / half) - v for x, v in zip(grid, values, strict=True)
        ]
        extrema = []
        start = 0
        for k in range(1, len(grid) + 1):
            if k == len(grid) or (errors[k] > 0) != (errors[start] > 0):
                extrema.append(max(range(start, k), key=lambda j: abs(errors[j])))
                start = k
        while len(extrema) > count:
            end = 0 if abs(errors[extrema[0]]) < abs(errors[extrema[-1]]) else -1
            del extrema[end]
        largest = max(abs(e) for e in errors)
        level = abs(solution[degree + 1])
        if len(extrema) < count or largest < level * mp.mpf("1.02"):
            break
        points = [grid[j] for j in extrema]
    # From powers of (x - middle) / half to powers of x.
    result = [mp.mpf(0)] * (degree + 1)
    for i, c in enumerate(scaled):
        for j in range(i + 1):
            result[j] += c / half**i * mp.binomial(i, j) * (-middle) ** (i - j)
    return result, largest


def find(task, target):
    for degree in range(1, 40):
        coefficients, error = remez(task.function, task.low, task.high, degree)
        if mp.log(error * task.scale, 2) < target:
            return coefficients, mp.log(error * task.scale, 2)
    raise ValueError(task.name)


def shifted(f):
    """Return f that is asked a little beside 0, where its formula is 0 / 0."""

    def g(x):
        with mp.workdps(150):
            return +f(mp.mpf(x) if abs(x) > mp.mpf(10) ** -25 else mp.mpf(10) ** -25)

    return g


def root(f):
    return shifted(lambda z: f(mp.sqrt(z)))


HALF_LN2 = mp.log(2) / 2 * mp.mpf("1.001")
QUARTER_PI = (mp.pi / 4 * mp.mpf("1.006")) ** 2
SILVER = mp.sqrt(2) - 1
USUAL = {"double": -57.0, "float": -27.5}
TASKS = [
    Task(
        "EXP",
        "(exp(r) - 1 - r) / r**2",
        shifted(lambda r: (mp.exp(r) - 1 - r) / r**2),
        -HALF_LN2,
        HALF_LN2,
        0.17,
        {"double": -57.0, "float": -28.0, "middle": -36.0},
    ),
    Task(
        "EXP_QUICK",
        "(exp(r) - 1 - r) / r**2",
        shifted(lambda r: (mp.exp(r) - 1 - r) / r**2),
        -HALF_LN2,
        HALF_LN2,
        0.17,
        {"double": -55.0, "float": -25.5},
    ),
    Task(
        "LOG",
        "(log((1 + s) / (1 - s)) / s - 2) / s**2, z = s**2",
        root(lambda s: (mp.log((1 + s) / (1 - s)) / s - 2) / s**2),
        0,
        SILVER**4 * mp.mpf("1.001"),
        0.0148,
        {"double": -57.5, "float": -27.5, "middle": -42.0},
    ),
    Task(
        "LOG_TAIL",
        "((log((1 + s) / (1 - s)) / s - 2) / s**2 - 2/3) / s**2, z = s**2",
        root(lambda s: ((mp.log((1 + s) / (1 - s)) / s - 2) / s**2 - mp.mpf(2) / 3) / s**2),
        0,
        SILVER**4 * mp.mpf("1.001"),
        0.00044,
        {"double": -68.0, "float": -40.0},
    ),
    Task(
        "SIN",
        "(sin(r) - r) / r**3, z = r**2",
        root(lambda r: (mp.sin(r) - r) / r**3),
        0,
        QUARTER_PI,
        0.65,
        USUAL,
    ),
    Task(
        "COS",
        "(cos(r) - 1 + r**2 / 2) / r**4, z = r**2",
        root(lambda r: (mp.cos(r) - 1 + r**2 / 2) / r**4),
        0,
        QUARTER_PI,
        0.55,
        USUAL,
    ),
    Task(
        "SINH",
        "(sinh(x) - x) / x**3, z = x**2",
        root(lambda x: (mp.sinh(x) - x) / x**3),
        0,
        1,
        0.85,
        USUAL,
    ),
    Task(
        "ATAN",
        "(atan(t) - t) / t**3, z = t**2",
        root(lambda t: (mp.atan(t) - t) / t**3),
        0,
        SILVER**2 * mp.mpf("1.0001"),
        0.182,
        USUAL,
    ),
    Task(
        "ASIN",
        "(asin(x) - x) / x**3, z = x**2",
        root(lambda x: (mp.asin(x) - x) / x**3),
        0,
        mp.mpf("0.2501"),
        0.25,
        USUAL,
    ),
    Task("ERF", "erf(x) / x - 1, z = x**2", root(lambda x: mp.erf(x) / x - 1), 0, 1, 1.0, USUAL),
    Task(
        "ERF_TAIL",
        "erfc(t + 2.475)",
        lambda t: mp.erfc(t + mp.mpf("2.475")),
        mp.mpf("-1.475"),
        mp.mpf("1.475"),
        1.19,
        {"float": -26.5},
    ),
    Task(
        "ERFCX",
        "(1 + 2 x) exp(x**2) erfc(x), x = 4 (1 + t) / (1 - t)",
        lambda t: (lambda x: (1 + 2 * x) * mp.exp(x * x) * mp.erfc(x))(4 * (1 + t) / (1 - t)),
        mp.mpf("-0.8"),
        mp.mpf("0.76"),
        1.0,
        USUAL,
    ),
    Task(
        "CBRT",
        "x**(-1/3)",
        lambda x: x ** (-mp.mpf(1) / 3),
        1,
        2,
        1.26,
        {"double": -15.0, "float": -8.0},
    ),
]


def main() -> None:
    print(HEADER)
    wanted = sys.argv[1:]
    for task in TASKS:
        if wanted and task.name not in wanted:
            continue
        for kind, target in task.targets.items():
            coefficients, error = find(task, target)
            rounded = [float(c) for c in coefficients]
            if kind == "float":
                rounded = [float(np.float32(c)) for c in rounded]
            name = task.name if kind != "middle" else f"{task.name}_MIDDLE"
            key = "double" if kind == "middle" else kind
            print(f"# {task.text}")
            print(f"# on [{float(task.low):.5g}, {float(task.high):.5g}],", end=" ")
            print(f"degree {len(rounded) - 1}, error in use 2**{float(error):.1f}.")
            print(f'{name}_{key.upper()} = polynomial(\n    """')
            for k in range(0, len(rounded), 4):
                print("   ", *(c.hex() for c in rounded[k : k + 4]))
            print('    """\n)\n', flush=True)


if __name__ == "__main__":
    main()
