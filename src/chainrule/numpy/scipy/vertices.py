"""A call of a solver as one vertex: of a compiled program, or for many examples.

How a solver finds its result depends on numbers: which steps it takes, how many. What is recorded
of one call is for its numbers alone. So where code is recorded for others, too, to be compiled or
under `vmap`, the call is one operation, whose value is what the solver returns when it is called
again, and whose derivative is that of the solver. It is a function of all Arrays that it was given:
as arguments, and as what functions among its arguments refer to.
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import CellType, FunctionType
from typing import Any, TypeAlias

import numpy as np

from chainrule.core.apply import Given, apply
from chainrule.core.array import Array, dtype_of, shape_of
from chainrule.core.backward import backward
from chainrule.core.batching import OtherShapeError
from chainrule.core.forward import attempt_forward
from chainrule.core.joint import Joint, added
from chainrule.core.retrace import fresh
from chainrule.core.source import LIBRARIES, is_own, where_am_i
from chainrule.errors import NoAttributeError
from chainrule.numpy.closure import ABSENT, content, counterpart
from chainrule.numpy.creation import asarray
from chainrule.numpy.dispatch import has_history
from chainrule.numpy.names import assigned, mentioned

__all__ = ["one_vertex"]

Function: TypeAlias = Callable[..., Any]
_LOOKED_INTO = (list, tuple, dict, FunctionType)
_MOST = 1000  # items of a container that is looked into
#: Makes a value of the numbers that stand for Arrays; None of a value that needs none.
Fill: TypeAlias = Callable[[Sequence[Any]], Any]


def one_vertex(*names: str) -> Callable[[Function], Function]:
    """Return a decorator for what a solver means, which differentiates itself.

    Args:
        names: what is wanted of a result that has attributes. How it was found differs from call to
            call, and is left out.
    """

    def decorate(meaning: Function) -> Function:
        @functools.wraps(meaning)
        def call(*args: Any, **kwargs: Any) -> Any:
            slots = _Slots()
            fill = slots.fill([list(args), kwargs])
            if fill is None or not slots.are_for_others():
                return meaning(*args, **kwargs)

            def found(values: Sequence[Any]) -> Any:
                given, named = fill(values)
                return meaning(*given, **named)

            first = found([x.value for x in slots.arrays])
            form = _form(first, names)
            if form is None:
                return meaning(*args, **kwargs)
            x = form.packed(first)
            if has_history(x) or x.dtype.kind != "f":  # functions know Arrays that are not found
                return meaning(*args, **kwargs)
            solver = _Called(lambda v: form.packed(found(v)), meaning.__name__, shape_of(x))
            return form.unpacked(apply(_solver, Given(x), slots.arrays, {"call": solver}))

        return call

    return decorate


class _Form:
    """How the parts of a result lie in one vector."""

    def __init__(self, parts: Mapping[Any, Any], flags: Sequence[str]) -> None:
        self._names = list(parts)
        self._shapes = [shape_of(x) for x in parts.values()]
        self._flags = flags

    def parts(self, found: Any) -> list[Any]:
        """Return the parts of a result that are numbers."""
        return [found[name] for name in self._names]

    def packed(self, found: Any) -> Any:
        """Return a vector of a result."""
        parts = [np.reshape(asarray(x), -1) for x in self.parts(found)]
        flags = [float(np.all(found[name])) for name in self._flags]
        return np.concatenate([*parts, np.array(flags)])

    def unpacked(self, vector: Any) -> Any:
        """Return a result like the first one. What Python asks of it, is asked at each call."""
        parts, start = [], 0
        for shape in self._shapes:
            end = start + math.prod(shape)
            parts.append(vector[start:end].reshape(shape) if shape else vector[start])
            start = end
        flags = {name: vector[start + k] > 0.5 for k, name in enumerate(self._flags)}
        return self.result(parts, flags)

    def result(self, parts: list[Any], flags: dict[str, Any]) -> Any:
        """Return a result of its parts."""
        return _found()(**dict(zip(self._names, parts, strict=True)), **flags)


@functools.cache
def _found() -> type:
    class Found(importlib.import_module("scipy.optimize").OptimizeResult):  # type: ignore[misc]
        def __getattr__(self, name: str) -> Any:
            if name in self:
                return self[name]
            raise NoAttributeError(
                f"`{name}` of what a solver returns is another one at each call, at "
                f"{where_am_i()}: compiled code knows {', '.join(self)}. Ask for it in a function "
                "that is not compiled"
            )

    return Found


class _Pair(_Form):
    def result(self, parts: list[Any], flags: dict[str, Any]) -> Any:
        return tuple(parts)


class _Alone(_Form):
    def parts(self, found: Any) -> list[Any]:
        return [found]

    def result(self, parts: list[Any], flags: dict[str, Any]) -> Any:
        return parts[0]


def _form(found: Any, names: Sequence[str]) -> _Form | None:
    """Return how a result lies in one vector; None if there is more to it than numbers."""
    if isinstance(found, dict):
        if not found.keys() >= set(names):
            return None
        flags = [name for name in ("success", "converged") if name in found]
        return _Form({name: found[name] for name in names}, flags)
    if isinstance(found, tuple):
        numbers = all(isinstance(x, (int, float)) for x in found)
        return _Pair(dict(enumerate(found)), ()) if numbers else None
    return _Alone({"": found}, ())


class _Called:
    """What is called again with other numbers."""

    def __init__(
        self, f: Callable[[Sequence[Any]], Any], name: str, shape: tuple[int, ...]
    ) -> None:
        self.f = f
        self.name = name
        self.shape = shape
        # One of each, for equal vertices are computed once.
        self.pulled = functools.cache(self._pulled)
        self.pushed = functools.cache(self._pushed)

    def __call__(self, values: Sequence[Any]) -> Any:
        """Return the result, of the shape that it had at first.

        Raises:
            OtherShapeError: it has another one: the program is not the one for these numbers.
        """
        y = self.f(values)
        if shape_of(y) != self.shape:
            raise OtherShapeError(shape_of(y), self.shape)
        return y

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def _pulled(self, size: int) -> _Called:
        """Return the call of the pullback: of g and the operands, all gradients in one vector."""

        def pullback(values: Sequence[Any]) -> Any:
            g, *operands = values
            at = [fresh(x) for x in operands]
            y = self(at)
            found: Sequence[Any] = [None] * len(at)
            if has_history(y):
                found = backward([(y, g)], [x.node for x in at])
            return np.concatenate(
                [
                    np.zeros(math.prod(shape_of(x))) if part is None else asarray(part).ravel()
                    for part, x in zip(found, operands, strict=True)
                ]
            )

        return _Called(pullback, f"pullback of {self.name}", (size,))

    def _pushed(self, moving: tuple[int, ...]) -> _Called:
        """Return the call of the pushforward: of tangents of operands, and of these."""

        def pushforward(values: Sequence[Any]) -> Any:
            tangents, operands = values[: len(moving)], values[len(moving) :]
            at = [fresh(x) if k in moving else x for k, x in enumerate(operands)]
            y = self(at)
            nodes = [at[k].node for k in moving]
            found = None
            if has_history(y):
                (found,), _ = attempt_forward([y], nodes, tangents, False)
            return np.zeros(self.shape) if found is None else found

        return _Called(pushforward, f"pushforward of {self.name}", self.shape)


class _Solver(Joint):
    def pull_together(
        self,
        sums: Sequence[Any],
        asked: Sequence[bool],
        g: Any,
        operands: Sequence[Any],
        output: Any,
        params: Mapping[str, Any],
        guarded: bool,
    ) -> Sequence[Any]:
        size = sum(math.prod(shape_of(x)) for x in operands)
        whole = self(g, *operands, call=params["call"].pulled(size))
        parts, start = [], 0
        for x in operands:
            end = start + math.prod(shape_of(x))
            parts.append(whole[start:end].reshape(shape_of(x)))
            start = end
        return added(sums, parts, operands)


def _push(tangents: Sequence[Any], *rest: Any, call: _Called) -> Any:
    moving = tuple(k for k, tangent in enumerate(tangents) if tangent is not None)
    return _solver(*(tangents[k] for k in moving), *rest[:-1], call=call.pushed(moving))


_solver = _Solver("solver", lambda *operands, call: call(operands), pushforward=_push)


class _Slots:
    """The Arrays in what a solver is given, each with a number."""

    def __init__(self) -> None:
        self.arrays: list[Array] = []
        self._numbers: dict[int, int] = {}
        self._open: set[int] = set()  # what is being looked into

    def are_for_others(self) -> bool:
        """Tell whether what is recorded is for other numbers, too."""
        recordings = {x.node.recording for x in self.arrays}
        return any(r.unseen or r.examples is not None for r in recordings) and all(
            dtype_of(x).kind == "f" for x in self.arrays
        )

    def fill(self, value: Any) -> Fill | None:
        """Return what makes a value of numbers in the place of Arrays; None if it has none."""
        kind = type(value)
        if kind is Array:
            return self._array(value)
        if kind not in _LOOKED_INTO or id(value) in self._open:
            return None
        self._open.add(id(value))
        try:
            if kind is FunctionType:
                return self._function(value)
            if len(value) > _MOST:
                return None
            return self._dict(value) if kind is dict else self._items(value, kind)
        finally:
            self._open.remove(id(value))

    def _dict(self, given: dict[Any, Any]) -> Fill | None:
        parts = self._items(list(given.values()), list)
        names = list(given)
        return None if parts is None else lambda v: dict(zip(names, parts(v), strict=True))

    def _array(self, array: Array) -> Fill:
        if array.node is None:
            constant = np.array(array.value)
            return lambda v: constant
        if id(array) not in self._numbers:
            self._numbers[id(array)] = len(self.arrays)
            self.arrays.append(array)
        number = self._numbers[id(array)]
        return lambda v: v[number]

    def _items(self, items: Sequence[Any], kind: Any) -> Fill | None:
        parts = [self.fill(item) for item in items]
        if all(part is None for part in parts):
            return None
        # The run that is recorded does not live on in what was made of it.
        known = [x if part is None else None for x, part in zip(items, parts, strict=True)]
        return lambda v: kind(_filled(known, parts, v))

    def _function(self, f: FunctionType) -> Fill | None:
        if f.__closure__ and not assigned(f.__code__).isdisjoint(f.__code__.co_freevars):
            return None  # it has a state of its own
        if is_own(f) or f.__code__.co_filename.startswith(LIBRARIES):
            return None
        contents = [content(cell) for cell in f.__closure__ or ()]
        if any(x is ABSENT for x in contents):
            return None
        everywhere = _flat(f.__globals__)
        named = {x: everywhere[x] for x in sorted(mentioned(f.__code__)[0] & everywhere.keys())}
        keywords = dict(f.__kwdefaults__ or {})
        fill = self.fill([contents, f.__defaults__, keywords, named])
        if fill is None:
            return None
        others = {name: x for name, x in everywhere.items() if type(x) is not Array}
        shell = counterpart(f, others, tuple(CellType() for _ in contents))
        shell.__defaults__ = shell.__kwdefaults__ = None
        shell.__dict__.update(f.__dict__)

        def made(v: Sequence[Any]) -> FunctionType:
            held, defaults, given, found = fill(v)
            new = counterpart(shell, {**others, **found}, tuple(map(CellType, held)))
            new.__dict__.update(shell.__dict__)
            new.__defaults__, new.__kwdefaults__ = defaults, given
            return new

        return made


def _flat(names: Any) -> dict[str, Any]:
    """Return globals, with those that lie behind a view of them."""
    behind = getattr(names, "names", None)
    return {**_flat(behind), **names} if isinstance(behind, dict) else dict(names)


def _filled(items: list[Any], parts: list[Fill | None], v: Sequence[Any]) -> Iterator[Any]:
    for item, part in zip(items, parts, strict=True):
        yield item if part is None else part(v)
