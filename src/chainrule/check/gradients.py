"""`check_gradient`: a gradient against what the function's values say."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.check.differences import Slope, slope
from chainrule.check.report import ArgumentCheck, Entry, GradientReport
from chainrule.errors import (
    ArgumentError,
    IndependentOutputWarning,
    NonFiniteError,
    NonScalarOutputError,
)
from chainrule.transforms.inputs import refuse, select
from chainrule.transforms.reverse import value_and_grad

__all__ = ["check_gradient"]

_COMPLEX_STEP = 1e-100
_NOTHING = 1e-100  # what a complex step leaves of a derivative of third order
# Rounding alone stays good: the denominator of the relative error is at least this many times the
# uncertainty of the numeric derivative, and this part of the largest derivative of the argument.
_FLOOR, _SHARE = 1e7, 1e-8


def check_gradient(
    f: Callable[..., Any],
    *args: Any,
    argnums: int | Sequence[int] | None = None,
    gradient: Callable[..., Any] | None = None,
    raise_error: bool = False,
    seed: int = 0,
    max_entries: int = 100,
    directions: int = 10,
) -> GradientReport:
    """Compare a gradient with central differences and, where f allows it, complex steps.

    Args:
        f: a function whose value is one number.
        args: where to check: floats, float arrays of any shape, or trees of them. float32 and
            float16 are converted to float64, in which all is computed.
        argnums: positions of the arguments to check; None for all that hold floats.
        gradient: a gradient of your own, called as ``gradient(*args)``. It returns the gradient by
            the checked argument, a tuple of those by each of them, or, like a staged function or
            ``value_and_grad``, a pair (value, gradients). Left out, ``chainrule.value_and_grad`` is
            checked.
        raise_error: raise `GradientMismatchError` unless all is good.
        seed: of the random choice of entries and directions.
        max_entries: how many entries of each array are checked. Of a larger one a random subset is,
            and the whole of it along random directions.
        directions: how many.

    Returns:
        A report that is true where the gradient is good and prints as a table. The relative error
        ``|a - n| / max(|a|, |n|)`` of an argument is good up to 1e-7, suspicious up to 1e-4
        (acceptable if f has kinks there), probably wrong up to 1e-2, wrong above. An entry at a
        kink, where the slopes of the two sides differ, is right if it lies between them.

    Raises:
        ArgumentError: no argument holds floats, or a chosen one holds something else; the gradients
            returned do not match the arguments; f is random.
        NonScalarOutputError: the value of f is not one number.
        NonFiniteError: the value of f is NaN or infinite.
        GradientMismatchError: with ``raise_error``.

    >>> import numpy as np, chainrule as cr
    >>> report = cr.check_gradient(lambda x: np.sum(np.sin(x) * x), np.array([0.5, 2.0]))
    >>> bool(report), report.error < 1e-7
    (True, True)
    >>> bool(cr.check_gradient(lambda x: x**3, 2.0, gradient=lambda x: 2 * x**2))
    False
    """
    point = _Point(f, args, argnums)
    value = point.value()
    notes = list(point.notes)
    analytic, recorded = _gradients(point, gradient)
    if recorded is not None and not math.isclose(recorded, value, rel_tol=1e-9, abs_tol=1e-300):
        notes.append(
            f"the value given along with the gradient, {recorded:.9g}, is not that of "
            f"{point.name}, {value:.9g}"
        )
    rng = np.random.default_rng(seed)
    checks = []
    for k, g in enumerate(analytic):
        checks.append(_check_leaf(point, k, g, value, rng, max_entries, directions))
    report = GradientReport(point.name, value, tuple(checks), tuple(notes))
    if raise_error:
        report.raise_if_bad()
    return report


class _Point:
    """A function at a point: its value where one leaf of its arguments is moved."""

    def __init__(
        self, f: Callable[..., Any], args: Sequence[Any], argnums: int | Sequence[int] | None
    ) -> None:
        if not callable(f):
            raise TypeError(f"expected a function to check, got a {type(f).__name__}: {f!r}")
        self.f = f
        self.name = str(getattr(f, "__name__", None) or type(f).__name__)
        self.notes: list[str] = []
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
                if not _is_floating(leaf):
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
            value = self._number(self.f(*self.args()))
            again = self._number(self.f(*self.args()))
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
        derivative = complex(y).imag / _COMPLEX_STEP
        return derivative if math.isfinite(derivative) else None


def _check_leaf(
    point: _Point,
    k: int,
    gradient: Any,
    value: float,
    rng: np.random.Generator,
    max_entries: int,
    directions: int,
) -> ArgumentCheck:
    leaf = point.leaves[k]
    shape, size = np.shape(leaf), int(np.size(leaf))
    if np.shape(gradient) != shape:
        problem = f"the gradient has shape {np.shape(gradient)}, the argument {shape}"
        return ArgumentCheck(point.names[k], shape, (), 0, size, problem=problem)
    gradient = np.asarray(gradient, dtype=np.float64)
    typical = float(np.max(np.abs(leaf), initial=0.0)) or 1.0
    whole = size <= max_entries
    flat = range(size) if whole else np.sort(rng.choice(size, max_entries, replace=False))
    compare = _Comparison(point, k, value, _SHARE * _size_of(gradient))
    entries = []
    for at in flat:
        index = tuple(int(i) for i in np.unravel_index(at, shape))
        x = abs(float(leaf[index] if shape else leaf))
        scales = [max(x, typical)] if x in (0.0, typical) else [max(x, typical), x]
        entries.append(compare(index, float(gradient[index]), scales, _along_entry(index)))
    for number in range(0 if whole else directions):
        signs = rng.choice((-1.0, 1.0), shape)
        expected = float(np.sum(gradient * signs))
        name = f"direction {number + 1}"
        entries.append(compare(name, expected, [typical], _along(signs)))
    return ArgumentCheck(
        point.names[k],
        shape,
        tuple(entries),
        len(flat),
        size,
        directions=0 if whole else directions,
        notes=tuple(_remarks(entries)),
    )


def _size_of(gradient: Any) -> float:
    finite = gradient[np.isfinite(gradient)]
    return float(np.max(np.abs(finite), initial=0.0))


def _remarks(entries: Sequence[Entry]) -> list[str]:
    notes = []
    edges = [e for e in entries if e.kind == "edge"]
    if edges:
        where = f" at {edges[0].place}" if edges[0].place else ""
        notes.append(f"f exists on one side only{where}: compared with the slope of that side")
    broken = [e for e in entries if not math.isfinite(e.analytic)]
    if broken:
        where = f" at {broken[0].place}" if broken[0].place else ""
        notes.append(f"the gradient is {broken[0].analytic}{where}")
    vague = [e for e in entries if e.uncertainty > 1e-4 * max(abs(e.analytic), abs(e.numeric))]
    vague = [e for e in vague if e.error > 0 and e.uncertainty < math.inf]
    if vague:
        e = max(vague, key=lambda e: e.uncertainty)
        where = f" at {e.place}" if e.place else ""
        notes.append(f"differences of f{where} are uncertain by {e.uncertainty:.1e}")
    if any(e.kind == "undefined" for e in entries):
        notes.append("f is not finite beside this point, so nothing can be compared")
    return notes


class _Comparison:
    """Compares derivatives by one leaf, with the complex step for as long as it proves right."""

    def __init__(self, point: _Point, k: int, value: float, floor: float) -> None:
        self.point, self.k, self.value, self.floor = point, k, value, floor
        self.complex = True

    def __call__(
        self,
        index: tuple[int, ...] | str,
        analytic: float,
        scales: Sequence[float],
        along: Callable[[Any, complex], Any],
    ) -> Entry:
        point, k = self.point, self.k
        found = slope(lambda t: point.moved(k, lambda x: along(x, t)), self.value, scales, analytic)
        numeric, uncertainty, method = found.value, found.error, "differences"
        if self.complex and found.kind == "smooth":
            derivative = point.complex_step(k, lambda x: along(x, 1j * _COMPLEX_STEP))
            # np.abs, conj and the like lose the imaginary part without a word: believed only if
            # the differences agree.
            self.complex = derivative is not None and _agree(derivative, found)
            if self.complex and derivative is not None:
                numeric, uncertainty = derivative, 2.0**-50 * abs(derivative)
                found, method = Slope(numeric, uncertainty, numeric, numeric), "complex step"
        if found.kind == "kink":
            numeric = found.nearest(analytic)
            uncertainty = 1e-11 * max(abs(found.left), abs(found.right))  # of first order: 1e-4
        error = self._error(analytic, numeric, uncertainty)
        return Entry(index, analytic, numeric, error, uncertainty, found.kind, method)

    def _error(self, analytic: float, numeric: float, uncertainty: float) -> float:
        if analytic == numeric:  # both infinite, maybe
            return 0.0
        if not math.isfinite(analytic) or not math.isfinite(numeric):
            return math.inf
        size = max(abs(analytic), abs(numeric), _FLOOR * uncertainty, self.floor, _NOTHING)
        return abs(analytic - numeric) / size


def _agree(derivative: float, found: Slope) -> bool:
    size = max(abs(derivative), abs(found.value))
    return abs(derivative - found.value) <= 10 * found.error + 1e-8 * size


def _along_entry(index: tuple[int, ...]) -> Callable[[Any, complex], Any]:
    def along(x: Any, t: complex) -> Any:
        if not isinstance(x, np.ndarray):
            return x + t
        moved = np.array(x, dtype=np.result_type(x, t))
        moved[index] += t
        return moved

    return along


def _along(direction: Any) -> Callable[[Any, complex], Any]:
    return lambda x, t: x + t * direction


def _gradients(
    point: _Point, gradient: Callable[..., Any] | None
) -> tuple[list[Any], float | None]:
    """Return the gradient by each leaf, and the value that came with them."""
    if gradient is None:
        with warnings.catch_warnings():  # a gradient of zero is right then
            warnings.simplefilter("ignore", IndependentOutputWarning)
            y, gradients = value_and_grad(point.f, point.argnums)(*point.args())
        return trees.flatten(gradients)[0], y
    result: Any = gradient(*point.args())
    expected = [np.shape(leaf) for leaf in point.leaves]
    candidates: list[tuple[Any, float | None]] = [(result, None)]
    if isinstance(result, tuple) and len(result) == 2 and np.shape(result[0]) == ():
        candidates.append((result[1], float(result[0]) if _is_floating(result[0]) else None))
    flattened = [(trees.flatten(tree)[0], value) for tree, value in candidates]
    for leaves, value in flattened:
        if [np.shape(g) for g in leaves] == expected:
            return leaves, value
    for leaves, value in reversed(flattened):
        if len(leaves) == len(expected):
            return leaves, value  # a wrong shape is told at the argument
    raise ArgumentError(
        f"gradient returned {len(flattened[0][0])} arrays, {len(expected)} are needed: one for "
        f"each of {', '.join(point.names)}, in this order"
    )


def _copy(leaf: Any) -> Any:
    return leaf.copy() if isinstance(leaf, np.ndarray) else leaf


def _floating(f: Callable[..., Any], args: Sequence[Any]) -> tuple[int, ...]:
    chosen = tuple(k for k, arg in enumerate(args) if any(map(_is_floating, trees.flatten(arg)[0])))
    if not chosen:
        if args:
            leaves, _ = trees.flatten(args[0])
            if leaves:
                raise refuse(f, args[0], leaves[0], 0, 0)
        raise ArgumentError("check_gradient needs the arguments at which f is to be checked")
    return chosen


def _is_floating(value: Any) -> bool:
    return isinstance(value, float) or (
        isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f"
    )


def _parameters(f: Callable[..., Any], count: int) -> list[str]:
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][
        :count
    ]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "argument")
    return names + [f"{rest}[{k}]" for k in range(count - len(names))]
