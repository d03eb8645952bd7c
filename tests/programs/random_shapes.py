"""Random programs of numbers and arrays of any shape, in both precisions, in trees and helpers.

Each line is tried with NumPy before it is taken: what NumPy refuses, and what grows beyond all
bounds, is left out. So lines may be drawn without a thought about shapes.
"""

from __future__ import annotations

import linecache
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

__all__ = ["ShapedProgram", "shaped_program"]

#: Chooses one of some things: hypothesis does, or a random generator.
Choose: TypeAlias = "Callable[[Sequence[Any]], Any]"

ENTRYWISE = ["np.sin({0})", "-{0}", "{0}**2", "1 / (2 + {0}**2)", "np.tanh({0} * 2)", "{0} / 3",
             "np.exp(-{0}**2)", "np.sqrt(1 + {0}**2)", "abs({0})", "np.maximum({0}, 0.1)",
             "np.clip({0}, -0.5, 0.5)", "np.where({0} > 0.1, {0}, 2 * {0})",
             "{0}.astype(np.float32)", "{0}.astype(float)", "np.float64(0.5) * {0}",
             "np.float32(0.5) * {0}", "{0} * K", "K - {0}", "np.arctan2({0}, 2.0)"]  # fmt: skip
BINARY = ["{0} + {1}", "{0} - {1}", "{0} * {1}", "{0} / (1 + {1}**2)", "np.maximum({0}, {1})",
          "np.where({0} > {1}, {0}, 2 * {1})", "np.hypot(1 + {0}, {1})", "helper({0}, {1})",
          "{0} @ {1}", "np.dot({0}, {1})", "np.outer({0}, {1})", "{0}.T @ {1}",
          "np.stack([{0}, {1}])", "np.concatenate([{0}, {1}])", "np.r_[{0}, {1}]",
          "np.array([np.sum({0}), 2.0, np.mean({1})])", "np.hstack([{0}, {1}])",
          "np.concatenate([np.ravel({0}), np.ravel({1})])", "np.full(2, np.sum({0})) * {1}",
          "np.c_[{0}, {1}]", "np.append({0}, {1})"]  # fmt: skip
SHAPES = ["np.squeeze({0})", "{0}[None]", "{0}[..., None]", "{0}.T", "np.transpose({0})",
          "np.reshape({0}, -1)", "np.ravel({0})", "{0}[0]", "{0}[-1]", "{0}[1:]", "{0}[:-1]",
          "{0}[::-1]", "{0}[...]", "{0}[()]", "np.atleast_1d({0})", "np.atleast_2d({0})",
          "np.expand_dims({0}, 0)", "np.expand_dims({0}, -1)", "np.swapaxes({0}, 0, -1)",
          "np.swapaxes({0}, 0, 0)", "np.broadcast_to({0}, (2, 3))", "np.tile({0}, 2)",
          "np.broadcast_to({0}, (2, *np.shape({0})))", "np.repeat({0}, 2)", "{0}[:, 0]",
          "{0}[[0, 0, 1]]", "{0}[{0} > 0]", "np.diag({0})", "{0}.reshape(1, 1)",
          "{0}.reshape(())", "np.flip({0})", "np.roll({0}, 1)", "{0}[:, None]", "{0}[0, 1:]",
          "np.pad({0}, 1)", "np.moveaxis({0}, 0, -1)", "{0}.flatten()"]  # fmt: skip
REDUCTIONS = ["np.sum({0})", "np.mean({0})", "{0}.sum(axis=0)", "np.max({0})", "np.prod({0})",
              "np.sum({0}, axis=0, keepdims=True)", "np.mean({0}, axis=-1, keepdims=True)",
              "np.cumsum({0})", "np.linalg.norm({0})", "np.trace({0})", "np.std({0})",
              "{0}.mean(axis=-1)", "np.squeeze(np.sum({0}, axis=0, keepdims=True))"]  # fmt: skip
CONTAINERS = ["sum([v * 2 for v in {0}])", "np.sum(np.square([np.sum({0}), np.mean({1})]))",
              'dict(u={0}, v={1})["u"]', "[{0}, {1}][1]", "np.array([v**2 for v in {0}])",
              "np.mean(np.abs([np.sum({0}), 3 * np.sum({1})]))",
              "K @ np.array([np.sum({0}), 1.0, np.sum({1})])"]  # fmt: skip
WRITES = ["{2} = {0} * 1.0; {2}[0] = np.sum({1})", "{2} = {0} * 1.0; {2}[1:] = {1}",
          "{2} = np.zeros_like({0}); {2}[0] = np.sum({1})", "{2} = {0} + 0.0; {2}[...] += {1}",
          "{2} = {0} * 2.0; {2}[:1] *= 2",
          "{2} = np.broadcast_to({0}, (2, 3)).copy(); {2}[0, 0] = 0.5",
          "{2} = np.ones_like({0}) * K; {2}[-1:] -= {1}"]  # fmt: skip
RETURNED = ["np.sum({0})", "np.mean({0})", "np.squeeze(np.sum({0}, keepdims=True))",
            "np.sum({0}).reshape(())", "np.sum({0}[None])", "np.sum({0}[1:]) + np.sum({0})",
            "np.sum({0}[:1]) * np.sum({0}[..., None])",
            "np.sum({0}**2) / np.size({0})"]  # fmt: skip
SHAPES_GIVEN = [None, (), (1,), (3,), (2, 3), (1, 3), (3, 1), (1, 1), (2, 2)]
NAMES = ["a", "b", "c", "h", "x", "y"]
LARGEST = 1e3
K = np.array([0.3, -0.7, 1.1])  # captured by some programs


class ShapedProgram(NamedTuple):
    """A program, ``program(x, y)``, its source and arguments to call it with."""

    source: str
    args: tuple[Any, ...]

    @property
    def function(self) -> Any:
        """The program, defined anew."""
        return _defined(self.source)["program"]


def shaped_program(choose: Choose, seed: int) -> ShapedProgram:
    """Draw a program and its arguments."""
    random = np.random.default_rng(seed)
    args = tuple(_argument(choose, random) for _ in range(2))
    head = ["def helper(p, q):", "    r = p * q", "    return r + np.sum(q)", "",
            "def program(x, y):"]  # fmt: skip
    values: dict[str, Any] = {"np": np, "K": K}
    exec("\n".join(head[:3]), values)
    known = []
    lines = []
    for name, arg in zip("xy", args, strict=True):
        values[name] = arg
        if isinstance(arg, dict):
            _taken(f'{name}1, {name}2 = {name}["w"], {name}["b"]', values, lines)
            known += [f"{name}1", f"{name}2"]
        elif isinstance(arg, (list, tuple)):
            _taken(f"{name}1, {name}2 = {name}", values, lines)
            known += [f"{name}1", f"{name}2"]
        else:
            known.append(name)
    kinds = [ENTRYWISE, BINARY, SHAPES, SHAPES, REDUCTIONS, CONTAINERS, WRITES]
    for _ in range(choose(range(1, 8))):
        template = choose(choose(kinds))
        operands = choose(known), choose(known)
        name = choose(NAMES[: 4 + 2 * (len(known) == 2)])
        text = template.format(*operands, name)
        if template not in WRITES:
            text = f"{name} = {text}"
        if _taken(text, values, lines) and name not in known:
            known.append(name)
    terms: list[str] = []
    for _ in range(choose(range(1, 4))):
        text = choose(RETURNED).format(choose(known))
        if _taken(f"term = {text}", dict(values), []):
            terms.append(text)
    lines.append("return " + (" + ".join(terms) or f"np.sum({known[0]})"))
    return ShapedProgram("\n".join([*head, *(f"    {line}" for line in lines)]) + "\n", args)


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


def _taken(text: str, values: dict[str, Any], lines: list[str]) -> bool:
    """Run a line; keep it if NumPy accepts it, and the result is floats of a bearable size."""
    tried = dict(values)
    try:
        with np.errstate(all="raise"), warnings.catch_warnings(action="error"):
            exec(text, tried)
    except Exception:
        return False
    for name, value in tried.items():
        if name != "__builtins__" and values.get(name) is not value:
            if not isinstance(value, (float, np.ndarray, np.floating)) or np.size(value) > 40:
                return False
            if np.asarray(value).dtype.kind != "f" or not np.all(np.abs(value) < LARGEST):
                return False
    values.update(tried)
    lines.append(text)
    return True


def _defined(source: str) -> dict[str, Any]:
    linecache.cache["<shaped>"] = (len(source), None, source.splitlines(True), "<shaped>")
    names: dict[str, Any] = {"np": np, "K": K}
    exec(compile(source, "<shaped>", "exec"), names)
    return names
