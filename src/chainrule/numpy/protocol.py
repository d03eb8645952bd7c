"""``__array_function__``: what a NumPy function that is called with an Array does (NEP 18).

It is what the table says. A function that is not in it, or an option that is ``NotImplemented``
there, but is Python code of NumPy's own, runs as user code does, with Arrays for the arrays that it
makes: what it is made of is in the table.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FunctionType
from typing import Any

from chainrule.core.array import Array
from chainrule.errors import RUNS, ExamplesDisagreeError
from chainrule.numpy.boundary import Raised
from chainrule.numpy.creation import to_be_filled
from chainrule.numpy.dispatch import (
    FUNCTIONS,
    arrays_in,
    constant_call,
    full_name,
    is_constant,
    unsupported,
)
from chainrule.numpy.view import UserFunction

__all__: list[str] = []


def array_function(
    self: Array,
    function: Callable[..., Any],
    types: Iterable[type],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Any:
    """Run a NumPy function that was called with an Array among its arguments."""
    implementation = FUNCTIONS.get(function)
    if implementation is not None:
        result = implementation(*args, **kwargs)
        if result is not NotImplemented:
            return result
    constant = is_constant(args, kwargs)
    if constant and not any(x.dtype.kind in "fc" for x in arrays_in([args, kwargs])):
        return constant_call(function, args, kwargs)
    seen = _source(function)
    error = None
    if seen is not None:
        result, error = _tried(seen, args, kwargs, constant)
        if error is None:
            return result
        if isinstance(error, ExamplesDisagreeError):  # a fault of these examples, told with a cure
            raise error
    if constant:  # arrays that the function has made; what NumPy makes of them may be filled, too
        result = constant_call(function, args, kwargs)
        return tuple(map(to_be_filled, result)) if type(result) is tuple else to_be_filled(result)
    raise unsupported(full_name(function)) from error


Array.__array_function__ = array_function  # type: ignore[attr-defined]


@functools.cache
def _source(function: Any) -> Callable[..., Any] | None:
    """Return the Python code of a function of NumPy's as recorded code, None if it has none."""
    source = getattr(function, "__wrapped__", None)
    return UserFunction(source).seen() if isinstance(source, FunctionType) else None


def _tried(
    f: Callable[..., Any], args: Any, kwargs: Any, lenient: bool
) -> tuple[Any, Exception | None]:
    """Return what a function returns, and the first error that plain NumPy would not raise.

    If it is to be ``lenient``, another error is returned, too.
    """
    raised = Raised()
    result = None
    try:
        result = f(*args, **kwargs)
    except Exception as error:
        if raised.first is None:
            if lenient:
                return None, error
            raise
    return result, raised.first


RUNS.add(_tried.__code__)
