"""Derivatives that have the shape of the argument: of elementwise and of holomorphic functions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.core.array import Array, dtype_of, shape_of
from chainrule.core.callables import name_of
from chainrule.errors import ArgumentError, NonScalarOutputError
from chainrule.numpy.view import UserFunction
from chainrule.transforms.argnums import select
from chainrule.transforms.derived import derived
from chainrule.transforms.jacobians import jacobian, of_parts
from chainrule.transforms.reverse import vjp

__all__ = ["elementwise_grad", "holomorphic_grad"]

_NUMBERS = (int, float, complex, np.generic, np.ndarray, Array)


def elementwise_grad(f: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """Return the derivative of a function that acts on every entry of an array alone.

    Args:
        f: a function of arrays, each entry of whose output depends on the entry of the argument at
            the same place, and on no other.
        argnum: which positional argument to differentiate by: a number or an array.

    Returns:
        A function of f's arguments that returns df/dx at each entry, in the shape of the argument:
        the sum over those outputs that an entry is broadcast to.

    Raises:
        ArgumentError: the argument is not made of floating-point numbers, or it is complex and f
            is not holomorphic.
        NonScalarOutputError: the output has not the shape that the arguments broadcast to, so f
            does something else.

    Source: ``autograd.elementwise_grad``.

    >>> import numpy as np, chainrule as cr
    >>> cr.elementwise_grad(np.tanh)(np.array([0.0, 1.0]))
    array([1.        , 0.41997434])
    """
    run = UserFunction(f)

    @derived(elementwise_grad, f, argnum)
    def derivative(*args: Any, **kwargs: Any) -> Any:
        y, pullback = vjp(*_by_one(run, argnum, args, kwargs))
        expected = np.broadcast_shapes(*(shape_of(x) for x in args if isinstance(x, _NUMBERS)))
        if not isinstance(y, _NUMBERS) or shape_of(y) != expected:
            found = f"shape {shape_of(y)}" if isinstance(y, _NUMBERS) else f"a {type(y).__name__}"
            raise NonScalarOutputError(
                f"{name_of(f)} returned {found} for arguments of shape {expected}, so it does not "
                "act on every entry alone: use chainrule.jacobian for all its derivatives"
            )
        one = np.ones(expected, dtype_of(y))
        found = pullback(one)[0]
        if dtype_of(y).kind == "c":
            x = args[argnum]
            return of_parts(f, y, x, found, pullback(-1j * one)[0])
        return found

    return derivative


def holomorphic_grad(f: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """Return the complex derivative of a holomorphic function.

    Args:
        f: a function whose output is one complex number.
        argnum: which positional argument to differentiate by: complex, a number or an array.

    Returns:
        A function of f's arguments that returns df/dz, in the shape of the argument.

    Raises:
        ArgumentError: the argument is not complex, or f is not holomorphic at this point: its real
            and its imaginary part do not fulfil the Cauchy-Riemann equations.
        NonScalarOutputError: the output is not one number.

    Source: ``jax.grad(f, holomorphic=True)``, ``autograd.holomorphic_grad``.

    >>> import numpy as np, chainrule as cr
    >>> cr.holomorphic_grad(lambda z: z**3)(1.0 + 1.0j)
    6j
    """
    run = UserFunction(f)

    @functools.wraps(f)
    def number(*args: Any, **kwargs: Any) -> Any:
        return _number(f, run(args, kwargs)) + 0j

    by_complex = jacobian(number, argnum)

    @derived(holomorphic_grad, f, argnum)
    def derivative(*args: Any, **kwargs: Any) -> Any:
        (k,) = select(argnum, args, f)
        z = args[k]
        if not isinstance(z, _NUMBERS) or dtype_of(z).kind != "c":
            what = f"dtype {dtype_of(z)}" if isinstance(z, _NUMBERS) else f"a {type(z).__name__}"
            raise ArgumentError(
                f"holomorphic_grad differentiates {name_of(f)} by a complex argument, it was given "
                f"{what}: write 2.0 + 0j, or use chainrule.grad"
            )
        return by_complex(*args, **kwargs)

    return derivative


def _by_one(
    run: UserFunction, argnum: int, args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[Callable[[Any], Any], Any]:
    """Return a function as one of one argument, and that argument."""
    (k,) = select(argnum, args, run.f)

    @functools.wraps(run.f)
    def of_one(x: Any) -> Any:
        return run([*args[:k], x, *args[k + 1 :]], kwargs)

    return of_one, args[k]


def _number(f: Callable[..., Any], y: Any) -> Any:
    if not isinstance(y, _NUMBERS) or shape_of(y) != ():
        found = f"shape {shape_of(y)}" if isinstance(y, _NUMBERS) else f"a {type(y).__name__}"
        raise NonScalarOutputError(
            f"the complex derivative of {name_of(f)} needs one number as its output, it returned "
            f"{found}"
        )
    return y
