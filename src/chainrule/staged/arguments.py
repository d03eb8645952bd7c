"""The arguments of printed code: parameters, the leaves of trees, and gradients in their shape."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.array import shape_of
from chainrule.graph.graph import Input
from chainrule.graph.trace import Argument, Trace
from chainrule.staged.constants import Constants
from chainrule.staged.names import Names
from chainrule.staged.text import assertion, literal

__all__ = [
    "gradient_tree",
    "restored",
    "shape_checks",
    "unpacking",
    "value_checks",
]


def unpacking(trace: Trace, parameters: Sequence[str], names: Names) -> list[str]:
    """Name the leaves of the arguments; return the statements that take them out of trees."""
    statements = []
    for argument in trace.arguments:
        parameter = parameters[argument.position]
        if not argument.path:
            argument.name = parameter
            continue
        argument.name = names.fresh(argument.name)
        if argument.node is not None or isinstance(argument.value, np.ndarray):
            statements.append(
                f"{argument.name} = {parameter}{argument.path.replace(chr(39), chr(34))}"
            )
    return statements


def value_checks(trace: Trace, parameters: Sequence[str], constants: Constants) -> list[str]:
    """Write assertions that the arguments which the run took as constants are the same again."""
    checks = []
    for argument in trace.arguments:
        value = argument.value
        if argument.node is not None:
            continue
        name = parameters[argument.position] + argument.path.replace(chr(39), chr(34))
        if isinstance(value, np.ndarray) and value.dtype.kind in "biu":
            test = f"np.array_equal({argument.name}, {constants.copy(value).text})"
        elif value is None or isinstance(value, bool):
            test = f"{name} is {value}"
        elif isinstance(value, (int, str, np.integer)):
            test = f"{name} == {_quoted(value)}"
        else:
            continue
        checks.append(assertion(test, f"{name} is built into the code; stage again"))
    return checks


def shape_checks(trace: Trace) -> list[str]:
    """Write assertions that the arguments have the shapes that sums over axes depend on."""
    shaped = [a for a in trace.arguments if a.node is not None]
    if not any(shape_of(a.value) for a in shaped):
        return []
    return [
        assertion(
            f"np.shape({a.name}) == {literal(shape_of(a.value)).text}",
            f"sums and means depend on the shape of {a.name}; stage again",
        )
        for a in shaped
        if isinstance(a.value, (np.ndarray, np.generic, float))
    ]


def gradient_tree(
    trace: Trace,
    args: Sequence[Any],
    order: Sequence[int],
    wanted: dict[Any, Input],
    name_of: Callable[[Input], str | None],
) -> str:
    """Write the tuple of gradients, each with the structure of its argument.

    ``order`` are the positions of the arguments.

    A dataclass is written as a dict of its fields, but for static ones, and a named tuple as a
    tuple: the printed module knows nothing of the user's classes.
    """
    written = []
    for k in order:
        leaves = [_leaf(x, wanted, name_of) for x in trace.arguments if x.position == k]
        written.append(_tree(args[k], iter(leaves)))
    return f"({', '.join(written)}{',' if len(written) == 1 else ''})"


def _leaf(
    argument: Argument, wanted: dict[Any, Input], name_of: Callable[[Input], str | None]
) -> str:
    if not argument.wanted:
        return "None"
    name = name_of(wanted[argument.node])
    if name is not None:
        return name
    return "0.0" if isinstance(argument.value, float) else f"np.zeros_like({argument.name})"


def _tree(tree: Any, leaves: Iterator[str]) -> str:
    if not trees.is_container(tree):
        return next(leaves)
    if tree is None:
        return "None"
    if isinstance(tree, dict):
        # Leaves come in the order of the sorted keys, where they can be sorted.
        written = {key: _tree(tree[key], leaves) for key in _keys(tree)}
        return "{" + ", ".join(f"{_quoted(key)}: {written[key]}" for key in tree) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(_tree(item, leaves) for item in tree) + "]"
    if dataclasses.is_dataclass(tree):
        values = {name: _tree(part, leaves) for name, part in trees.children(tree).items()}
        inner = ", ".join(f"{_quoted(name)}: {value}" for name, value in values.items())
        return "{" + inner + "}"
    items = [_tree(item, leaves) for item in tree]
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"


def restored(example: Any, gradient: Any) -> Any:
    """Give a printed gradient the user's own dataclasses and named tuples."""
    if trees.is_record(example):
        built = object.__new__(type(example))  # as copy.copy does: __post_init__ may convert
        parts = trees.children(example)
        for field in dataclasses.fields(example):
            name, value = field.name, getattr(example, field.name)
            if name in parts:
                value = restored(value, gradient[name])
            object.__setattr__(built, name, value)
        return built
    if isinstance(example, dict):
        return {key: restored(value, gradient[key]) for key, value in example.items()}
    if isinstance(example, (list, tuple)):
        items = [restored(x, g) for x, g in zip(example, gradient, strict=True)]
        return type(example)(*items) if hasattr(example, "_fields") else type(example)(items)
    return gradient


def _keys(tree: dict[Any, Any]) -> list[Any]:
    try:
        return sorted(tree)
    except TypeError:
        return list(tree)


def _quoted(key: Any) -> str:
    text = literal(key).text
    return text.replace("'", '"') if '"' not in text else text
