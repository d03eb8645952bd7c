"""Random programs of numbers and arrays of any shape, in both precisions, in trees and helpers.

They write into arrays, their arguments too, and through views; loop, branch, and keep things in
lists, dicts and objects. Each line is tried with NumPy before it is taken: what NumPy refuses, and
what grows beyond all bounds, is left out. So lines may be drawn without a thought about shapes.
"""

from __future__ import annotations

import copy
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
          "{2} = {0} * 2.0; {2}[:1] *= 2", "{2} = np.copy({0}); {2}[0] = 0.0",
          "{2} = np.broadcast_to({0}, (2, 3)).copy(); {2}[0, 0] = 0.5",
          "{2} = np.ones_like({0}) * 0.5; {2}[-1:] -= {1}", "{0} += {1}", "{0} *= 0.5",
          "{0}[...] = {1}", "{0}[{0} > 0.2] *= 0.5", "{0}[0], {0}[-1] = {0}[-1], {0}[0]",
          "{0}[[0, -1]] = {0}[[-1, 0]]", "np.add.at({0}, [0, 0], np.sum({1}))",
          "np.multiply({0}, {1}, out={0})", "np.exp(-({0}**2), out={0})", "np.copyto({0}, {1})",
          "{0}[...].fill(np.sum({1}))", "{0}.sort()", "renewed({0}, {1})", "{0}[{0} < 0] = {1}",
          "{2} = renewed({0} * 1.0, {1})", "np.fill_diagonal({0}, {1})"]  # fmt: skip
VIEWS = ["part = {0}[0]\npart += {1}", "part = {0}.T\npart[...] *= 0.5; {2} = part",
         "part = {0}.reshape(-1)\npart[0] = np.sum({1})", "{2} = {0}[1:]\n{2} -= {1}",
         "part = {0}[::-1]\npart[1:] += part[:-1]", "part = np.ravel({0})\npart *= {1}",
         "for row in {0}:\n    row *= np.cos({1})", "{2} = {0}[..., None]\n{0} *= {1}",
         "{2}, rest = {0}[0], {0}[1:]\nrest += {2}", "{2} = np.swapaxes({0}, 0, -1)\n{2} += 1",
         "parts = np.split({0}, len({0}))\nparts[-1][...] = {1}"]  # fmt: skip
LOOPS = ["for i in range(len({0})):\n    {0}[i] = np.sum({1}) * i + {0}[i - 1]",
         "{2} = np.zeros(np.shape({0}))\nfor i in range(len({0})):\n    {2}[i] = {0}[i] ** 2",
         "{2} = np.empty((2, *np.shape({0})))\n{2}[0] = {0}\n{2}[1] = {2}[0] * {1}",
         "i = 0\nwhile np.sum({0}) > i * 0.3 and i < 4:\n    i += 1\n{2} = {0} * i",
         "if np.sum({0}) > 0.2:\n    {2} = {1} * 1.0\nelse:\n    {2} = {0} - 1.0",
         "total = 0.0\nfor v in np.ravel({0}):\n    total += v * v\n{2} = total",
         "for k, v in enumerate({0}):\n    if k % 2:\n        continue\n    {2} = v * {1}",
         "for v, w in zip({0}, {1}):\n    {2} = v * w\n    if np.sum(v) > 0.3:\n        break",
         "try:\n    {2} = {0}[7]\nexcept IndexError:\n    {2} = {0} * 3",
         "order = np.argsort(np.ravel({0}))\n{2} = np.ravel({0})[order]\norder[0] = order[-1]",
         "places = np.array([0, 0, 1])\n{2} = {0}[places]\nplaces[0] = 1\n{0}[places] = {1}",
         "{2} = filled(3, {0})", "{2} = filled(len({0}), {1}) * {0}"]  # fmt: skip
HELD = ["items = [{0}, {1}]", "items.append({0})", "items[0] = {0}", "{2} = items[-1]",
        "{2} = items.pop()", "{2} = sum(np.sum(item) for item in items)", "items[0][...] = {0}",
        "{2} = np.array([np.mean(item) for item in items])", "items[-1] = items[0] * {0}",
        "{2} = np.concatenate([np.atleast_1d(v) for v in items])", "items.sort(key=np.sum)",
        "{2} = np.stack([{0} * k for k in range(3)])", "{2} = [np.sin(v) for v in {0}][0]",
        "box = dict(a={0}, b={1})", 'box["a"] = {0}', 'box["b"] = box["a"] * 2',
        'box["a"] += {0}', '{2} = box["a"] + np.sum(box["b"])', '{2} = box.get("c", {0})',
        "{2} = sum(np.sum(v) for k, v in box.items())", 'box.update(c={0})',
        "box = {{k: v * 2 for k, v in box.items()}}", 'box["b"][0] = np.sum({0})',
        "state = State({0})", "{2} = state.step({1})", "state.h = {0}", "state.h[...] = {0}",
        "{2} = np.sum(state.h) + sum(state.log)", "{2} = state.size * {0}", "state.h += {1}",
        "{2} = (lambda v: v * np.sum({0}))({1})", "{2} = max(np.ravel({0}), key=abs)",
        "def inner(v, w=2.0):\n    return v * {0} + w\n{2} = inner({1}, w={1})",
        "first, *others = {0}\n{2} = first * len(others)", "{2} = sorted(np.ravel({0}))[0]",
        "{2} = np.sum([v * w for v, w in zip(np.ravel({0}), np.ravel({1}))])",
        "{2} = list(map(np.sum, {0}))[0]", "{2} = [*{0}, *{1}][-1]"]  # fmt: skip
RETURNED = ["np.sum({0})", "np.mean({0})", "np.squeeze(np.sum({0}, keepdims=True))",
            "np.sum({0}).reshape(())", "np.sum({0}[None])", "np.sum({0}[1:]) + np.sum({0})",
            "np.sum({0}[:1]) * np.sum({0}[..., None])",
            "np.sum({0}**2) / np.size({0})", "np.sum(items[0])", "np.sum(state.h)",
            "sum(np.sum(v) for v in box.values())"]  # fmt: skip
SHAPES_GIVEN = [None, (), (1,), (3,), (2, 3), (1, 3), (3, 1), (1, 1), (2, 2)]
KINDS = [
    ENTRYWISE,
    BINARY,
    SHAPES,
    SHAPES,
    REDUCTIONS,
    CONTAINERS,
    WRITES,
    VIEWS,
    LOOPS,
    HELD,
    HELD,
]
NAMES = ["a", "b", "c", "h", "x", "y"]
LARGEST = 1e3
K = np.array([0.3, -0.7, 1.1])  # captured by some programs
#: What programs may call, by name.
HELPERS = {
    "helper": """
def helper(p, q):
    r = p * q
    return r + np.sum(q)
""",
    "renewed": """
def renewed(p, q):
    p[...] = np.sin(p) + np.sum(q)
    return p
""",
    "filled": """
def filled(n, p):
    out = np.zeros(n)
    for i in range(n):
        out[i] = np.sum(p) * i
    return out
""",
    "State": """
class State:
    decay = 0.5

    def __init__(self, h):
        self.h = h
        self.log = []

    def step(self, u):
        self.h = self.decay * self.h + np.tanh(u)
        self.log.append(np.sum(self.h))
        return self.h

    @property
    def size(self):
        return np.sum(self.h**2)
""",
}


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
        if not any(template in kind for kind in (WRITES, VIEWS, LOOPS, HELD)):
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
    names: dict[str, Any] = {"np": np, "K": K}
    exec(compile(source, "<shaped>", "exec"), names)
    return names
