"""Values to the parameters of a function: what is missing, unknown, and differentiated by."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.cli.faults import Fault
from chainrule.cli.values import Values

__all__ = ["Call", "bind"]

_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class Call:
    """A function, its positional arguments, and the positions of those to differentiate by."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    argnums: tuple[int, ...]


def bind(f: Callable[..., Any], name: str, given: Values, argnums: str | None = None) -> Call:
    """Match values with a function's parameters.

    Gradients are taken by the values of ``given.at`` that are made of floats. Those of
    ``given.static`` and the parameters' defaults are constants.
    """
    parameters = _parameters(f, name)
    values = {**given.at, **given.static}
    for unknown in values.keys() - parameters.keys():
        raise Fault(_unknown(name, unknown, list(parameters)))
    missing = [
        p.name
        for p in parameters.values()
        if p.name not in values and p.default is inspect.Parameter.empty
    ]
    if missing[:1] == ["self"]:
        raise Fault(
            f"{name} is a method: make an object of its class in the file, model = "
            f"{name.rpartition('.')[0] or 'CLASS'}(...), and name model.{f.__name__}"
        )
    if missing:
        cure = " ".join(f"--at {m}=VALUE" for m in missing)
        raise Fault(f"{name} needs {' and '.join(missing)}: add {cure}")
    by_position = [p for p in parameters.values() if p.kind in _BY_POSITION]
    args = [values.get(p.name, p.default) for p in by_position]
    while args and by_position[len(args) - 1].name not in values:
        args.pop()  # the function fills in the defaults at its end
    names = [p.name for p in by_position[: len(args)]]
    kwargs = {
        p.name: values[p.name]
        for p in parameters.values()
        if p.kind is inspect.Parameter.KEYWORD_ONLY and p.name in values
    }
    for only in kwargs.keys() & given.at.keys():
        raise Fault(
            f"{only} can be given to {name} by keyword only, and gradients are taken by positional "
            f"arguments: write --static {only}=..., or change the function"
        )
    chosen = _positions(argnums, names, name) if argnums is not None else _floating(given.at, names)
    if not chosen:
        raise Fault(f"{name} got no float argument to differentiate by: give one with --at")
    if kwargs:
        f = functools.update_wrapper(functools.partial(f, **kwargs), f)
    return Call(f, tuple(args), chosen)


def _parameters(f: Callable[..., Any], name: str) -> dict[str, inspect.Parameter]:
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):
        raise Fault(f"{name} does not tell the names of its parameters: wrap it in a def") from None
    return {
        p.name: p
        for p in signature.parameters.values()
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }


def _unknown(name: str, given: str, known: list[str]) -> str:
    if not known:
        return f"{name} has no parameter {given}: it takes no named arguments"
    close = [p for p in known if p.lower() == given.lower()]
    close = close or difflib.get_close_matches(given, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"its parameters are {', '.join(known)}"
    return f"{name} has no parameter {given}: {hint}"


def _floating(at: Mapping[str, Any], names: list[str]) -> tuple[int, ...]:
    return tuple(
        k
        for k, name in enumerate(names)
        if name in at
        and any(np.asarray(leaf).dtype.kind == "f" for leaf in trees.flatten(at[name])[0])
    )


def _positions(argnums: str, names: list[str], function: str) -> tuple[int, ...]:
    positions = []
    for text in argnums.split(","):
        text = text.strip()
        if text in names:
            positions.append(names.index(text))
        elif text.isdecimal() and int(text) < len(names):
            positions.append(int(text))
        else:
            raise Fault(
                f"--argnums {argnums}: {text!r} is no argument of this call of {function}; "
                f"write some of {','.join(names)}"
            )
    return tuple(sorted(set(positions)))
