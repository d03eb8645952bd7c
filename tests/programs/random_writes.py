"""Random programs that write: entries, rows, columns, slices, by masks and arrays, through views.

A program is a function of a vector of six and a number, ``program(x, y)``. Some writes overlap with
what they read, some versions of an array are read after a later one was written.
"""

from __future__ import annotations

import itertools
import linecache
from typing import Any

import numpy as np

__all__ = ["defined", "written"]

_count = itertools.count()
#: In braces: a vector, a matrix, a number; {i}, {j}: places in a vector; {r}, {c}: row and column.
NUMBERS = [
    *("{s}", "{s}", "0.5", "{v}[{i}]", "{v}[{i}] * {s}", "np.tanh({v}[{i}])", "{m}[{r}, {c}]"),
    "np.sum({v})",
]
VECTORS = [
    *("{v} + {v}", "np.exp(-({v} ** 2))", "{v} * {n}", "np.roll({v}, 1)", "{v}[::-1]", "{v}"),
    *("np.concatenate([{m}[{r}], {v}[:1]])", "np.sin({v})", "{v}[idx]", "np.cumsum({v}) * 0.1"),
    "np.where({v} > 0.1, {v}, {n})",
]
ROWS = [
    *("{m}[{r}]", "np.sin({v}[:5])", "{v}[1:] * {n}", "{m}[{r}] * {m}[{r}]", "{m}[{r}, ::-1]"),
    "{m}.sum(axis=0) * 0.3",
]
#: Further lines of a statement are parted by semicolons; {o} is =, +=, -= or *=.
WRITES = [
    *("{a}[{i}] {o} {n}", "{a}[1:] {o} {a}[:-1]", "{a}[{i}], {a}[{j}] = {a}[{j}], {a}[{i}]"),
    "for i in range(1, 6):;    {a}[i] {o} np.sin({v}[i]) + 0.3 * {a}[i - 1]",
    "for i in range(4):;    {b}[i, 1:] {o} {b}[i - 1, :-1] * 0.5 + {v}[1:5]",
    *("{b}[{r}] {o} {R}", "{b}[:, {c}] {o} {v}[:4]", "{b}[...] = {b}[::-1] * 0.5"),
    "{b}[1:-1, 1:-1] {o} 0.25 * ({b}[:-2, 1:-1] + {b}[2:, 1:-1] + {b}[1:-1, 2:])",
    *("{a}[{a} > {n}] = {n}", "{a}[idx] {o} {V}", "{a}[idx[:3]] {o} {n}", "{a} = {V} + 0.0"),
    *("{a} {o} {V}", "q = {b}[{r}];q[1:4] {o} {n}", "q = {b}.T;q[{c}] {o} {v}[2:]"),
    "q = {b}.reshape(-1);q[{i}] {o} {n};q[3:9] {o} {v}",
    *("np.add.at({a}, idx, {V})", "{a}[::2] {o} {v}[1::2]", "{a}[::-1] {o} {v}"),
    "for i in range(4):;    for j in range(5):;"
    "        {b}[i, j] {o} {v}[i] * {v}[j] + {b}[i - 1, j - 1]",
    *("{b}[rows, columns] {o} {n}", "{b}[0, idx[:3] % 5] {o} {v}[:3]"),
    "for _ in range(3):;    {a}[1:-1] = 0.5 * ({a}[:-2] + {a}[2:])",
    "for _ in range(2):;    for i in range(1, 5):;        {a}[i] = 0.5 * ({a}[i - 1] + {a}[i + 1])",
    "{a}[{i}] = {a}[places[{r} % 3]] + {n}",
]
#: What a new name may stand for, by the letter of its kind.
NEW = {"v": ["{V} * 1.0", "{v}[:]"], "m": ["{m} * 1.0 + {v}[1:]"], "s": ["{n}"]}


def written(seed: int) -> list[str]:
    """Return a program that gives one number, its ``total``, and one that gives arrays."""
    random = np.random.default_rng(seed)
    names = {"v": ["a", "b"], "m": ["m"], "s": ["s", "y"]}
    parts: dict[str, list[str]] = {"n": NUMBERS, "V": VECTORS, "R": ROWS}

    def choose(things: Any) -> Any:
        return things[random.integers(len(things))]

    def filled(text: str) -> str:
        fixed = {"a": choose(names["v"]), "b": choose(names["m"])}
        fixed["o"] = choose(["=", "+=", "-=", "*="])
        pieces = []
        for piece in text.split("{"):
            letter, closed, rest = piece.partition("}")
            if not closed:
                pieces.append(piece)
                continue
            if letter in parts:
                word = filled(choose(parts[letter]))
            elif letter in names:
                word = choose(names[letter])
            else:
                limits = {"i": 6, "j": 6, "r": 4, "c": 5}
                word = fixed.get(letter) or str(random.integers(limits[letter]))
            pieces.append(word + rest)
        return "".join(pieces)

    lines = ["a = x * 1.0", "b = np.zeros(6)", "m = np.zeros((4, 5))", "s = x[0]"]
    for k in range(random.integers(3, 14)):
        if random.integers(6):
            lines += filled(choose(WRITES)).split(";")
        else:
            kind = choose("vms")
            lines.append(f"{kind}{k} = {filled(choose(NEW[kind]))}")
            names[kind].append(f"{kind}{k}")
    total = "total = np.sum(np.sin({v} * waves[0])) + np.sum({m} * waves[1:5, :5]) + {n}"
    endings = [[filled(total), "return total"], [filled("return {v}, {m}, {v}, {n}")]]
    return [
        "def program(x, y):\n" + "".join(f"    {line}\n" for line in [*lines, *ending])
        for ending in endings
    ]


def defined(text: str) -> Any:
    """Make the function of a program's text."""
    file = f"<writes {next(_count)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    names: dict[str, Any] = {
        "np": np,
        "idx": np.array([0, 2, 2, 5, 1, -1]),
        "places": [4, 0, 3],
        "rows": np.array([0, 3, 1]),
        "columns": np.array([1, 1, 4]),
        "waves": np.cos(np.arange(36)).reshape(6, 6),
    }
    exec(compile(text, file, "exec"), names)
    return names["program"]
