"""One run of a hand-written function, with every change of its local variables.

A trace function sees the lines of this one function. Debuggers and coverage tools that trace too
are called along with it where that is possible, and find their own trace function again after it.
"""

from __future__ import annotations

import dis
import functools
import inspect
import linecache
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from chainrule.core.callables import name_of
from chainrule.core.source import annotate
from chainrule.errors import ArgumentError
from chainrule.explain.reviews.compare import identical

__all__ = ["MISSING", "Change", "HandRun", "Place", "is_numeric", "run_by_hand"]

MISSING = object()
_MOST = 64  # changes of one variable by one line that are kept: the first ones and the last
_MOST_ENTRIES = 64  # of a list whose entries are looked at


@dataclass(frozen=True, slots=True)
class Place:
    """Where a number or array is kept: a variable, an attribute, an entry of a dictionary or list.

    ``shown`` is how the source calls it: ``dh``, ``net.dh``, ``grads["W1"]``, ``dw[0]``; ``name``
    is what it is called after: ``dh``, ``dh``, ``W1``, ``dw_0``; ``container`` is the name of the
    dictionary that it is an entry of.
    """

    name: str
    shown: str
    container: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A variable got a new value: the line that did it, and copies of the values.

    ``fresh`` tells whether the line gave it the new value without looking at the one before.
    """

    line: int
    place: Place
    value: Any
    before: Any
    fresh: bool = False

    @property
    def name(self) -> str:
        """What the variable is called after."""
        return self.place.name

    @property
    def shown(self) -> str:
        """The variable as the source calls it."""
        return self.place.shown

    @property
    def container(self) -> str:
        """The dictionary that it is an entry of, if it is one."""
        return self.place.container


@dataclass(slots=True)
class HandRun:
    """What a run left: changes in their order, the value returned or the error raised."""

    code: CodeType
    namespace: dict[str, Any]
    parameters: tuple[str, ...]
    arguments: dict[str, Any] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    returned: Any = MISSING
    return_line: int | None = None
    variables: dict[str, Any] = field(default_factory=dict)  # at the end
    error: BaseException | None = None
    error_line: int | None = None

    def variables_at(self, time: int) -> dict[str, Any]:
        """Return the variables as they were before a change, as far as their values were kept."""
        changes = [change for change in self.changes if change.shown.isidentifier()]
        tracked = {change.shown for change in changes}
        found = {k: v for k, v in self.variables.items() if k not in tracked} | self.arguments
        return found | {c.shown: c.value for c in self.changes[:time] if c.shown in tracked}

    def text(self, line: int) -> str:
        """Return a line of the function's source, stripped; '' where there is none."""
        return linecache.getline(self.code.co_filename, line).strip()


def run_by_hand(handwritten: Callable[..., Any], args: Sequence[Any]) -> HandRun:
    """Run a function and note how its local variables change.

    A function without parameters, as a listing that sets its own example values, is called without
    arguments. An exception ends the run and is kept.

    Raises:
        ArgumentError: it is not a Python function, or cannot take the arguments.
    """
    function = _function_of(handwritten)
    code = function.__code__
    args = _accepted(handwritten, args)
    run = HandRun(code, function.__globals__, code.co_varnames[: code.co_argcount])
    watcher = _Watcher(run)
    before = sys.gettrace()
    # A tracer written in C (coverage's) would take the place of this one if it were called by it.
    others = before if isinstance(before, (FunctionType, MethodType)) else None
    sys.settrace(watcher.beside(others))
    try:
        with np.errstate(all="ignore"):
            handwritten(*[_copy_of_tree(arg) for arg in args])
    except Exception as error:
        sys.settrace(before)
        run.error = error
        tb = error.__traceback__
        while tb is not None:
            if tb.tb_frame.f_code is code:
                run.error_line = tb.tb_lineno
            tb = tb.tb_next
        annotate(error)
    finally:
        sys.settrace(before)
    return run


def _function_of(f: Any) -> FunctionType:
    original = f
    while True:
        if isinstance(f, functools.partial):
            f = f.func
        elif isinstance(f, MethodType):
            f = f.__func__
        elif hasattr(f, "__wrapped__"):
            f = f.__wrapped__
        elif isinstance(f, FunctionType):
            return f
        elif isinstance(vars(type(f)).get("__call__"), FunctionType):
            f = vars(type(f))["__call__"]
        else:
            raise ArgumentError(
                f"review needs a hand-written Python function, got a {type(original).__name__}: "
                f"{original!r}"
            )


def _accepted(f: Callable[..., Any], args: Sequence[Any]) -> Sequence[Any]:
    signature = inspect.signature(f)
    try:
        signature.bind(*args)
    except TypeError as error:
        if not signature.parameters:
            return ()
        raise ArgumentError(
            f"{name_of(f)}{signature} cannot be called with {len(args)} arguments ({error}): "
            "review runs it on the same arguments as the function it is compared with"
        ) from None
    return args


class _Watcher:
    """The trace function: at each line it notes what the line before has changed."""

    def __init__(self, run: HandRun) -> None:
        self.run = run
        self.touched = _names_by_line(run.code)
        self.last: dict[Place, tuple[Any, Any]] = {}  # the object, and its copy
        self.counts: dict[tuple[int, Place], int] = {}
        self.line = run.code.co_firstlineno

    def beside(self, others: Any) -> Callable[..., Any]:
        """Return the global trace function, which lets another tracer see what it would see."""

        def trace(frame: FrameType, event: str, arg: Any) -> Any:
            local = others(frame, event, arg) if others is not None else None
            if frame.f_code is not self.run.code:
                return local
            self._begin(frame)

            def trace_lines(frame: FrameType, event: str, arg: Any) -> Any:
                nonlocal local
                if local is not None:
                    local = local(frame, event, arg)
                self._step(frame, event, arg)
                return trace_lines

            return trace_lines

        return trace

    def _begin(self, frame: FrameType) -> None:
        self.last.clear()
        self.run.changes.clear()
        for place, value in _tracked(frame.f_locals, frame.f_locals):
            self.last[place] = value, _copy(value)
            self.run.arguments[place.name] = self.last[place][1]

    def _step(self, frame: FrameType, event: str, arg: Any) -> None:
        touched = self.touched.get(self.line, {})
        stored = {name for name, uses in touched.items() if "stored" in uses}
        loaded = {name for name, uses in touched.items() if "loaded" in uses}
        for place, value in _tracked(frame.f_locals, touched):
            known = self.last.get(place)
            assigned = (known is None or known[0] is not value) and place.shown in stored
            if known is not None and not assigned and identical(value, known[1]):
                self.last[place] = value, known[1]
                continue
            kept = _copy(value)
            before = known[1] if known else MISSING
            fresh = place.shown in stored - loaded
            self._note(Change(self.line, place, kept, before, fresh))
            self.last[place] = value, kept
        if event == "return":
            self.run.returned, self.run.return_line = arg, self.line
            self.run.variables = dict(frame.f_locals)
        self.line = frame.f_lineno

    def _note(self, change: Change) -> None:
        key = change.line, change.place
        count = self.counts[key] = self.counts.get(key, 0) + 1
        if count > _MOST:
            changes = self.run.changes
            last = next(k for k in reversed(range(len(changes))) if _key(changes[k]) == key)
            del changes[last]
        self.run.changes.append(change)


def _key(change: Change) -> tuple[int, Place]:
    return change.line, change.place


def _names_by_line(code: CodeType) -> dict[int, dict[str, set[str]]]:
    """Return the local names that each line uses, and whether they are loaded or stored there."""
    found: dict[int, dict[str, set[str]]] = {}
    line = code.co_firstlineno
    for instruction in dis.get_instructions(code):
        positions = instruction.positions
        if positions is not None and positions.lineno is not None:
            line = positions.lineno
        op = instruction.opname
        if not op.startswith(("LOAD_FAST", "STORE_FAST", "LOAD_DEREF", "STORE_DEREF")):
            continue
        argument = instruction.argval
        names = argument if isinstance(argument, tuple) else (argument,)
        for position, name in enumerate(names):
            stores = op.startswith("STORE") and not (op == "STORE_FAST_LOAD_FAST" and position)
            uses = found.setdefault(line, {}).setdefault(str(name), set())
            uses.add("stored" if stores else "loaded")
    return found


def _tracked(variables: Any, names: Any) -> Iterator[tuple[Place, Any]]:
    """Go over the numbers and arrays that names hold, or that objects and containers in them do."""
    for name in names:
        value = variables.get(name, MISSING)
        if is_numeric(value):
            yield Place(name, name), value
        elif isinstance(value, (dict, list)):
            yield from _entries(name, name, value)
        elif isinstance(getattr(value, "__dict__", None), dict) and not _is_code(value):
            for attribute, entry in vars(value).items():
                shown = f"{name}.{attribute}"
                if is_numeric(entry):
                    yield Place(attribute, shown), entry
                else:
                    yield from _entries(attribute, shown, entry)


def _entries(name: str, shown: str, value: Any) -> Iterator[tuple[Place, Any]]:
    if isinstance(value, dict):
        for key, entry in value.items():
            if isinstance(key, str) and is_numeric(entry):
                yield Place(key, f'{shown}["{key}"]', name), entry
    elif isinstance(value, list) and len(value) <= _MOST_ENTRIES:
        for k, entry in enumerate(value):
            if is_numeric(entry):
                yield Place(f"{name}_{k}", f"{shown}[{k}]"), entry


def _is_code(value: Any) -> bool:
    return isinstance(value, (type, ModuleType, FunctionType, MethodType))


def is_numeric(value: Any) -> bool:
    """Tell whether a value is a number or an array of numbers; a mask is one of zeros and ones."""
    if isinstance(value, (bool, np.bool_)):
        return False
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind in ("fciub" if isinstance(value, np.ndarray) else "fciu")
    return isinstance(value, (float, int, complex))


def _copy(value: Any) -> Any:
    """Return a value that stays as it is; a mask as numbers."""
    if isinstance(value, np.ndarray):
        return value.astype(np.float64) if value.dtype.kind == "b" else value.copy()
    return value


def _copy_of_tree(value: Any) -> Any:
    """Return an argument with copies of its arrays, so that the person's own stay as they are."""
    if isinstance(value, dict):
        return type(value)((key, _copy_of_tree(entry)) for key, entry in value.items())
    if type(value) in (list, tuple):
        return type(value)(_copy_of_tree(entry) for entry in value)
    return value.copy() if isinstance(value, np.ndarray) else value
