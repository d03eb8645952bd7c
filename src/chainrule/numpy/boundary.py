"""Errors at the boundary: functions that know nothing of Arrays, met while one is recorded.

SciPy, ``json`` or a C function of NumPy meets an Array where it expects numbers, and complains in
its own words, of a line that is not the user's. If the function by itself goes through, the error
is of the recording: one that names what the user called, and where.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dis import opmap
from types import CodeType, FrameType, ModuleType, TracebackType
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.array import Array
from chainrule.core.source import (
    is_installed,
    is_internal,
    is_library,
    location_of,
    look_up,
    running_expression,
    where_am_i,
)
from chainrule.errors import RUNS, ChainruleError, UnsupportedError
from chainrule.numpy.advice import advice, instead_of

__all__ = ["OF_OTHERS", "Raised", "at_the_boundary"]

#: Code that computes an operation for other arguments than the run has: what it raises is NumPy's.
OF_OTHERS: set[CodeType] = set()

_RAISE = opmap["RAISE_VARARGS"]
_PRIVATE = re.compile(r"\._\w+")  # scipy.linalg._matfuncs.expm is scipy.linalg.expm
_CURE = (
    "To go on, write it with functions that chainrule knows, declare its derivative with "
    "chainrule.operation, or cut it off with chainrule.stop_gradient."
)


class Raised:
    """The errors of a run that plain NumPy would not raise, each as it is to be raised.

    User code and libraries may catch them, and would then do something else than without a
    recording. So the first of them is raised when the run ends.
    """

    first: ChainruleError | None = None  # there is one for each run, and mostly none is raised

    def add(self, error: ChainruleError) -> None:
        """Take notice of an error that is about to be raised in this run."""
        if self.first is not None:
            return
        self.first = error
        call = _call_of_library(sys._getframe(1))
        if call is not None:
            self.first = _unsupported(_called(*call), _line(call), "it needs plain numbers", "")


def at_the_boundary(
    error: Exception, f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> UnsupportedError | None:
    """Return what to raise in the place of an error, or None where that is the user's to see.

    Args:
        error: what a recorded run of f raised, not an error of chainrule's own.
        f: the function.
        args: what it was run with.
        kwargs: likewise.
    """
    mine = None
    tb = error.__traceback__
    while tb is not None:
        if tb.tb_frame.f_code in OF_OTHERS:
            return None
        if _is_users(tb.tb_frame):
            mine = tb
        tb = tb.tb_next
    if mine is None:  # f is no code of the user's, but a library's or written in C
        called, where = _named(f) or repr(f), where_am_i()
    elif _is_raised_by_user(mine):
        return None
    else:
        call = mine.tb_frame, mine.tb_lasti, mine.tb_lineno
        called, where = _called(*call), _line(call)
    if not _goes_through(f, args, kwargs):
        return None
    said = str(error).split("\n", 1)[0]
    return _unsupported(called, where, f"{type(error).__name__}: {said}", advice(error))


def _unsupported(called: str, where: str, reason: str, cure: str) -> UnsupportedError:
    instead = instead_of(called)
    what = "has no derivative in chainrule"
    if cure and not instead:
        what = "cannot use a number under differentiation"
    return UnsupportedError(f"{called} {what}, at {where} ({reason}). {instead or cure or _CURE}")


def _line(call: tuple[FrameType, int, int]) -> str:
    frame, _, lineno = call
    return str(location_of(frame, lineno))


def _call_of_library(frame: FrameType | None) -> tuple[FrameType, int, int] | None:
    """Return where user code has called an installed library that runs, if one does."""
    inside = False
    while frame is not None and frame.f_code not in RUNS:
        if _is_users(frame):
            return (frame, frame.f_lasti, frame.f_lineno) if inside else None
        inside = inside or is_installed(frame)
        frame = frame.f_back
    return None


def _is_users(frame: FrameType) -> bool:
    return not (is_internal(frame.f_code) or is_library(frame))


def _is_raised_by_user(tb: TracebackType) -> bool:
    return tb.tb_next is None and tb.tb_frame.f_code.co_code[tb.tb_lasti] == _RAISE


def _goes_through(f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Tell whether a function by itself raises nothing for the values of Arrays."""
    leaves, build = trees.flatten([list(args), dict(kwargs)])
    values = [x.value if type(x) is Array else x for x in leaves]
    plain_args, plain_kwargs = build([x.copy() if isinstance(x, np.ndarray) else x for x in values])
    try:
        f(*plain_args, **plain_kwargs)
    except Exception:
        return False
    return True


def _called(frame: FrameType, instruction: int, lineno: int) -> str:
    """Name what the failing expression calls: ``scipy.stats.norm.cdf``, or `` `A @ x` ``."""
    text = running_expression(frame, instruction, lineno)
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        return f"`{text.strip()}`"
    if not isinstance(tree, ast.Call):
        return f"`{ast.unparse(tree)}`"
    spelled = ast.unparse(tree.func)
    if not spelled.replace(".", "").isidentifier():
        return f"`{spelled}`"
    first, _, rest = spelled.partition(".")
    root = look_up(first, frame)
    if isinstance(root, ModuleType):
        return _public(f"{root.__name__}.{rest}")
    return (None if rest else _named(root)) or f"`{spelled}`"


def _named(function: Any) -> str | None:
    name, module = getattr(function, "__name__", None), getattr(function, "__module__", None)
    return _public(f"{module}.{name}") if name and module else None


def _public(name: str) -> str:
    return re.sub(r"^numpy\.", "np.", _PRIVATE.sub("", name))
