"""Which NumPy function is which code: the table behind ``__array_function__``, and its refusals.

The modules beside this one fill the table, one family each. A function that is not in it raises an
error with its name, so that nothing is differentiated by accident.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    "array_function",
    "constant_call",
    "full_name",
    "has_history",
    "implements",
    "is_constant",
    "lost_in_place",
    "observe",
    "plain_call",
    "refuse",
    "unsupported",
]

F = TypeVar("F", bound=Callable[..., Any])

#: NumPy function -> the function of Arrays that does the same. Filled by `implements`.
FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}


class _Unset:
    def __repr__(self) -> str:
        return "<not given>"


#: Default of an option that a caller left out, where None means something.
UNSET: Final = _Unset()


def implements(*functions: Callable[..., Any]) -> Callable[[F], F]:
    """Enter a function into the table as the meaning of some NumPy functions."""

    def enter(implementation: F) -> F:
        for function in functions:
            FUNCTIONS[function] = implementation
        return implementation

    return enter


def observe(*functions: Callable[..., Any], **traits: Unpack[Traits]) -> None:
    """Declare functions whose one output carries no gradient: masks, indices, answers."""
    for function in functions:
        FUNCTIONS[function] = _observer(constant(function.__name__, function, **traits))


def _observer(operation: Operation) -> Callable[..., Any]:
    function = operation.compute

    def implementation(*args: Any, **kwargs: Any) -> Any:
        if any(type(x) is Array for x in args):
            return apply(operation, function, args, plain(kwargs))
        return plain_call(function, args, kwargs)

    return implementation


def array_function(
    self: Array,
    function: Callable[..., Any],
    types: Iterable[type],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Any:
    """Run a NumPy function that was called with an Array among its arguments (NEP 18)."""
    try:
        implementation = FUNCTIONS[function]
    except KeyError:
        if is_constant(args, kwargs):
            return constant_call(function, args, kwargs)
        raise unsupported(full_name(function)) from None
    out = kwargs.get("out")
    if type(out) is Array:
        from chainrule.numpy.writing import into  # the functions that write are of this table, too

        rest = {name: value for name, value in kwargs.items() if name != "out"}
        return into(out, implementation(*args, **rest), full_name(function))
    return implementation(*args, **kwargs)


Array.__array_function__ = array_function  # type: ignore[attr-defined]


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
        if name == "out":
            raise lost_in_place(
                f"np.{function}(..., out=...)", f"write `result = np.{function}(...)` instead"
            )
        _refuse(function, name, value)


def _refuse(function: str, name: str, value: Any) -> NoReturn:
    shown = repr(value) if isinstance(value, (str, int, float)) else "..."
    raise unsupported(
        f"np.{function} with {name}={shown}",
        f"leave {name} out and write what it does with np.where, indexing or astype",
    )
