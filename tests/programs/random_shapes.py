"""Random programs of numbers and arrays of any shape, in both precisions, in trees and helpers.

They write into arrays, their arguments too, and through views; loop, branch, and keep things in
lists, dicts and objects. Each line is tried with NumPy before it is taken: what NumPy refuses, and
what grows beyond all bounds, is left out. So lines may be drawn without a thought about shapes.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import linecache
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from tests.programs.random_lines import EXPRESSIONS, HELPERS, RETURNED, STATEMENTS

__all__ = ["ShapedProgram", "shaped_program"]

#: Chooses one of some things: hypothesis does, or a random generator.
Choose: TypeAlias = "Callable[[Sequence[Any]], Any]"

SHAPES_GIVEN = [None, (), (1,), (3,), (2, 3), (1, 3), (3, 1), (1, 1), (2, 2)]
KINDS = [*EXPRESSIONS, *STATEMENTS]
NAMES = ["a", "b", "c", "h", "x", "y"]
LARGEST = 1e3
K = np.array([0.3, -0.7, 1.1])  # captured by some programs
#: What programs refer to.
MODULES = {"dataclasses": dataclasses, "functools": functools, "math": math}


class ShapedProgram(NamedTuple):
    """A program, ``program(x, y)``, its source and arguments to call it with."""

    source: str
    args: tuple[Any, ...]

    @property
    def function(self) -> Any:
        """The program, defined anew."""
        return _defined(self.source)["program"]


def shaped_program(choose: Choose, seed: int, length: int = 12) -> ShapedProgram:
    """Draw a program of fewer lines than ``length``, and its arguments."""
    random = np.random.default_rng(seed)
    args = tuple(_argument(choose, random) for _ in range(2))
    lines: list[str] = []
    known: list[str] = []
    for name, arg in zip("xy", args, strict=True):
        if isinstance(arg, dict):
            lines.append(f'{name}1, {name}2 = {name}["w"], {name}["b"]')
        elif isinstance(arg, (list, tuple)):
            lines.append(f"{name}1, {name}2 = {name}")
        known += (
            [name] if np.isscalar(arg) or isinstance(arg, np.ndarray) else [f"{name}1", f"{name}2"]
        )
    for _ in range(choose(range(1, length))):
        template = choose(choose(KINDS))
        operands = choose(known[-4:]), choose(known)
        name = choose(NAMES[: 4 + 2 * (len(known) == 2)])
        text = template.format(*operands, name)
        if not any(template in kind for kind in STATEMENTS):
            text = f"{name} = {text}"
        found = _values(_source([*lines, text, "return locals()"]), args)
        if found is not None:
            lines.append(text)
            if name in found and (f"{name} = " in text or f"{name}, " in text):
                known = [*(other for other in known if other != name), name]
    terms: list[str] = []
    for _ in range(choose(range(2, 6))):
        text = choose(RETURNED).format(choose(known[-3:]))
        if _values(_source([*lines, f"term = {text}", "return locals()"]), args) is not None:
            terms.append(text)
    lines.append("return " + (" + ".join(terms) or f"np.sum({known[0]})"))
    return ShapedProgram(_source(lines), args)


def _source(lines: Sequence[str]) -> str:
    body = "\n".join(lines)
    helpers = [text.lstrip() for name, text in HELPERS.items() if f"{name}(" in body]
    indented = "\n".join(f"    {line}" for line in body.splitlines())
    return "\n\n".join([*helpers, f"def program(x, y):\n{indented}\n"])


def _argument(choose: Choose, random: np.random.Generator) -> Any:
    def leaf() -> Any:
        shape = choose(SHAPES_GIVEN)
        if shape is None:
            return float(random.uniform(-1, 1))
        array = np.array(random.uniform(-1, 1, shape))
        return array.astype(np.float32) if choose([0, 0, 0, 1]) else array

    kind = choose(["leaf"] * 5 + ["dict", "list", "tuple"])
    if kind == "dict":
        return {"w": leaf(), "b": leaf()}
    if kind == "leaf":
        return leaf()
    return [leaf(), leaf()] if kind == "list" else (leaf(), leaf())


def _values(source: str, args: tuple[Any, ...]) -> dict[str, Any] | None:
    """Return a program's variables at its end, if all numbers are floats of a bearable size."""
    try:
        with np.errstate(all="raise"), warnings.catch_warnings(action="error"):
            found = _defined(source)["program"](*copy.deepcopy(args))
    except Exception:
        return None
    values = {
        name: value
        for name, value in found.items()
        if name in {*NAMES, "x1", "x2", "y1", "y2", "term"} and name not in ("x", "y")
    }
    values |= {
        name: found[name] for name in "xy" if not isinstance(found[name], (dict, list, tuple))
    }
    for value in values.values():
        if not isinstance(value, (float, np.ndarray, np.floating)) or np.size(value) > 40:
            return None
        if np.asarray(value).dtype.kind != "f" or not np.all(np.abs(value) < LARGEST):
            return None
    return values


def _defined(source: str) -> dict[str, Any]:
    linecache.cache["<shaped>"] = (len(source), None, source.splitlines(True), "<shaped>")
    names: dict[str, Any] = {"np": np, "K": K, **MODULES, "__name__": "shaped"}
    exec(compile(source, "<shaped>", "exec"), names)
    return names
