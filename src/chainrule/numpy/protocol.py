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
from chainrule.errors import RUNS, ChainruleError
from chainrule.numpy.boundary import Raised
from chainrule.numpy.dispatch import (
    FUNCTIONS,
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
    elif is_constant(args, kwargs):
        return constant_call(function, args, kwargs)
    return _from_source(function)(*args, **kwargs)


Array.__array_function__ = array_function  # type: ignore[attr-defined]


@functools.cache
def _from_source(function: Any) -> Callable[..., Any]:
    source = getattr(function, "__wrapped__", None)
    if not isinstance(source, FunctionType):
        raise unsupported(full_name(function))
    seen = UserFunction(source).seen()

    def run(*args: Any, **kwargs: Any) -> Any:
        result, error = _tried(seen, args, kwargs)
        if error is not None:
            raise unsupported(full_name(function)) from error
        return result

    return run


def _tried(f: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Any, ChainruleError | None]:
    """Return what a function returns, and the first error that plain NumPy would not raise."""
    raised = Raised()
    result = None
    try:
        result = f(*args, **kwargs)
    except Exception:
        if raised.first is None:
            raise
    return result, raised.first


RUNS.add(_tried.__code__)
