"""What a hand-written function returns: its value and its gradients, told apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.explain.reviews.names import base_of_gradient
from chainrule.explain.reviews.run import is_numeric
from chainrule.graph.trace import Argument

__all__ = ["parts_returned"]


def parts_returned(
    returned: Any, arguments: Sequence[Argument], is_value: Callable[[Any], bool]
) -> tuple[Any, list[Any]]:
    """Return the value and the gradients by each argument in what a function returned.

    Gradients are recognised in a tuple or list with one for each argument, alone or after the value
    (``f, (dx, dy)`` or ``f, dx, dy``), each of them a tree as its argument is, in a dictionary by
    their names, and alone if there is one argument. A value may be an array that was not summed.
    What cannot be told apart is None.
    """
    if is_numeric(returned):
        if is_value(returned):
            return returned, []
        if np.ndim(returned):
            return None, [returned] if len(arguments) == 1 else []
        return returned, []
    if not isinstance(returned, (tuple, list)):
        return None, _gradients(returned, arguments)
    if not returned:
        return None, []
    first, *rest = returned
    beside = len(rest) == 1 and not is_numeric(rest[0])
    if is_numeric(first) and (np.ndim(first) == 0 or beside):
        found = _gradients(rest[0] if len(rest) == 1 else rest, arguments)
        if found or beside or is_value(first):
            return first, found
    return None, _gradients(returned, arguments)


def _gradients(given: Any, arguments: Sequence[Argument]) -> list[Any]:
    """Return the gradients by the arguments; [] where they cannot be told apart."""
    if any(argument.path for argument in arguments):
        for trees_given in (given, [given]):
            found = _by_place(trees_given, arguments)
            if any(g is not None for g in found):
                return found
    if isinstance(given, dict):
        return _by_name(given, [argument.name for argument in arguments])
    entries = _spread(given)
    if len(entries) == len(arguments) and all(map(is_numeric, entries)):
        return entries
    return []


def _by_place(given: Any, arguments: Sequence[Argument]) -> list[Any]:
    """Return the gradients in one tree for each argument of the function, of the form that it has.

    A dictionary may stand for an instance of a dataclass, and its keys may be ``dW`` for ``W``.
    """
    positions = list(dict.fromkeys(argument.position for argument in arguments))
    if not isinstance(given, (tuple, list)) or len(given) != len(positions):
        return []
    found = []
    for argument in arguments:
        part = given[positions.index(argument.position)]
        for key in re.findall(r"\w+", argument.path):
            part = _entry(part, key)
        found.append(part if is_numeric(part) else None)
    return found


def _entry(tree: Any, key: str) -> Any:
    """Return one child of a tree, None where there is none."""
    if isinstance(tree, dict):
        names = {str(name): entry for name, entry in tree.items()}
        if key in names:
            return names[key]
        return next((names[n] for n in names if base_of_gradient(n, [key]) == key), None)
    if isinstance(tree, (tuple, list)):
        return tree[int(key)] if key.isdigit() and int(key) < len(tree) else None
    return getattr(tree, key, None) if trees.is_record(tree) else None


def _spread(returned: Any) -> list[Any]:
    """Return the entries of tuples and lists, of those within them too."""
    if not isinstance(returned, (tuple, list)):
        return [returned]
    return [entry for part in returned for entry in _spread(part)]


def _by_name(gradients: Mapping[Any, Any], names: Sequence[str]) -> list[Any]:
    found: dict[str, Any] = {}
    for key, g in gradients.items():
        base = key if key in names else base_of_gradient(str(key), names)
        if base is not None and is_numeric(g):
            found[base] = g
    return [found.get(name) for name in names]
