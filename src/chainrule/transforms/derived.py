"""What a transform makes of a function: it is called and pickled as the function itself is."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import MethodType
from typing import Any

from chainrule.core.callables import global_name, name_of

__all__ = ["Derived", "derived"]


class Derived(functools.partial[Any]):
    """A function that a transform has made, with all that says what the original is.

    A function that is no module's own cannot be pickled; this is made anew where it is unpickled.
    It is a partial of no arguments, since calling one of those takes no time in Python.
    """

    __slots__ = ("_transform",)
    _transform: tuple[Callable[..., Any], tuple[Any, ...]]

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        transform, (f, *_) = self._transform
        return f"<{transform.__name__} of {name_of(f)}>"

    def __reduce__(self) -> Any:
        """Pickle the original; by name, where the name stands for what was made of it.

        What is of the main module is left to cloudpickle, for another process may have another one.
        """
        by_name = self.__module__ != "__main__"
        return (by_name and global_name(self)) or self._transform


def derived(
    transform: Callable[..., Any], f: Callable[..., Any], *options: Any
) -> Callable[[Callable[..., Any]], Derived]:
    """Return a decorator for the function that ``transform(f, *options)`` returns."""

    def decorate(function: Callable[..., Any]) -> Derived:
        made = Derived(function)
        made._transform = transform, (f, *options)
        functools.update_wrapper(made, f)
        return made

    return decorate
