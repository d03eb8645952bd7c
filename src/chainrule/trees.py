"""Trees of arguments: tuples, lists, dicts, dataclasses and None around floats and arrays.

A thin layer over optree, which is loaded when the first container is met.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

__all__ = [
    "STATIC",
    "children",
    "flatten",
    "is_container",
    "is_record",
    "map_leaves",
    "paths",
    "structure",
]

#: Says in a field's metadata that its values are no part of the tree, but of its structure.
STATIC = "static"

_NAMESPACE = "chainrule"
_CONTAINERS = (tuple, list, dict, type(None))


def is_container(value: Any) -> bool:
    """Tell whether a value is a tree of other values rather than a leaf."""
    kind = type(value)  # what an Array says that its class is takes a while to find out
    return issubclass(kind, _CONTAINERS) or dataclasses.is_dataclass(kind)


def is_record(value: Any) -> bool:
    """Tell an instance of a dataclass."""
    return dataclasses.is_dataclass(type(value))


def flatten(tree: Any) -> tuple[list[Any], Callable[[Iterable[Any]], Any]]:
    """Return the leaves of a tree and the function that puts other leaves in their place."""
    if not is_container(tree):
        return [tree], lambda leaves: next(iter(leaves))
    import optree

    _register_dataclasses(tree)
    leaves, structure = optree.tree_flatten(tree, namespace=_NAMESPACE)
    return list(leaves), structure.unflatten


def map_leaves(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Return a tree of a function's results, called with the leaves of trees of one structure.

    Raises:
        ValueError: another tree has another structure.
    """
    if not is_container(tree):
        return function(tree, *others)
    import optree

    for each in (tree, *others):
        _register_dataclasses(each)
    return optree.tree_map(function, tree, *others, namespace=_NAMESPACE)


def children(tree: Any) -> dict[Any, Any]:
    """Return what a container holds directly, in the order of its leaves."""
    if tree is None:
        return {}
    if is_record(tree):
        fields = (f.name for f in dataclasses.fields(tree) if not f.metadata.get(STATIC))
        return {name: getattr(tree, name) for name in fields}
    if isinstance(tree, dict):
        import optree

        flat: Any = optree.tree_flatten_one_level(tree, namespace=_NAMESPACE)  # type: ignore[arg-type]
        return {key: tree[key] for key in flat[2]}
    return dict(enumerate(tree))


def paths(tree: Any) -> list[str]:
    """Return how each leaf is reached: ``['W']``, ``[0].bias``, or '' for a lone leaf."""
    if not is_container(tree):
        return [""]
    import optree

    _register_dataclasses(tree)
    return [accessor.codify("") for accessor in optree.tree_accessors(tree, namespace=_NAMESPACE)]


def structure(tree: Any) -> Any:
    """Return what two trees have in common that differ in their leaves alone; None of a leaf."""
    if not is_container(tree):
        return None
    import optree

    _register_dataclasses(tree)
    return optree.tree_structure(tree, namespace=_NAMESPACE)


def _register_dataclasses(tree: Any) -> None:
    """Make every dataclass type in a tree known to optree, its fields in order as children."""
    import optree

    while True:
        unknown = {
            type(leaf)
            for leaf in optree.tree_leaves(tree, namespace=_NAMESPACE)
            if dataclasses.is_dataclass(leaf)
        }
        if not unknown:
            return
        for kind in unknown:
            _register(kind)


def _register(kind: Any) -> None:
    import optree

    fields = dataclasses.fields(kind)
    names = tuple(field.name for field in fields if not field.metadata.get(STATIC))
    constant = tuple(field.name for field in fields if field.metadata.get(STATIC))

    def children(instance: Any) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]:
        values = tuple(getattr(instance, name) for name in names)
        return values, tuple(getattr(instance, name) for name in constant), names

    def build(constants: Any, values: Iterable[Any]) -> Any:
        instance = object.__new__(kind)  # as copy.copy does: __post_init__ may convert its fields
        for name, value in zip((*constant, *names), (*constants, *values), strict=True):
            object.__setattr__(instance, name, value)
        return instance

    optree.register_pytree_node(
        kind,
        children,
        build,
        path_entry_type=optree.GetAttrEntry,
        namespace=_NAMESPACE,
    )
