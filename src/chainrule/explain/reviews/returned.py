"""What a hand-written function returns: its value and its gradients, told apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.explain.reviews.names import base_of_gradient
from chainrule.explain.reviews.run import is_numeric

__all__ = ["parts_returned"]


def parts_returned(
    returned: Any, names: Sequence[str], is_value: Callable[[Any], bool]
) -> tuple[Any, list[Any]]:
    """Return the value and the gradients by each argument in what a function returned.

    Gradients are recognised in a tuple or list with one for each argument, alone or after the value
    (``f, (dx, dy)`` or ``f, dx, dy``), in a dictionary by their names, and alone if there is one
    argument. A value may be an array that was not summed. What cannot be told apart is None.
    """
    if isinstance(returned, dict):
        return None, _by_name(returned, names)
    if is_numeric(returned):
        if is_value(returned):
            return returned, []
        if np.ndim(returned):
            return None, [returned] if len(names) == 1 else []
        return returned, []
    if not isinstance(returned, (tuple, list)) or not returned:
        return None, []
    first, *rest = returned
    spread = _spread(rest[0] if len(rest) == 1 else rest)
    beside = len(rest) == 1 and isinstance(rest[0], (dict, tuple, list))
    has_value = is_numeric(first) and (np.ndim(first) == 0 or beside)
    if has_value and len(rest) == 1 and isinstance(rest[0], dict):
        return first, _by_name(rest[0], names)
    if has_value and len(spread) == len(names):
        return first, spread
    if has_value and len(rest) == 1 and isinstance(rest[0], (tuple, list)):
        return first, []
    if has_value and is_value(first):
        return first, []
    entries = _spread(returned)
    if len(entries) == len(names) and all(map(is_numeric, entries)):
        return None, entries
    return None, []


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
