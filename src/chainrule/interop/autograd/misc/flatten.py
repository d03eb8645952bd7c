"""Trees of numbers and arrays as vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.transforms.ravel import ravel

__all__ = ["flatten", "flatten_func"]


def flatten(value: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Return a vector of all entries of a tree, and the function that makes a tree of a vector.

    >>> vector, unflatten = flatten((1.0, [2.0, {"x": 3.0}]))
    >>> vector
    array([1., 2., 3.])
    >>> unflatten(vector)
    (1.0, [2.0, {'x': 3.0}])
    """
    return ravel(value)


def flatten_func(
    func: Callable[..., Any], example: Any
) -> tuple[Callable[..., Any], Callable[[Any], Any], Any]:
    """Return a function of trees as one of vectors, the way back to trees, and the example's."""
    vector, unflatten = ravel(example)
    return lambda x, *args: ravel(func(unflatten(x), *args))[0], unflatten, vector
