"""Random programs for compiled code, which pick, write, branch, and refer to arrays.

A program is a function of a matrix, a vector and a number, ``program(m, v, s)``. Of the arrays of
its module some are equal to others, or to arrays that it makes itself.
"""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["captured", "change", "defined", "source"]

ROWS, COLUMNS = 4, 3
_count = itertools.count()

#: What gives a matrix, a vector, a number. In braces: operands, by the letter of their shape.
EXPRESSIONS: dict[str, list[str]] = {
    "m": [
        *("{m} + {m}", "{m} - {v}", "{m} * {m}", "{s} * {m}", "np.sin({m})", "np.tanh({m})"),
        *("{m} / (2 + {m} ** 2)", "np.exp(-({m} ** 2))", "np.maximum({m}, {v})", "abs({m})"),
        *("{m}[rows]", "{m}[[0, 2, 1, 1]]", "{m}[:, columns]", "{m}[rows][:, columns]"),
        *("np.take({m}, rows, axis=0)", "np.take_along_axis({m}, grid, 1)", "{m}[::-1]"),
        *("np.flip({m}, 1)", "np.roll({m}, 1, axis=0)", "np.pad({m}[1:], ((1, 0), (0, 0)))"),
        *("np.pad({m}, 1)[1:-1, :-2]", "np.pad({m}, 1, mode='edge')[2:, 2:]"),
        *("np.where({m} > {v}, {m}, 2 * {m})", "np.where(mask, {m}, {s})", "np.tril({m})"),
        *("np.broadcast_to({v}, (4, 3)) + {m}", "np.broadcast_to({v}, (4, 3))"),
        *("{m} - {m}.mean(axis=1, keepdims=True)", "{m} * {m}.sum(axis=0)", "{m} @ weights"),
        *("np.concatenate([{m}[2:], {m}[:2]])", "np.stack([{v}, {v}, {v}, {v}])", "{m}.T.T"),
        *(
            "np.ravel({m}.T, order='F').reshape(4, 3)",
            "{m}.T.reshape(4, 3)",
            "np.copy({m}, order='K')",
            "np.copy({m}.T, order='A').T",
        ),
        *("np.cumsum({m}, axis=0)", "{m} * first + {m} * second", "np.outer({m}[:, 0], {v})"),
        *("{m} + np.linspace(0, 1, 3)", "np.tile({v}, (4, 1))", "np.repeat({m}[:2], 2, axis=0)"),
        *("{m} + np.max({m}, axis=1, keepdims=True)", "np.sort({m}, axis=0)", "{m} + table"),
    ],
    "v": [
        *("{v} + {v}", "{v} * {v}", "{v} - {s}", "np.cos({v})", "{v} / (1 + {v} ** 2)"),
        *("np.sum({m}, axis=0)", "np.mean({m}, axis=0)", "{m}[0]", "{m}[-1] - {m}[1]"),
        *("{m}[rows[:3], columns]", "{m}[[0, 1, 1], [2, 0, 0]]", "{v}[columns]", "{v}[[0, 0, 2]]"),
        *("{v} * first", "{v} + 2 * second", "first * second + {v}", "np.flip({v})", "{v}[::-1]"),
        *(
            "np.full(3, {s})",
            "np.stack([{s}, {s}, 1.0])",
            "np.max({m}, axis=0)",
            "np.diagonal({m})",
        ),
        *("np.array([1.0, 1.0, 1.0]) * {v}", "np.where(first > {v}, {v}, second)", "{v} @ weights"),
        *(
            "np.pad({v}[1:], (0, 1))",
            "np.take({v}, columns)",
            "np.cumsum({v})",
            "{m}.T @ {m}[:, 0]",
        ),
        *("{v}[np.arange(3)]", "np.broadcast_to({s}, (3,)) * {v}", "np.expand_dims({v}, 0)[0]"),
    ],
    "s": [
        *("{s} + {s}", "{s} * {s}", "np.sin({s})", "{s} / (1 + {s} ** 2)", "np.tanh({s})"),
        *("np.sum({m})", "np.mean({m})", "np.sum({v})", "np.mean({v} * {v})", "{v} @ {v}"),
        *("np.sum({m}[np.nonzero({m} > 0.2)])", "np.sum({m}[{m} > {s}])", "np.max({v})"),
        *("{m}[1, 2]", "{m}[rows[0], columns[1]]", "{v}[0]", "np.trace({m})", "np.min({m})"),
        *("np.sum(first * {v})", "np.sum({v}[columns] * second)", "np.linalg.norm({v} + 9)"),
        *("np.flip({s})", "np.reshape({s}, ())", "np.squeeze({s})", "np.ravel({s})[0]"),
        *("np.transpose({s})", "np.sum(np.atleast_2d({s}))", "np.expand_dims({s}, 0)[0]"),
        *("np.broadcast_to({s}, ())", "np.logaddexp({s}, {s})", "np.where({s} > 0.1, {s}, -{s})"),
        *("np.sum(np.take_along_axis({m}, grid, 1))", "np.sum({m}[rows] * {m})", "np.var({m})"),
    ],
}
#: Further statements, by the shape of what they change; ``name`` has been copied before.
WRITES: dict[str, list[str]] = {
    "m": [
        *("{name}[0] = {v}", "{name}[1] += {v}", "{name}[:, 1] *= {s}", "{name}[rows] = {m}"),
        *("{name}[1, 2] = {s}", "{name}[{name} > 0.5] = 0.25", "{name} *= {v}", "{name}[1:] -= 1"),
        *("{name}[[0, 1], [2, 0]] += {s}", "part = {name}[0]; part += {v}"),
    ],
    "v": ["{name}[0] = {s}", "{name}[1:] += {s}", "{name}[columns] = {v}", "{name} += {v}"],
}


def source(choose: Callable[[Sequence[Any]], Any], length: int) -> str:
    """Write a program, given what chooses one of several things."""
    names: dict[str, list[str]] = {"m": ["m"], "v": ["v"], "s": ["s"]}
    lines = []

    def written(template: str, **more: str) -> str:
        pieces = []
        for piece in template.replace("{name}", "\0").split("{"):
            letter, closed, rest = piece.partition("}")
            pieces.append(choose(names[letter]) + rest if closed and letter in names else piece)
        return "".join(pieces).replace("\0", more.get("name", ""))

    for k in range(length):
        shape = choose("mmmvvs")
        name = f"{shape}{k}"
        kind = choose(["expression"] * 5 + ["branch", "branch", "write"])
        if kind == "write" and shape in WRITES:
            lines += [f"{name} = {choose(names[shape])} * 1.0"]
            lines += [written(choose(WRITES[shape]), name=name)]
        elif kind == "branch":
            condition = written(choose(["{s} > 0.3", "np.sum({v}) > 0", "{m}[0, 0] < {m}[1, 1]"]))
            lines += [f"if {condition}:", f"    {name} = {written(choose(EXPRESSIONS[shape]))}"]
            lines += ["else:", f"    {name} = {written(choose(EXPRESSIONS[shape]))}"]
        else:
            lines += [f"{name} = {written(choose(EXPRESSIONS[shape]))}"]
        names[shape] += [name, name]  # what is new is used more often
    terms = [f"np.sum({choose(names[choose('mv')])})" for _ in range(2)]
    terms += [written(choose(EXPRESSIONS["s"])) for _ in range(2)]
    lines.append(f"return {' + '.join(terms)}")
    return "def program(m, v, s):\n" + "\n".join(f"    {line}" for line in lines) + "\n"


def captured() -> dict[str, Any]:
    """Return the arrays of a program's module."""
    return {
        "first": np.ones(COLUMNS),
        "second": np.ones(COLUMNS),
        "weights": np.eye(COLUMNS),
        "table": np.zeros((ROWS, COLUMNS)),
        "rows": np.array([0, 1, 1, 3]),
        "columns": np.arange(COLUMNS),
        "grid": np.array([[0, 2, 1], [1, 1, 0], [2, 0, 0], [0, 0, 1]]),
        "mask": np.array([[True, False, True]] * ROWS),
    }


def change(arrays: dict[str, Any], k: int) -> None:
    """Change the captured arrays in place, one after the other."""
    name = list(arrays)[k % len(arrays)]
    array = arrays[name]
    if array.dtype.kind == "f":
        array += np.random.default_rng(k).normal(size=array.shape)
    else:
        array[...] = np.roll(array, 1, axis=0) if name != "columns" else array[::-1].copy()


def defined(text: str, arrays: dict[str, Any]) -> Any:
    """Make the function of a program's text."""
    file = f"<random {next(_count)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    names: dict[str, Any] = {"np": np, **arrays}
    exec(compile(text, file, "exec"), names)
    return names["program"]
