"""The arguments of printed code: parameters, the leaves of trees, and gradients in their shape."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.graph.graph import Input
from chainrule.graph.trace import Argument, Trace
from chainrule.staged.names import Names
from chainrule.staged.text import literal

__all__ = ["gradient_tree", "parameters_of", "restored", "unpacking"]


def parameters_of(f: Callable[..., Any], args: Sequence[Any], names: Names) -> list[str]:
    """Choose the parameters of the printed function: the user's names, one per argument."""
    try:
        known = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        known = []
    chosen = []
    for k in range(len(args)):
        if k < len(known) and known[k].kind is not known[k].VAR_POSITIONAL:
            chosen.append(names.fresh(known[k].name))
        elif known and known[-1].kind is known[-1].VAR_POSITIONAL:
            chosen.append(names.fresh(f"{known[-1].name}_{k - len(known) + 1}"))
        else:
            chosen.append(names.fresh(f"x{k}"))
    return chosen


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


def gradient_tree(
    trace: Trace,
    args: Sequence[Any],
    wanted: dict[Any, Input],
    name_of: Callable[[Input], str | None],
) -> str:
    """Write the tuple of gradients, each with the structure of its argument.

    A dataclass is written as a dict of its fields, and a named tuple as a tuple: the printed module
    knows nothing of the user's classes.
    """
    leaves = iter(trace.arguments)
    written = []
    for arg in args:
        count = len(trees.flatten(arg)[0])
        mine = [next(leaves) for _ in range(count)]
        if not any(leaf.wanted for leaf in mine):
            continue
        texts = iter([_leaf(leaf, wanted, name_of) for leaf in mine])
        parameter = mine[0].name if not mine[0].path else None
        written.append(_tree(arg, texts, parameter))
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


def _tree(tree: Any, leaves: Iterator[str], parameter: str | None) -> str:
    if not trees.is_container(tree):
        return next(leaves)
    if tree is None:
        return "None"
    if isinstance(tree, dict):
        # Leaves come in the order of the sorted keys, where they can be sorted.
        written = {key: _tree(tree[key], leaves, None) for key in _keys(tree)}
        return "{" + ", ".join(f"{_quoted(key)}: {written[key]}" for key in tree) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(_tree(item, leaves, None) for item in tree) + "]"
    if dataclasses.is_dataclass(tree):
        values = {f.name: _tree(getattr(tree, f.name), leaves, None) for f in _fields(tree)}
        inner = ", ".join(f"{_quoted(name)}: {value}" for name, value in values.items())
        return "{" + inner + "}"
    items = [_tree(item, leaves, None) for item in tree]
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"


def restored(example: Any, gradient: Any) -> Any:
    """Give a printed gradient the user's own dataclasses and named tuples."""
    if dataclasses.is_dataclass(example) and not isinstance(example, type):
        built = object.__new__(type(example))  # as copy.copy does: __post_init__ may convert
        for field in _fields(example):
            value = restored(getattr(example, field.name), gradient[field.name])
            object.__setattr__(built, field.name, value)
        return built
    if isinstance(example, dict):
        return {key: restored(value, gradient[key]) for key, value in example.items()}
    if isinstance(example, (list, tuple)):
        items = [restored(x, g) for x, g in zip(example, gradient, strict=True)]
        return type(example)(*items) if hasattr(example, "_fields") else type(example)(items)
    return gradient


def _fields(tree: Any) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(tree)


def _keys(tree: dict[Any, Any]) -> list[Any]:
    try:
        return sorted(tree)
    except TypeError:
        return list(tree)


def _quoted(key: Any) -> str:
    return literal(key).text.replace("'", '"')
