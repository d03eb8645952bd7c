"""Where inputs lie in the arguments and outputs in the result, for machine code to find them."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
from collections.abc import Iterator, Sequence
from types import MemberDescriptorType
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.native.entry.layout import Fixed, Structure, Tree
from chainrule.native.record.signature import is_input

__all__ = ["of_arguments", "of_result"]

_HEAP_TYPE = 1 << 9  # a flag of types that a class statement made


class _Unusual(Exception):  # never seen by a user: Python takes apart and puts together
    """A container that machine code does not know."""


def of_arguments(args: Sequence[Any]) -> tuple[Structure, ...] | None:
    """Return where the inputs lie, numbered as `flatten` does; None in an unusual container."""
    numbers = itertools.count()

    def structure(value: Any) -> Structure:
        if is_input(value):
            return next(numbers)
        tree = _tree(value)
        if tree is None:
            return Fixed(value)
        keys, parts = tree
        return _made(type(value), keys, [structure(part) for part in parts])

    try:
        return tuple(structure(value) for value in args)
    except _Unusual:
        return None


def of_result(expected: Any, parts: Iterator[Any]) -> Structure | None:
    """Return how outputs make up a result like the one expected; None where Python has to.

    Args:
        expected: the result.
        parts: of each leaf, in the order of `chainrule.trees`: the number of its output, and None;
            or its value, if it is a constant.
    """
    try:
        return _of_result(expected, parts)
    except _Unusual:
        return None


def _of_result(expected: Any, parts: Iterator[Any]) -> Structure:
    if expected is None:
        return Fixed(None)
    if not trees.is_container(expected):
        part = next(parts)
        if type(part) is tuple:
            number, kind = part
            if kind is not None:  # Python makes its ints and bools
                raise _Unusual
            return int(number)
        if isinstance(part, np.ndarray):  # each call gives another copy
            raise _Unusual
        return Fixed(part)
    tree = _tree(expected)
    assert tree is not None
    leaves = trees.children(expected)
    made: dict[Any, Structure] = {
        key: _of_result(part, parts) for key, part in leaves.items()
    }  # in the order of the leaves, which is not that of a dict's keys
    keys, values = tree
    if keys is None:
        return _made(type(expected), None, list(made.values()))
    return _made(
        type(expected),
        keys,
        [made[k] if k in made else Fixed(x) for k, x in zip(keys, values, strict=True)],
    )


def _made(kind: type, keys: tuple[Any, ...] | None, parts: list[Structure]) -> Structure:
    return tuple(parts) if kind is tuple else Tree(kind, keys, tuple(parts))


def _tree(value: Any) -> tuple[tuple[Any, ...] | None, list[Any]] | None:
    """Return the keys and values of a container, None of anything else.

    Raises:
        _Unusual: it is a container whose type may do as it likes.
    """
    kind = type(value)
    if trees.is_record(value):
        names = tuple(field.name for field in dataclasses.fields(value))
        if not _is_plain(kind, names):
            raise _Unusual
        return names, [getattr(value, name) for name in names]
    if kind is dict:
        return tuple(value), list(value.values())
    if kind is tuple or kind is list or _is_named_tuple(kind):
        return None, list(value)
    if isinstance(value, (tuple, list, dict)):
        raise _Unusual
    return None


def _is_named_tuple(kind: type) -> bool:
    """Tell a class that `collections.namedtuple` or `typing.NamedTuple` has made."""
    return kind.__bases__ == (tuple,) and hasattr(kind, "_field_defaults")


def _is_plain(kind: type, names: tuple[str, ...]) -> bool:
    """Tell whether fields are read and written without a line of Python being run."""
    described = (inspect.getattr_static(kind, name, None) for name in names)
    return (
        all(base is object or base.__flags__ & _HEAP_TYPE for base in kind.__mro__)
        and inspect.getattr_static(kind, "__getattribute__") is object.__dict__["__getattribute__"]
        and not any(
            hasattr(type(x), "__set__") and not isinstance(x, MemberDescriptorType)
            for x in described
        )
    )
