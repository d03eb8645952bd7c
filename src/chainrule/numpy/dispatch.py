"""Which NumPy function is which code: the table behind ``__array_function__``, and its refusals.

The modules beside this one fill the table, one family each. `chainrule.numpy.protocol` reads it.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn, TypeVar, Unpack

import numpy as np

from chainrule.core.apply import apply
from chainrule.core.array import Array
from chainrule.core.callables import name_of
from chainrule.core.kinds import constant
from chainrule.core.operation import Operation
from chainrule.core.source import where_am_i
from chainrule.core.traits import Traits
from chainrule.errors import GradientLostError, UnsupportedError

__all__ = [
    "FUNCTIONS",
    "UNSET",
    "constant_call",
    "full_name",
    "has_history",
    "implements",
    "into",
    "is_constant",
    "is_observer",
    "looked_at",
    "lost_in_place",
    "observe",
    "plain_call",
    "refuse",
    "unsupported",
    "with_out",
]

F = TypeVar("F", bound=Callable[..., Any])

#: NumPy function -> the function of Arrays that does the same. Filled by `implements`.
FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}

_OBSERVERS: set[Callable[..., Any]] = set()


class _Unset:
    def __repr__(self) -> str:
        return "<not given>"


#: Default of an option that a caller left out, where None means something.
UNSET: Final = _Unset()


def implements(*functions: Callable[..., Any], observes: bool = False) -> Callable[[F], F]:
    """Enter a function into the table as the meaning of some NumPy functions.

    Where it has an argument ``out``, that is taken care of here. One that only ``observes`` has
    results that carry no gradient.
    """

    def enter(implementation: F) -> F:
        name = full_name(functions[0])
        complete = with_out(implementation, name, inspect.signature(implementation))
        for function in functions:
            FUNCTIONS[function] = complete
        if observes:
            _OBSERVERS.update(functions)
        return complete

    return enter


def with_out(implementation: F, name: str, spelled: inspect.Signature) -> F:
    """Let the implementation of a function have its result written into ``out``, if it takes one.

    It may be given by name or by place, as the function's signature is ``spelled``.
    """
    out = spelled.parameters.get("out")
    if out is None:
        return implementation
    by_name = out.kind is inspect.Parameter.KEYWORD_ONLY
    place = sys.maxsize if by_name else list(spelled.parameters).index("out")

    @functools.wraps(implementation)
    def complete(*args: Any, **kwargs: Any) -> Any:
        if len(args) > place:
            given = args[place]
            args = (*args[:place], None, *args[place + 1 :])
        elif "out" in kwargs:
            given = kwargs.pop("out")
        else:
            return implementation(*args, **kwargs)
        result = implementation(*args, **kwargs)
        return result if given is None else into(given, result, name)

    return complete  # type: ignore[return-value]


def observe(*functions: Callable[..., Any], **traits: Unpack[Traits]) -> None:
    """Declare functions whose one output carries no gradient: masks, indices, answers."""
    for function in functions:
        observer = _observer(constant(function.__name__, function, **traits))
        spelled = inspect.signature(function)
        FUNCTIONS[function] = with_out(observer, full_name(function), spelled)
        _OBSERVERS.add(function)


def is_observer(function: Callable[..., Any]) -> bool:
    """Tell a function whose result carries no gradient."""
    return function in _OBSERVERS


def _observer(operation: Operation) -> Callable[..., Any]:
    function = operation.compute

    def implementation(*args: Any, **kwargs: Any) -> Any:
        if any(type(x) is Array for x in args):
            return apply(operation, function, args, plain(kwargs))
        return plain_call(function, args, kwargs)

    return implementation


def arrays_in(tree: Any) -> Iterator[Array]:
    """Yield the Arrays in arguments, which may lie in lists, tuples, dicts and object arrays."""
    if type(tree) is Array:
        yield tree
    elif isinstance(tree, (list, tuple)):
        for item in tree:
            yield from arrays_in(item)
    elif isinstance(tree, dict):
        for item in tree.values():
            yield from arrays_in(item)
    elif type(tree) is np.ndarray and tree.dtype.hasobject:
        yield from arrays_in(tree.ravel().tolist())


def has_history(tree: Any) -> bool:
    """Tell whether an Array among arguments is more than a constant that the function made."""
    return any(x.node is not None for x in arrays_in(tree))


def plain(tree: Any) -> Any:
    """Replace the Arrays in arguments by their values."""
    if type(tree) is Array:
        converted = tree.node and tree.node.recording.converted
        if converted is not None:  # compiled code must not be used with another value
            converted(tree.node, tree.value)
        return tree.value
    if type(tree) in (list, tuple):
        return type(tree)(plain(item) for item in tree)
    if type(tree) is dict:
        return {key: plain(item) for key, item in tree.items()}
    return tree


def plain_call(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Call a function on the values of the Arrays among its arguments."""
    return function(*plain(tuple(args)), **plain(dict(kwargs)))


def constant_call(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Call a function of integers that is not an operation: its result leaves the graph."""
    for x in arrays_in([args, kwargs]):
        guard = x.node and x.node.recording.guard
        if guard is not None:  # staged code must not be used with other integers
            guard(x.node, x.value)
    return plain_call(function, args, kwargs)


def looked_at(x: Any) -> None:
    """Tell the recording that what follows depends on these very numbers."""
    for array in arrays_in(x):
        guard = array.node and array.node.recording.guard
        if guard is not None:
            guard(array.node, array.value)


def is_constant(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Tell whether no Array among the arguments has a gradient to lose: integers, booleans."""
    return all(x.node is None or x.dtype.kind in "biu" for x in arrays_in([args, kwargs]))


def full_name(function: Any) -> str:
    """Name a function as user code spells it: ``np.linalg.svd``, ``scipy.special.jv``."""
    name = name_of(function)
    module = getattr(function, "__module__", None)
    if isinstance(function, np.ufunc):
        module = "numpy" if getattr(np, name, None) is function else None
    if not module:
        return str(name)
    short = "np" + module.removeprefix("numpy") if module.startswith("numpy") else module
    return f"{short}.{name}"


def unsupported(what: str, cure: str = "") -> UnsupportedError:
    """Make the error for something that chainrule does not differentiate."""
    cure = cure or (
        "write it with functions that chainrule knows, declare its derivative with "
        "chainrule.elementwise or chainrule.operation, or cut it off with chainrule.stop_gradient"
    )
    return UnsupportedError(
        f"{what} has no derivative in chainrule, at {where_am_i()}. To go on, {cure}."
    )


def into(
    out: Any,
    result: Any,
    what: str,
    where: Any = True,
    casting: Any = "same_kind",
    or_instead: str = "",
) -> Any:
    """Write a result into the array that was given as ``out``, and return that.

    Raises:
        GradientLostError: that is from elsewhere, and the result has a gradient.
    """
    if type(out) is tuple and len(out) == 1:
        out = out[0]
    if out is Ellipsis:  # an array even of one number
        return FUNCTIONS[np.copy](result)
    if type(out) is not Array:
        if not is_constant([result], {}):
            raise lost_in_place(
                f"{what}(..., out=...)",
                f"write `result = {what}(...)`{or_instead} instead, or make the array that is "
                "written into in the function that is differentiated, with np.zeros or np.empty",
            )
        np.copyto(out, plain(result), casting, plain(where))
        return out
    dtype = getattr(result, "dtype", None)
    if dtype is not None and not np.can_cast(dtype, out.dtype, casting):
        raise TypeError(f"Cannot cast {what} output from {dtype!r} to {out.dtype!r} by {casting!r}")
    if type(out.value) is not np.ndarray:  # what a ufunc made with out=..., which nobody is told
        out.value = np.asarray(out.value)
    out[...] = result if where is True else np.where(where, result, out)
    return out


def lost_in_place(what: str, cure: str) -> GradientLostError:
    """Make the error for a write into memory that cannot carry a gradient."""
    return GradientLostError(
        f"{what} writes into memory that cannot carry a gradient, at {where_am_i()}: {cure}"
    )


def refuse(function: str, **options: Any) -> None:
    """Raise for the first option of ``np.<function>`` that was given."""
    for name, value in options.items():
        if value is UNSET or value is np._NoValue or (value is None and name != "initial"):
            continue
        if name == "where" and value is True:
            continue
        _refuse(function, name, value)


def _refuse(function: str, name: str, value: Any) -> NoReturn:
    shown = repr(value) if isinstance(value, (str, int, float)) else "..."
    raise unsupported(
        f"np.{function} with {name}={shown}",
        f"leave {name} out and write what it does with np.where, indexing or astype",
    )
