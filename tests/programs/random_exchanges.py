"""Random programs whose entries and rows exchange places, computed early or late.

Right sides are of different depth: an entry, an entry times a number that took two matrix products,
a sum over what is just being written. The order in which compiled code may compute and write them
is the question. Like all random programs, ``program(x, y)``: of a vector and a matrix here.
"""

from __future__ import annotations

import copy
import re

import numpy as np

from tests.programs.random_shapes import LARGEST, Choose, ShapedProgram

__all__ = ["exchanging_program"]

_LENGTH, _ROWS = 7, 6  # of a; of m, which is square
#: In braces: {i}, {j}, {k} an index of a; {r}, {s}, {c} of m; {n} a number, {v} a row.
NUMBERS = [
    *("a[{i}]", "a[{j}]", "a[{i}] * 0.5", "a[{j}] * late", "m[{r}, {c}]", "m[{s}, {c}] - a[{i}]"),
    *("x[{j}]", "0.3", "late", "np.sum(a)", "np.tanh(a @ a)", "np.cumsum(a)[{i}]", "np.max(a)"),
    *("np.sum(m[{r}])", "np.linalg.norm(m) * 0.1", "a[-1] * a[{k}]", "v[{c}]", "old[{i}]"),
    *("np.tanh(m[{r}] @ m[:, {c}])", "w[{c}, {r}]", "np.sin(late * a[{k}])", "early", "flat[{i}]"),
]
VECTORS = [
    *("m[{r}]", "m[{s}]", "m[{r}] * 0.5", "m[{s}] * late", "m[{r}].copy()", "m[:, {c}]", "a[1:]"),
    *("np.tanh(m @ v)", "m[{s}] + m[{r}]", "a[{i}] * m[{r}]", "v", "v[::-1]", "np.cumsum(m[{r}])"),
    *("w[{c}]", "w[{c}] - 0", "old[:6]", "np.sin(m[{r}]) * early", "x[:6]", "m[{r}, ::-1]"),
    "np.mean(m, axis=0)",
]
#: A semicolon begins a new line; {o} is =, +=, -= or *=.
STATEMENTS = [
    *("a[{i}], a[{j}] = {n}, {n}", "a[{i}], a[{j}], a[{k}] = {n}, {n}, {n}", "a[{i}] {o} {n}"),
    *("p, q = {n}, {n};a[{i}] = p;a[{j}] = q", "p, q = {n}, {n};a[{j}] = q;a[{i}] = p"),
    *("m[{r}], m[{s}] = {v}, {v}", "m[{r}], m[:, {c}] = {v}, {v}", "m[{r}] {o} {v}"),
    *("p = {v};m[{r}] = {v};m[{s}] = p", "m[:, {c}], m[:, {s}] = {v}, {v}", "w[{c}] {o} {v}"),
    *("a[{i}], m[{r}, {c}] = {n}, {n}", "m[{r}, {c}], m[{s}, {r}] = {n}, {n}", "v[{c}] {o} {n}"),
    *("m[[{r}, {s}]] = m[[{s}, {r}]]", "m[[{r}, {s}], {c}] = m[[{s}, {r}], {s}] * late"),
    *("a[1:], a[{i}] = {v}, {n}", "a[{i}], a[:6] = {n}, {v}", "v[:3], v[3:] = v[3:] * late, v[:3]"),
    *("late = {n}", "late = np.tanh(np.sum(np.tanh(m @ np.tanh(m.T @ ({v})))))", "old = a.copy()"),
    *("early = a[{i}]", "flat[{i}], flat[{j}] = {n}, {n}", "a[:2] = a[{i}], {n}"),
    *("for i in range(6):;    a[i], a[i + 1] = {n}, {n}", "for row in m:;    row[{c}] = {n}"),
    "for i in range(6):;    p = {n};    m[i], m[i - 1] = m[i - 1] * p, {v}",
    "for i in range(6):;    for j in range(i):;        m[i, j], m[j, i] = m[j, i], {n}",
    "for i in range(5):;    a[i], a[-1] = {n}, a[i] * 0.5;    late = np.tanh(late + {n})",
    "for _ in range(5):;    a[0], a[1] = a[1] * late, {n};    late = np.sin(a[{i}])",
    "for i in range(6):;    if a[i] > a[i + 1]:;        a[i], a[i + 1] = a[i + 1], a[i]",
    "for i in range(1, 7):;    a[i], a[0] = a[0] + {n}, a[i];    m[{r}, i - 1] = {n}",
    "p, q = a[{i}], a[{j}];for i in range(6):;    p, q = q * 0.5, p + {n};    a[i] = p",
]
BEGUN = [
    "a = x * 1.0; m = np.tanh(y)",
    "a = np.zeros(7); m = np.zeros((6, 6)); a[:] = x; m[:] = y",
    "a = x; m = y",
    "a = np.array([x[0], x[1], 0.5, *x[3:]]); m = y.T",
]
TOTAL = "return np.sum(np.cos(a) * (1 + np.arange(7))) + np.sum(m * m[::-1]) + late + {n}"


def exchanging_program(choose: Choose, seed: int, length: int = 8) -> ShapedProgram:
    """Draw a program of some exchanges, and its arguments."""
    random = np.random.default_rng(seed)
    args = random.uniform(-1, 1, _LENGTH), random.uniform(-1, 1, (_ROWS, _ROWS))
    lines = [
        choose(BEGUN),
        "v, w, flat = m[1], m.T, m.reshape(-1)",
        "early, late, old = x[0], np.tanh(np.sum(y @ y)), x * 2",
    ]
    for _ in range(choose(range(2, length))):
        more = _filled(choose, choose(STATEMENTS)).split(";")
        if _is_bounded(ShapedProgram(_source([*lines, *more, "return a, m, late"]), args)):
            lines += more
    return ShapedProgram(_source([*lines, _filled(choose, TOTAL)]), args)


def _filled(choose: Choose, text: str) -> str:
    """Fill in the places of a template: indices are the same ones throughout, others drawn anew."""
    own = {letter: str(choose(range(_LENGTH))) for letter in "ijk"}
    own |= {letter: str(choose(range(_ROWS))) for letter in "rsc"}

    def drawn(found: re.Match[str]) -> str:
        letter = found[1]
        if letter in "nv":
            return re.sub(r"\{(\w)\}", drawn, choose(NUMBERS if letter == "n" else VECTORS))
        return choose(["=", "+=", "*=", "-="]) if letter == "o" else own[letter]

    return re.sub(r"\{(\w)\}", drawn, text)


def _is_bounded(program: ShapedProgram) -> bool:
    """Tell whether NumPy runs a program, and all that it gives is of a bearable size."""
    with np.errstate(all="ignore"):
        found = program.function(*copy.deepcopy(program.args))
    return all(np.all(np.abs(x) < LARGEST) for x in found)


def _source(lines: list[str]) -> str:
    return "def program(x, y):\n" + "".join(f"    {line}\n" for line in lines)
