"""Checks of derivatives against central differences, to any order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import numpy as np

from chainrule.core.callables import name_of
from chainrule.core.captured import fingerprint
from chainrule.errors import ArgumentError
from chainrule.interop.autograd.linearise import Argnum, pull, push, seen
from chainrule.interop.autograd.vspaces import vspace
from chainrule.numpy.view import UserFunction
from chainrule.trees import flatten

__all__ = ["check_equivalent", "check_grads", "check_jvp", "check_vjp", "combo_check"]

Function = Callable[..., Any]

TOL = 1e-6
RTOL = 1e-6
EPS = 1e-6


def scalar_close(a: Any, b: Any) -> bool:
    """Tell whether two numbers are nearly equal."""
    return bool(abs(a - b) < TOL or abs(a - b) / abs(a + b) < RTOL)


def make_numerical_jvp(f: Function, x: Any) -> Function:
    """Return the derivative of f at x along a direction, by central differences."""
    space, values = vspace(x), vspace(f(x))

    def jvp(v: Any) -> Any:
        ahead = f(space.add(x, space.scalar_mul(v, EPS / 2)))
        behind = f(space.add(x, space.scalar_mul(v, -EPS / 2)))
        return values.scalar_mul(values.add(ahead, values.scalar_mul(behind, -1.0)), 1 / EPS)

    return jvp


def check_vjp(f: Function, x: Any) -> None:
    """Raise an AssertionError unless f's pullback at x agrees with differences."""
    y, vjp = pull(UserFunction(f), 0, (x,), {})
    jvp = make_numerical_jvp(f, x)
    x_space, y_space = vspace(x), vspace(y)
    v, u = x_space.randn(), y_space.randn()
    pulled = x_space.covector(vjp(y_space.covector(u)))
    assert vspace(pulled) == x_space, (
        f"{vspace(pulled)} is the gradient's, {x_space} the argument's"
    )
    analytic = x_space.inner_prod(v, pulled)
    numeric = y_space.inner_prod(u, jvp(v))
    assert scalar_close(numeric, analytic), (
        f"Derivative (VJP) check of {name_of(f)} failed with arg {x}:\n"
        f"analytic: {analytic}\nnumeric:  {numeric}"
    )


def check_jvp(f: Function, x: Any) -> None:
    """Raise an AssertionError unless f's pushforward at x agrees with differences."""
    v = vspace(x).randn()
    check_equivalent(push(UserFunction(f), 0, (x,), {}, v)[1], make_numerical_jvp(f, x)(v))


def check_equivalent(x: Any, y: Any) -> None:
    """Raise an AssertionError unless two values are of one space, and nearly equal."""
    x_space, y_space = vspace(x), vspace(y)
    assert x_space == y_space, f"VSpace mismatch:\nx: {x_space}\ny: {y_space}"
    v = x_space.randn()
    same = scalar_close(x_space.inner_prod(x, v), x_space.inner_prod(y, v))
    assert same, f"Value mismatch:\nx: {x}\ny: {y}"


def check_grads(
    f: Function, argnum: Argnum = 0, modes: Iterable[str] = ("fwd", "rev"), order: int = 2
) -> Function:
    """Return a function of f's arguments that checks its derivatives by some of them.

    ``modes`` are ``"fwd"`` and ``"rev"``; ``order`` is up to which order the derivatives of
    derivatives are checked.

    Raises:
        ArgumentError: f writes into its argument, so that differences would be those of others.
    """
    modes = tuple(modes)
    if not set(modes) <= {"fwd", "rev"}:
        raise ValueError(f"modes are 'fwd' and 'rev', got {modes}")

    run = seen(f)

    def check(*args: Any, **kwargs: Any) -> None:
        def of_one(x: Any) -> Any:
            given = list(args)
            for k, value in (
                [(argnum, x)] if isinstance(argnum, int) else zip(argnum, x, strict=True)
            ):
                given[k] = value
            return run(*given, **kwargs)

        of_one.__name__ = name_of(f)
        x = args[argnum] if isinstance(argnum, int) else tuple(args[k] for k in argnum)
        _check(of_one, x, modes, order)

    return check


def _check(f: Function, x: Any, modes: tuple[str, ...], order: int) -> None:
    arrays = [leaf for leaf in flatten(x)[0] if type(leaf) is np.ndarray]
    before = list(map(fingerprint, arrays))
    y = f(x)
    if list(map(fingerprint, arrays)) != before:
        raise ArgumentError(
            f"{name_of(f)} writes into its argument, so its gradient cannot be checked: let it "
            "write into a copy (A = A.copy())"
        )
    if "fwd" in modes:
        check_jvp(f, x)
    if "rev" in modes:
        check_vjp(f, x)
    if order == 1:
        return
    for mode, again, space in (("fwd", _pushed, vspace(x)), ("rev", _pulled, vspace(y))):
        if mode in modes:
            derivative = again(f)
            check_grads(derivative, (0, 1), modes, order - 1)(x, space.randn())


def _pushed(f: Function) -> Function:
    def derivative(x: Any, v: Any) -> Any:
        return push(UserFunction(f), 0, (x,), {}, v)[1]

    derivative.__name__ = f"jvp_{name_of(f)}"
    return derivative


def _pulled(f: Function) -> Function:
    def derivative(x: Any, v: Any) -> Any:
        return pull(UserFunction(f), 0, (x,), {}).map(v)

    derivative.__name__ = f"vjp_{name_of(f)}"
    return derivative


def combo_check(fun: Function, *check_args: Any, **check_kwargs: Any) -> Function:
    """Return a function of lists of values for each argument, which checks all combinations."""
    check = check_grads(fun, *check_args, **check_kwargs)

    def all_combinations(*args: Any, **kwargs: Any) -> None:
        for chosen in product(*args):
            for options in product(*kwargs.values()):
                check(*chosen, **dict(zip(kwargs, options, strict=True)))

    return all_combinations
