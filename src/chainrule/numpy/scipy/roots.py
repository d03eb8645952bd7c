"""scipy.optimize: roots and fixed points, as SciPy finds them, differentiated where they are.

The functions that SciPy is given may know Arrays, as arguments or as variables around them. They
are called with plain numbers until the root is found; then the implicit function theorem says how
it moves (`operations.implicit`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.array import value_of
from chainrule.core.source import where_am_i
from chainrule.errors import NotConvergedError
from chainrule.numpy.creation import restack
from chainrule.numpy.dispatch import has_history, plain, unsupported
from chainrule.numpy.scipy.table import made_of
from chainrule.numpy.scipy.vertices import one_vertex
from chainrule.operations.implicit import depends_on_arrays, solution

__all__ = [
    "Plainly",
    "arguments",
    "check_converged",
    "differentiated",
    "unrecorded",
    "with_plain_numbers",
]

Function = Callable[..., Any]


class Plainly:
    """A function that may know Arrays, with plain results; ``met`` tells whether it does."""

    def __init__(self, f: Function) -> None:
        self.f = f
        self.met = False
        self.count = 0  # of calls

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it, and return the plain result."""
        y = self.f(*args, **kwargs)
        self.count += 1
        if not isinstance(y, tuple):
            y = restack(y)
        self.met = self.met or has_history(y)
        return plain(y) if isinstance(y, tuple) else value_of(y)


def unrecorded(f: Any) -> Any:
    """Return what may know Arrays as SciPy may have it: a function has plain results."""
    return Plainly(f) if callable(f) else plain(f)


def arguments(args: Any) -> tuple[Any, ...]:
    """Return further arguments, of which a single one need not be in a tuple."""
    return args if isinstance(args, tuple) else (args,)


def with_plain_numbers(original: Function, *args: Any, **kwargs: Any) -> Any:
    """Call a function of SciPy's, with nothing recorded of what it does."""
    return original(
        *map(unrecorded, args), **{name: unrecorded(value) for name, value in kwargs.items()}
    )


def check_converged(original: Function, converged: Any, x: Any, message: Any = "") -> None:
    """Raise unless a solver has found what it looked for, or nobody differentiates by it.

    Raises:
        NotConvergedError: it has not.
    """
    if depends_on_arrays(x) and not np.all(converged):
        said = f" ({' '.join(str(message).split())})" if message else ""
        raise NotConvergedError(
            f"scipy.optimize.{original.__name__} has not converged{said}, at {where_am_i()}: what "
            "it returned is no solution, and has no derivative. Give it a better start, or more "
            "iterations."
        )


def differentiated(found: Any, x: Any, *known: str) -> Any:
    """Return what a solver has found with x, so that no gradient is lost in the rest of it.

    What it counted and said is there, and the entries that are ``known`` by their gradients.
    """
    if not depends_on_arrays(x):
        return found
    kind: Any = type(found)
    guarded: dict[str, Any] = dict.__new__(_guarded(kind, known))
    dict.update(guarded, found)
    return guarded


@functools.cache
def _guarded(kind: Any, known: tuple[str, ...]) -> type:
    def entry(self: Any, name: str) -> Any:
        value = dict.__getitem__(self, name)
        if name in known or isinstance(value, (str, bool, int, np.integer, np.bool_)):
            return value
        raise unsupported(
            f"`{name}` of what a solver returns",
            "compute it of the solution, or cut it off with chainrule.stop_gradient",
        )

    def attribute(self: Any, name: str) -> Any:
        if name not in self:
            raise AttributeError(name)
        return entry(self, name)

    return type(kind.__name__, (kind,), {"__getitem__": entry, "__getattr__": attribute})


def _equation(f: Function, args: tuple[Any, ...], x: Any) -> Any:
    """Return the solution x of ``f(x, *args) == 0``."""
    return solution(lambda x: restack(f(x, *args)), x)


@made_of(
    *(f"scipy.optimize.{name}" for name in ("brentq", "brenth", "ridder", "bisect", "toms748"))
)
def _bracketing(original: Function) -> Function:
    @one_vertex()
    @functools.wraps(original)
    def root(f: Function, a: Any, b: Any, args: Any = (), *more: Any, **options: Any) -> Any:
        found = with_plain_numbers(original, f, a, b, args, *more, **options)
        pair = isinstance(found, tuple)
        x = _equation(f, arguments(args), found[0] if pair else found)
        if pair:
            check_converged(original, found[1].converged, x, found[1].flag)
            found[1].root = x
        return (x, found[1]) if pair else x

    return root


@made_of("scipy.optimize.newton")
def _newton(original: Function) -> Function:
    @one_vertex()
    @functools.wraps(original)
    def root(
        func: Function, x0: Any, fprime: Any = None, args: Any = (), *more: Any, **options: Any
    ) -> Any:
        found = with_plain_numbers(original, func, x0, fprime, args, *more, **options)
        several = isinstance(found, tuple)
        x = _equation(func, arguments(args), found[0] if several else found)
        if several:
            alone = not isinstance(found[1], np.ndarray)
            check_converged(original, found[1].converged if alone else found[1], x)
            if alone:
                found[1].root = x
        return (x, *found[1:]) if several else x

    return root


@made_of("scipy.optimize.root_scalar")
def _root_scalar(original: Function) -> Function:
    @one_vertex("root")
    @functools.wraps(original)
    def root(f: Function, args: Any = (), *more: Any, **options: Any) -> Any:
        found = with_plain_numbers(original, f, args, *more, **options)
        value = _only_value(f, True in (options.get("fprime"), options.get("fprime2")))
        x = _equation(value, arguments(args), found.root)
        check_converged(original, found.converged, x, found.flag)
        found.root = x
        return found

    return root


@made_of("scipy.optimize.root")
def _root(original: Function) -> Function:
    @one_vertex("x", "fun")
    @functools.wraps(original)
    def root(
        fun: Function,
        x0: Any,
        args: Any = (),
        method: str = "hybr",
        jac: Any = None,
        **options: Any,
    ) -> Any:
        found = with_plain_numbers(original, fun, x0, args, method, jac, **options)
        x = _equation(_only_value(fun, jac is True), arguments(args), found.x)
        check_converged(original, found.success, x, found.message)
        found.x = x
        return differentiated(found, x, "x", "fun")

    return root


@made_of("scipy.optimize.fsolve")
def _fsolve(original: Function) -> Function:
    @one_vertex()
    @functools.wraps(original)
    def root(
        func: Function,
        x0: Any,
        args: Any = (),
        fprime: Any = None,
        full_output: Any = 0,
        *more: Any,
        **options: Any,
    ) -> Any:
        found = with_plain_numbers(original, func, x0, args, fprime, True, *more, **options)
        x = _equation(func, arguments(args), found[0])
        if not full_output and not depends_on_arrays(x):  # with the warnings that SciPy gives
            return with_plain_numbers(original, func, x0, args, fprime, False, *more, **options)
        check_converged(original, found[2] == 1, x, found[3])
        return (x, differentiated(found[1], x, "fvec"), *found[2:]) if full_output else x

    return root


@made_of("scipy.optimize.fixed_point")
def _fixed_point(original: Function) -> Function:
    @one_vertex()
    @functools.wraps(original)
    def fixed(func: Function, x0: Any, args: Any = (), *more: Any, **options: Any) -> Any:
        found = with_plain_numbers(original, func, x0, args, *more, **options)
        given = arguments(args)
        return solution(lambda x: x - restack(func(x, *given)), found[()])

    return fixed


def _only_value(f: Function, with_derivatives: bool) -> Function:
    return (lambda *args: f(*args)[0]) if with_derivatives else f
