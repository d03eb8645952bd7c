"""A function at a point: its arguments as leaves of floats, and its value where one is moved."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.array import is_floating
from chainrule.core.callables import positional
from chainrule.errors import ArgumentError, NonFiniteError, NonScalarOutputError
from chainrule.transforms.argnums import refuse, select

__all__ = ["COMPLEX_STEP", "Point"]

COMPLEX_STEP = 1e-100


class Point:
    """A function at a point: its value where one leaf of its arguments is moved."""

    def __init__(
        self, f: Callable[..., Any], args: Sequence[Any], argnums: int | Sequence[int] | None
    ) -> None:
        if not callable(f):
            raise TypeError(f"expected a function to check, got a {type(f).__name__}: {f!r}")
        self.f = f
        self.name = str(getattr(f, "__name__", None) or type(f).__name__)
        self.notes: list[str] = []
        self.eps = 2.0**-52  # the rounding of f
        self.single = isinstance(argnums, int)
        self.argnums = _floating(f, args) if argnums is None else select(argnums, args, f)
        self.leaves: list[Any] = []
        self.names: list[str] = []
        self._args = list(args)
        self._builders: list[tuple[int, int, Callable[[Any], Any]]] = []
        parameters = _parameters(f, len(args))
        for position in self.argnums:
            leaves, build = trees.flatten(args[position])
            start = len(self.leaves)
            paths = trees.paths(args[position])
            for at, (path, leaf) in enumerate(zip(paths, leaves, strict=True)):
                if not is_floating(leaf):
                    raise refuse(f, args[position], leaf, position, at)
                name = parameters[position] + path
                self.leaves.append(self._as_float64(leaf, name))
                self.names.append(name)
            self._builders.append((start, len(self.leaves), build))
        if argnums is None:
            self._note_integers(parameters)

    def _as_float64(self, leaf: Any, name: str) -> Any:
        if type(leaf) is float:
            return leaf
        if leaf.dtype != np.float64:
            self.notes.append(f"{name} was converted from {leaf.dtype} to float64")
        return np.array(leaf, dtype=np.float64)[()]

    def _note_integers(self, parameters: Sequence[str]) -> None:
        for position, arg in enumerate(self._args):
            if type(arg) is int:
                self.notes.append(
                    f"{parameters[position]} = {arg} is an int and was held fixed; write "
                    f"{arg}.0 to check the derivative by it"
                )

    def args(self, moved: int | None = None, leaf: Any = None) -> list[Any]:
        """Return all arguments, with a leaf moved. They are copies: f may change them in place."""
        args = list(self._args)
        leaves = [leaf if k == moved else _copy(x) for k, x in enumerate(self.leaves)]
        for position, (start, stop, build) in zip(self.argnums, self._builders, strict=True):
            args[position] = build(leaves[start:stop])
        return args

    def value(self) -> float:
        """Return f's value, after a check that it is one finite number and stays so."""
        with np.errstate(all="ignore"):
            y = self.f(*self.args())
            value = self._number(y)
            again = self._number(self.f(*self.args()))
        self._note_precision(y)
        if not math.isfinite(value):
            raise NonFiniteError(
                f"{self.name} is {value} here, so its gradient cannot be checked: choose arguments "
                "at which it is finite (chainrule.explain shows where NaN or inf arises)"
            )
        if value != again:
            raise ArgumentError(
                f"{self.name} gave {value!r}, then {again!r} for the same arguments: to be checked "
                "it must not be random (make its random generator inside it, from a fixed seed)"
            )
        return value

    def _note_precision(self, y: Any) -> None:
        if is_floating(y) and np.asarray(y).dtype.itemsize < 8:
            self.eps = float(np.finfo(y.dtype).eps)
            self.notes.append(
                f"{self.name} computes in {y.dtype} even so: its differences are rough, and a "
                "small error cannot be told from its rounding"
            )

    def _number(self, y: Any) -> float:
        number = isinstance(y, (float, int, np.ndarray, np.generic)) and np.shape(y) == ()
        if number and np.asarray(y).dtype.kind in "fiub":
            return float(y)
        kind = f"shape {np.shape(y)}" if isinstance(y, np.ndarray) else f"a {type(y).__name__}"
        raise NonScalarOutputError(
            f"check_gradient needs a function whose value is one real number, {self.name} returned "
            f"{kind}: sum or average it"
        )

    def moved(self, k: int, move: Callable[[Any], Any]) -> float:
        """Return f where leaf k is moved; NaN where f is not defined."""
        args = self.args(k, move(self.leaves[k]))
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            try:
                return self._number(self.f(*args))
            except (ArithmeticError, ValueError):  # math.sqrt(-1.0), math.exp(1000.0)
                return math.nan

    def complex_step(self, k: int, move: Callable[[Any], Any]) -> float | None:
        """Return f's imaginary part over the step, where leaf k is moved; None if f refuses."""
        args = self.args(k, move(self.leaves[k]))
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error")  # a ComplexWarning: an imaginary part was dropped
            try:
                y = np.asarray(self.f(*args))
            except Exception:  # f refuses complex numbers, in whatever way
                return None
        if y.dtype.kind != "c" or y.shape != ():
            return None
        derivative = complex(y).imag / COMPLEX_STEP
        return derivative if math.isfinite(derivative) else None


def _copy(leaf: Any) -> Any:
    return leaf.copy() if isinstance(leaf, np.ndarray) else leaf


def _floating(f: Callable[..., Any], args: Sequence[Any]) -> tuple[int, ...]:
    chosen = tuple(k for k, arg in enumerate(args) if any(map(is_floating, trees.flatten(arg)[0])))
    if not chosen:
        if args:
            leaves, _ = trees.flatten(args[0])
            if leaves:
                raise refuse(f, args[0], leaves[0], 0, 0)
        raise ArgumentError("check_gradient needs the arguments at which f is to be checked")
    return chosen


def _parameters(f: Callable[..., Any], count: int) -> list[str]:
    names, rest = positional(f)
    names += [f"{rest or 'argument'}[{k}]" for k in range(count - len(names))]
    return names[:count]
