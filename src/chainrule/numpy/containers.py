"""Python's containers, whose items recorded code may see otherwise."""

from __future__ import annotations

import copy
import operator
from collections import OrderedDict, defaultdict, deque
from types import SimpleNamespace
from typing import Any

__all__ = ["CONTAINERS", "filled", "items_of", "refill", "same_objects"]

#: Subclasses of theirs are objects like any other.
CONTAINERS = (
    *(dict, list, tuple, set, frozenset),
    *(OrderedDict, defaultdict, deque, SimpleNamespace),
)


def _named(container: Any) -> Any:
    """Return a container, or the dict that a namespace is."""
    return vars(container) if isinstance(container, SimpleNamespace) else container


def items_of(container: Any) -> list[Any]:
    """Return what is in a container; of a dict or a namespace, the values."""
    container = _named(container)
    return list(container.values() if isinstance(container, dict) else container)


def refill(container: Any, other: Any, items: list[Any]) -> None:
    """Give a container that can be changed other items, and the keys that another one has."""
    held = _named(container)
    held.clear()
    if isinstance(held, dict):
        held.update(zip(_named(other), items, strict=True))
    else:
        (held.update if isinstance(held, set) else held.extend)(items)


def filled(container: Any, items: list[Any]) -> Any:
    """Return a container of the same kind, and of the same keys, with other items."""
    if isinstance(container, (tuple, set, frozenset)):
        return type(container)(items)
    made = copy.copy(container)
    refill(made, container, items)
    return made


def same_objects(these: list[Any], those: list[Any]) -> bool:
    """Tell whether two lists hold the very same objects."""
    return len(these) == len(those) and all(map(operator.is_, these, those))
