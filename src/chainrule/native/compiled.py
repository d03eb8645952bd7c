"""``chainrule.compile``: a function that is recorded once and then runs as one piece of code."""

from __future__ import annotations

import functools
import warnings
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MethodType
from typing import Any

from chainrule.core.callables import global_name, name_of
from chainrule.core.source import annotate, stack_level
from chainrule.errors import ArgumentError, NotCompiledWarning, UnsupportedError
from chainrule.native.executable import native
from chainrule.native.paths import Path
from chainrule.native.record.program import Builder, Program
from chainrule.native.record.signature import Recorded, flatten
from chainrule.native.record.watch import Captured
from chainrule.native.runtime.engine import Library
from chainrule.native.specializations import NotCompiled, Specialization
from chainrule.numpy.view import UserFunction

__all__ = ["MOST_SIGNATURES", "Compiled", "Lowered", "compile"]

#: How many signatures are kept; the oldest make room.
MOST_SIGNATURES = 128
_MOST_ENTRIES = 4  # fast entries of which each hands on to the next


def compile(
    f: Callable[..., Any], *, tape_limit: int | None = None, builder: Builder = native
) -> Compiled:
    """Return a function that does what f does, compiled.

    The first call records what f does with arrays and numbers and builds one function of it; so
    does every later call with another signature. A function that differentiates, or a whole
    training step, is compiled as a whole.

    Args:
        f: a function of arrays, numbers, and trees (tuple, list, dict, dataclass, None) of them. It
            may use ``grad`` and the other transforms, or be what they return.
        tape_limit: the bytes that a run may need besides its arguments and results: above all what
            backward passes keep of forward passes. Known when the code is made, before it runs.
        builder: makes a recorded program runnable.

    Raises:
        TapeLimitError: when a call needs code that exceeds the limit.

    Returns:
        A `Compiled`, with f as its ``__wrapped__``.

    Note:
        Floats, NumPy scalars and arrays among the arguments are inputs. Everything else (a Python
        int, a bool, a string, an object) is part of the signature, and so are shapes and dtypes.
        ``if`` and ``while`` work: each path that occurs is recorded, up to 32 for a signature. A
        loop that ends when a condition fails is one path for any number of turns, up to a million.
        Arrays that f finds outside its arguments are read at each call; if something else that it
        refers to is changed, it is recorded anew. A function that writes into its arguments,
        assigns to a global or draws random numbers runs as Python, with a
        `chainrule.errors.NotCompiledWarning`.

        The Python code runs twice at the first call, once recorded and once as it is, and a few
        times more if it has long loops, of which some turns are recorded; and no more after that:
        prints and other effects happen then. Compiled code gives none of NumPy's
        warnings about overflow and the like. What cannot be seen to change are values that were
        formatted (``f"{x}"``) or read by ``x.value``, rules of operations of one's own, files, and
        what hides in objects that a library wrote in another language than Python.

    >>> import numpy as np, chainrule as cr
    >>> loss = lambda w, x: np.sum(np.tanh(x @ w) ** 2)
    >>> step = cr.compile(cr.value_and_grad(loss))
    >>> step(np.array([1.0, -1.0]), np.array([[0.5, 0.5], [1.0, 0.0]]))
    (0.5800256583859739, array([0.6397..., 0.    ]))
    """
    return Compiled(f, builder, tape_limit)


@dataclass(frozen=True)
class Lowered:
    """What a function becomes for some arguments, step by step.

    Attributes:
        graph: what was recorded, one line for each operation.
        rewritten: the same in terms of what kernels are made of.
        schedule: the kernels, products and calls that it is made into.
        loops: the same as Python with loops, to be read: ``v7`` is the value of ``%7`` in a
            register, ``m7`` that in memory.
        kernels: the number of steps: kernels, products and calls.
        flops: floating-point operations of the matrix products in a run.
        bytes: bytes of the arrays that a run reads and writes.
        unrolled: the lines whose loops and conditions are compiled turn by turn, and why; a call
            with other numbers of turns, or other outcomes, may be recorded anew.
        compared: why a function with long loops was run as a whole, to be compared with what few of
            their turns tell; empty where these are sure to tell all.
        library: the machine code; None where there is none.
    """

    program: Program
    graph: str
    rewritten: str = ""
    schedule: str = ""
    loops: str = ""
    kernels: int | None = None
    flops: int | None = None
    bytes: int | None = None
    unrolled: str = ""
    compared: str = ""
    library: Library | None = field(default=None, repr=False, compare=False)

    @functools.cached_property
    def ir(self) -> str:
        """The code that LLVM made of it, for this processor; "" where there is none."""
        return "" if self.library is None else self.library.ir


class Compiled:
    """A compiled function; see `chainrule.compile`."""

    # In a slot, what is called is the instance's own: code made for its arguments, once there is.
    __slots__ = (
        "__call__",
        "__dict__",
        "__weakref__",
        "_entries",
        "_python",
        "_specializations",
        "builder",
        "tape_limit",
    )
    __call__: Callable[..., Any]
    __wrapped__: Callable[..., Any]
    is_compiled = True

    def __init__(
        self, f: Callable[..., Any], builder: Builder = native, tape_limit: int | None = None
    ) -> None:
        if not callable(f):
            raise ArgumentError(f"expected a function to compile, got a {type(f).__name__}: {f!r}")
        self.builder = builder
        limit: Any = tape_limit
        if limit is not None and not (isinstance(limit, int) and limit >= 0):
            raise ArgumentError(f"tape_limit is {tape_limit!r}: it is a number of bytes, 2**30")
        self.tape_limit = tape_limit
        self._python = UserFunction(f)
        self._specializations: dict[tuple[Any, ...], Specialization] = {}
        self._entries = 0
        functools.update_wrapper(self, f)
        self.__call__ = self._run

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        try:
            key, inputs = flatten(args, kwargs)
        except Recorded:
            return self._python(args, kwargs)
        specialization = self._specializations.get(key)
        if specialization is None:
            specialization = self._specialization(key)
        try:
            return specialization(args, kwargs, inputs)
        except Exception as error:
            annotate(error)
            raise

    def _specialization(self, key: tuple[Any, ...]) -> Specialization:
        known = self._specializations
        if len(known) >= MOST_SIGNATURES:
            self._warn_of_signatures(key)
            known.pop(next(iter(known)), None)
        return known.setdefault(key, self._new_specialization())

    def _new_specialization(self) -> Specialization:
        reference = weakref.ref(self)

        def enter(path: Path, captured: Captured) -> None:
            compiled = reference()
            if compiled is not None:
                compiled.install(path, captured)

        return Specialization(self.__wrapped__, self.builder, enter, self.tape_limit)

    def _warn_of_signatures(self, key: tuple[Any, ...]) -> None:
        if "_warned" not in self.__dict__:
            self.__dict__["_warned"] = True
            warnings.warn(
                f"{name_of(self.__wrapped__)} was compiled for {MOST_SIGNATURES} signatures and is "
                "compiled anew for each further one. Python ints, bools, strings and shapes are "
                "part of the signature: pass a number that changes as a float or np.int64, and pad "
                "arrays to a few sizes",
                NotCompiledWarning,
                stacklevel=stack_level(),
            )

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """Show what the function becomes for some arguments.

        The Python code runs, as at a first call.

        Raises:
            UnsupportedError: the function cannot be compiled; it says why.
        """
        _, inputs = flatten(args, kwargs)
        specialization = self._new_specialization()
        try:
            _, path, _ = specialization.built(args, kwargs, inputs)
        except NotCompiled as reason:
            name = name_of(self.__wrapped__)
            raise UnsupportedError(f"{name} cannot be compiled: {reason}") from None
        program = path.recorded.program
        described: dict[str, Any] = getattr(path.runnable, "describe", dict)()
        unrolled, compared = "\n".join(path.notes), path.compared
        return Lowered(program, program.text(), unrolled=unrolled, compared=compared, **described)

    def install(self, path: Path, captured: Captured) -> None:
        """Let calls with positional arguments go straight to native code, if there is any."""
        make = getattr(path.runnable, "entry", None)
        if make is None or not captured.is_simple:
            return
        if self._entries >= _MOST_ENTRIES:
            self._entries, self.__call__ = 0, self._run
        before = self.__call__ if self._entries else _weakly(self)
        arrays = [array for array, _, _ in captured.arrays]
        finish = path.recorded.finish
        fallback = before if finish is None else _already(before)
        entry = make(arrays, captured.names, captured.cells, captured.functions, fallback)
        if entry is not None:
            self._entries += 1
            self.__call__ = entry if finish is None else _finished(entry, finish)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<compiled {name_of(self.__wrapped__)}>"

    def __reduce__(self) -> Any:
        """Pickle the Python function; by name, where the name stands for the compiled one."""
        again = Compiled, (self.__wrapped__, self.builder, self.tape_limit)
        return global_name(self) or again


class _Done:
    """A result that another way than native code has finished."""

    __slots__ = ("result",)

    def __init__(self, result: Any) -> None:
        self.result = result


def _already(call: Callable[..., Any]) -> Callable[..., _Done]:
    return lambda *args, **kwargs: _Done(call(*args, **kwargs))


def _finished(entry: Callable[..., Any], finish: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return the function whose result Python finishes, unless it came by the fall-back."""

    def call(*args: Any, **kwargs: Any) -> Any:
        found = entry(*args, **kwargs)
        return found.result if type(found) is _Done else finish(found)

    return call


def _weakly(compiled: Compiled) -> Callable[..., Any]:
    """Return the slow way of a function, without keeping the function alive."""
    reference = weakref.ref(compiled)

    def run(*args: Any, **kwargs: Any) -> Any:
        alive = reference()
        if alive is None:
            raise ReferenceError("the compiled function is gone")
        return alive._run(*args, **kwargs)

    return run
