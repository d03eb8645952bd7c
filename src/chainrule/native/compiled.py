"""``chainrule.compile``: a function that is recorded once and then runs as one piece of code."""

from __future__ import annotations

import functools
import inspect
import os
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MethodType
from typing import Any

import numpy as np

from chainrule.core.source import annotate, stack_level
from chainrule.errors import ArgumentError, ChainruleError, NotCompiledWarning, UnsupportedError
from chainrule.native.interrupts import Stopped
from chainrule.native.paths import MISSED, Path, Paths
from chainrule.native.plan import native
from chainrule.native.program import Builder, Program
from chainrule.native.record import NotFaithful, NotLifted, run
from chainrule.native.record import Recorded as Recording
from chainrule.native.signature import Recorded, flatten
from chainrule.native.twice import recorded_without_values
from chainrule.native.watch import Captured
from chainrule.numpy.view import UserFunction

__all__ = ["MOST_RECORDINGS", "MOST_SIGNATURES", "Compiled", "Lowered", "compile"]

#: How often one signature is recorded, for other paths or another state of what is referred to.
MOST_RECORDINGS = 32
#: How many signatures are kept; the oldest make room.
MOST_SIGNATURES = 128
_MOST_VARIANTS = 8  # states of what is referred to that are kept, for those that come and go
_MOST_ENTRIES = 4  # fast entries of which each hands on to the next

#: What a recorded run makes of captured arrays, and of arrays of integers among the arguments:
#: the first attempt that the function goes along with counts.
_ATTEMPTS = ((True, True), (True, False), (False, False))
_NOTHING: Any = object()


def compile(f: Callable[..., Any], *, builder: Builder = native) -> Compiled:
    """Return a function that does what f does, compiled.

    The first call records what f does with arrays and numbers and builds one function of it; so
    does every later call with another signature. A function that differentiates, or a whole
    training step, is compiled as a whole.

    Args:
        f: a function of arrays, numbers, and trees (tuple, list, dict, dataclass, None) of them. It
            may use ``grad`` and the other transforms, or be what they return.
        builder: makes a recorded program runnable.

    Returns:
        A `Compiled`, with f as its ``__wrapped__``.

    Note:
        Floats, NumPy scalars and arrays among the arguments are inputs. Everything else (a Python
        int, a bool, a string, an object) is part of the signature, and so are shapes and dtypes.
        ``if`` and ``while`` work: each path that occurs is recorded, up to 32 for a signature.
        Arrays that f finds outside its arguments are read at each call; if something else that it
        refers to is changed, it is recorded anew. A function that writes into its arguments,
        assigns to a global or draws random numbers runs as Python, with a
        `chainrule.errors.NotCompiledWarning`.

        The Python code runs twice at the first call, once recorded and once as it is, and no more
        after that: prints and other effects happen then. With large arrays it is recorded twice
        without their values, which takes little time, and the compiled code gives the first result;
        if it looks at a value of theirs (``if``, ``print``) that comes to nothing, and it runs
        twice more. Compiled code gives none of NumPy's warnings about overflow and the like. What
        cannot be seen to change are values that were formatted (``f"{x}"``) or read by ``x.value``,
        rules of operations of one's own, files, and what hides in objects that a library wrote in
        another language than Python.

    >>> import numpy as np, chainrule as cr
    >>> loss = lambda w, x: np.sum(np.tanh(x @ w) ** 2)
    >>> step = cr.compile(cr.value_and_grad(loss))
    >>> step(np.array([1.0, -1.0]), np.array([[0.5, 0.5], [1.0, 0.0]]))
    (0.5800256583859739, array([0.6397..., 0.    ]))
    """
    return Compiled(f, builder)


@dataclass(frozen=True)
class Lowered:
    """What a function becomes for some arguments, step by step.

    Attributes:
        graph: what was recorded, one line for each operation.
        rewritten: the same in terms of what kernels are made of.
        schedule: the kernels, products and calls that it is made into.
        loops: the same as Python with loops, to be read: ``v7`` is the value of ``%7`` in a
            register, ``m7`` that in memory.
        ir: the code that LLVM made of it, for this processor.
        kernels: the number of steps: kernels, products and calls.
        flops: floating-point operations of the matrix products in a run.
        bytes: bytes of the arrays that a run reads and writes.
    """

    program: Program
    graph: str
    rewritten: str = ""
    schedule: str = ""
    loops: str = ""
    ir: str = ""
    kernels: int | None = None
    flops: int | None = None
    bytes: int | None = None


class Compiled:
    """A compiled function; see `chainrule.compile`."""

    # In a slot, what is called is the instance's own: code made for its arguments, once there is.
    __slots__ = ("__call__", "__dict__", "__weakref__", "_entries", "_python", "_states", "builder")
    __call__: Callable[..., Any]
    __wrapped__: Callable[..., Any]
    is_compiled = True

    def __init__(self, f: Callable[..., Any], builder: Builder = native) -> None:
        if not callable(f):
            raise ArgumentError(f"expected a function to compile, got a {type(f).__name__}: {f!r}")
        self.builder = builder
        self._python = UserFunction(f)
        self._states: dict[tuple[Any, ...], _State] = {}
        self._entries = 0
        functools.update_wrapper(self, f)
        self.__call__ = self._run

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        try:
            key, inputs = flatten(args, kwargs)
        except Recorded:
            return self._python(args, kwargs)
        state = self._states.get(key)
        if state is None:
            state = self._state(key)
        try:
            return state(args, kwargs, inputs)
        except Exception as error:
            annotate(error)
            raise

    def _state(self, key: tuple[Any, ...]) -> _State:
        states = self._states
        if len(states) >= MOST_SIGNATURES:
            self._warn_of_signatures(key)
            states.pop(next(iter(states)), None)
        return states.setdefault(key, _State(self, key))

    def _warn_of_signatures(self, key: tuple[Any, ...]) -> None:
        if "_warned" not in self.__dict__:
            self.__dict__["_warned"] = True
            warnings.warn(
                f"{_name(self.__wrapped__)} was compiled for {MOST_SIGNATURES} signatures and is "
                "compiled anew for each further one. Python ints, bools, strings and shapes are "
                "part of the signature: pass a number that changes as a float or np.int64, and pad "
                "arrays to a few sizes",
                NotCompiledWarning,
                stacklevel=stack_level(),
            )

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """Show what the function becomes for some arguments.

        The Python code runs, as at a first call; what is compiled does not.

        Raises:
            UnsupportedError: the function cannot be compiled; it says why.
        """
        key, _ = flatten(args, kwargs)
        state = _State(self, key)
        try:
            _, path, _ = state.built(args, kwargs)
        except _Reason as reason:
            name = _name(self.__wrapped__)
            raise UnsupportedError(f"{name} cannot be compiled: {reason}") from None
        program = path.recorded.program
        described: dict[str, Any] = getattr(path.runnable, "describe", dict)()
        return Lowered(program, program.text(), **described)

    def install(self, path: Path, captured: Captured, key: tuple[Any, ...]) -> None:
        """Let calls with flat positional arguments go straight to native code, if there is any."""
        make = getattr(path.runnable, "entry", None)
        if make is None or path.recorded.program.structure is None or not captured.is_simple:
            return
        if not all(map(_is_flat, key)):
            return
        if self._entries >= _MOST_ENTRIES:
            self._entries, self.__call__ = 0, self._run
        before = self.__call__ if self._entries else _weakly(self)
        arrays = [array for array, _, _ in captured.arrays]
        entry = make(arrays, captured.names, captured.cells, captured.functions, before)
        if entry is not None:
            self._entries += 1
            self.__call__ = entry

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<compiled {_name(self.__wrapped__)}>"

    def __reduce__(self) -> Any:
        """Pickle the Python function; by name, where the name stands for the compiled one."""
        name = getattr(self, "__qualname__", "")
        found: Any = sys.modules.get(getattr(self, "__module__", ""))
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is self:
            return name
        return Compiled, (self.__wrapped__, self.builder)


def _weakly(compiled: Compiled) -> Callable[..., Any]:
    """Return the slow way of a function, without keeping the function alive."""
    reference = weakref.ref(compiled)

    def run(*args: Any, **kwargs: Any) -> Any:
        alive = reference()
        if alive is None:
            raise ReferenceError("the compiled function is gone")
        return alive._run(*args, **kwargs)

    return run


def _is_flat(part: Any) -> bool:
    """Tell whether a part of a key is that of a number or array by itself."""
    return isinstance(part, type) or isinstance(part[0], np.dtype)


@dataclass(frozen=True, slots=True, eq=False)
class _Variant:
    """All paths for one state of what the function refers to."""

    captured: Captured
    paths: Paths


class _State:
    """What is known of one signature."""

    def __init__(self, compiled: Compiled, key: tuple[Any, ...]) -> None:
        self._compiled = weakref.ref(compiled)
        self._f = compiled.__wrapped__
        self._builder = compiled.builder
        self._key = key
        self._variants: tuple[_Variant, ...] = ()
        self._recordings = 0
        self._as_python = False
        self._values_needed = False  # for recording, once that was found out
        self.lock = threading.RLock()
        _states.add(self)

    def __call__(self, args: Sequence[Any], kwargs: Mapping[str, Any], inputs: list[Any]) -> Any:
        if self._as_python:
            return self._f(*args, **kwargs)
        result = self._known(inputs)
        return result if result is not MISSED else self._record(args, kwargs, inputs)

    def _known(self, inputs: list[Any]) -> Any:
        for variant in self._variants:
            if variant.captured.is_current():
                try:
                    return variant.paths.run(inputs)
                except Stopped as stopped:
                    raise stopped.error from None
                except Exception:
                    return MISSED  # to be met again where the function itself runs
        return MISSED

    def _record(self, args: Sequence[Any], kwargs: Mapping[str, Any], inputs: list[Any]) -> Any:
        with self.lock:
            result = self._known(inputs)  # another thread may have been here
            if result is not MISSED:
                return result
            if self._as_python:
                return self._f(*args, **kwargs)
            if self._recordings >= MOST_RECORDINGS:
                self._run_as_python(self._too_many())
                return self._f(*args, **kwargs)
            try:
                result = self._build(args, kwargs)
                if result is _NOTHING:
                    result = self._known(inputs)
                if result is MISSED:  # only real values can tell why
                    self._values_needed = True
                    result = self._build(args, kwargs)
            except Recorded:
                return UserFunction(self._f)(args, dict(kwargs))
            except _Reason as reason:
                self._run_as_python(str(reason))
                return reason.result
            return result

    def _build(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Record and build; return the function's result, or `_NOTHING` if it is not known."""
        result, path, captured = self.built(args, kwargs)
        self._recordings += 1
        self._enter(path, captured)
        return result

    def _enter(self, path: Path, captured: Captured) -> None:
        for variant in self._variants:
            if variant.captured.is_current():
                break
        else:
            variant = _Variant(captured, Paths([array for array, _, _ in captured.arrays]))
            self._variants = (variant, *self._variants[: _MOST_VARIANTS - 1])
        variant.paths.add(path)
        compiled = self._compiled()
        if compiled is not None:
            compiled.install(path, captured, self._key)

    def built(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, Path, Captured]:
        """Record and build: return the function's result, the path, and what it refers to.

        The result is `_NOTHING` where the function was recorded without values.

        Raises:
            Recorded: the function refers to an Array.
            _Reason: compiled code could not do what the function does.
            ChainruleError: the function cannot be recorded.
        """
        names = _names(self._f, len(args))
        if not self._values_needed:
            try:
                recorded = recorded_without_values(self._f, args, kwargs, names)
            except NotFaithful as error:
                raise _Reason(str(error), self._f(*args, **kwargs)) from None
            if recorded is not None:
                return _NOTHING, self._path(recorded), recorded.captured
            self._values_needed = True
        expected = failure = _NOTHING
        for lift, integers in _ATTEMPTS:
            draft = reason = None
            try:
                draft = run(self._f, args, kwargs, names, lift, integers)
            except Recorded:
                raise
            except NotFaithful as error:
                reason = str(error)
            except Exception as error:
                failure = error if failure is _NOTHING else failure
            if expected is _NOTHING:
                expected = self._f(*args, **kwargs)  # which may well raise what the run raised
            if draft is not None:
                try:
                    recorded = draft.compared(expected)
                except NotFaithful as error:
                    reason = str(error)
                except NotLifted as error:
                    failure = error if failure is _NOTHING else failure
                else:
                    return expected, self._path(recorded), recorded.captured
            if reason is not None:
                raise _Reason(reason, expected)
        name = _name(self._f)
        if isinstance(failure, ChainruleError):
            failure.add_note(f"This is what chainrule.compile met when it recorded {name}.")
            raise failure
        raise UnsupportedError(
            f"{name} cannot be compiled: recorded arrays led to {type(failure).__name__}: {failure}"
        ) from failure

    def _path(self, recorded: Recording) -> Path:
        return Path(recorded, self._builder(recorded.program))

    def _run_as_python(self, reason: str) -> None:
        self._as_python = True
        self._variants = ()
        warnings.warn(
            f"{_name(self._f)} runs as Python for these arguments: {reason}",
            NotCompiledWarning,
            stacklevel=stack_level(),
        )

    def _too_many(self) -> str:
        variant = self._variants[0]
        if variant.captured.is_current():
            line = variant.paths.diverged
            where = f" at {line}" if line is not None else ""
            return (
                f"what Python looks at{where} came out in more than {MOST_RECORDINGS} ways. Write "
                "np.where or another function of arrays there, or leave that part uncompiled"
            )
        return (
            f"{variant.captured.changed()} was changed more than {MOST_RECORDINGS} times: pass it "
            "as an argument"
        )


class _Reason(UnsupportedError):
    """Why a function runs as Python; ``result`` is what it returned."""

    def __init__(self, reason: str, result: Any) -> None:
        super().__init__(reason)
        self.result = result


_states: weakref.WeakSet[_State] = weakref.WeakSet()


def _fresh_locks() -> None:
    """Forget locks that threads of the parent process held."""
    for state in _states:
        state.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fresh_locks)


def _name(f: Any) -> str:
    return getattr(f, "__name__", None) or repr(f)


def _names(f: Callable[..., Any], count: int) -> list[str]:
    """Return what the positional arguments are called."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names: list[str] = []
    for k in range(count):
        if k < len(parameters) and parameters[k].kind is not parameters[k].VAR_POSITIONAL:
            names.append(parameters[k].name)
        elif parameters and parameters[-1].kind is parameters[-1].VAR_POSITIONAL:
            names.append(f"{parameters[-1].name}_{k - len(parameters) + 1}")
        else:
            names.append(f"x{k}")
    return names
