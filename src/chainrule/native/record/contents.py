"""What objects hold, and how that is asked again: ``ABSENT`` where there is nothing."""

from __future__ import annotations

from typing import Any

from chainrule.numpy.closure import ABSENT

__all__ = [
    "attribute_of",
    "contents",
    "current_of",
    "is_in",
    "item_of",
    "of_class",
    "target_of",
    "words",
]


def item_of(items: Any, key: Any) -> Any:
    """Return what a mapping holds."""
    return items.get(key, ABSENT)


def current_of(variable: Any, _: str) -> Any:
    """Return what a context variable is."""
    return variable.get(ABSENT)


def target_of(reference: Any, _: str) -> Any:
    """Return what a weak reference is to."""
    return reference()


def words(parts: Any) -> frozenset[str]:
    """Return the names in what a getter is made of: ``attrgetter("layer.w")``."""
    if isinstance(parts, str):
        return frozenset(parts.split("."))
    if isinstance(parts, (tuple, list)):
        return frozenset().union(*map(words, parts))
    return frozenset()


def of_class(kind: type, name: str) -> Any:
    """Return what a class itself holds."""
    return kind.__dict__.get(name, ABSENT)


def attribute_of(value: Any, name: str) -> Any:
    """Return an attribute."""
    return getattr(value, name, ABSENT)


def is_in(items: Any, item: Any) -> bool:
    """Tell whether a set has an item."""
    return item in items


def contents(value: Any) -> dict[Any, Any]:
    """Return what a counterpart holds: items by key or place, or attributes."""
    if isinstance(value, list):
        return dict(enumerate(value))
    return dict(value if isinstance(value, dict) else value.__dict__)
