"""Operators of functions of one argument, made to work on one of several."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from chainrule.core.callables import name_of
from chainrule.interop.autograd.linearise import seen
from chainrule.interop.autograd.primitives import subvals

__all__ = ["get_name", "unary_to_nary"]

Function = Callable[..., Any]

get_name = name_of


def unary_to_nary(unary_operator: Function) -> Function:
    """Let ``operator(fun, x)`` be called as ``operator(fun, argnum)(*args, **kwargs)``."""

    @functools.wraps(unary_operator)
    def operator(fun: Function, argnum: Any = 0, *more: Any, **options: Any) -> Function:
        run = seen(fun)

        @functools.wraps(fun)
        def nary(*args: Any, **kwargs: Any) -> Any:
            @functools.wraps(fun)
            def unary(x: Any) -> Any:
                pairs = [(argnum, x)] if isinstance(argnum, int) else zip(argnum, x, strict=True)
                return run(*subvals(args, pairs), **kwargs)

            x = args[argnum] if isinstance(argnum, int) else tuple(args[k] for k in argnum)
            return unary_operator(unary, x, *more, **options)

        return nary

    return operator
