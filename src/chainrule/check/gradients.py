"""`check_gradient`: a gradient against what the function's values say."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.check.differences import Slope, secant, slope
from chainrule.check.point import COMPLEX_STEP, Point
from chainrule.check.report import ArgumentCheck, Entry, GradientReport
from chainrule.core.array import is_floating
from chainrule.errors import ArgumentError, IndependentOutputWarning
from chainrule.transforms.reverse import value_and_grad

__all__ = ["check_gradient"]

# A derivative below it may be what a complex step leaves of higher ones, as of x * abs(x) at 0.
_REMAINDER = 1e-90
# Rounding alone stays good: the denominator of the relative error is at least this many times the
# uncertainty of the numeric derivative, this part of the largest derivative of the argument, and
# this part of the value over the scale of x: 1 - y * y is 0 where tanh has rounded to 1.
_FLOOR, _SHARE, _SHARE_OF_VALUE = 1.01e7, 1e-7, 1e-8
# Where f is so rough that its differences say little, no gradient is good: of their uncertainty no
# more than this part of the slopes around is granted.
_ROUGH = 1e-2


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
            float16 are converted to float64, in which all is computed unless f says otherwise.
        argnums: positions of the arguments to check; None for all that hold floats.
        gradient: a gradient of your own, called as ``gradient(*args)``. It returns the gradient by
            the checked argument, a tuple of those by each of them, or, like a staged function or
            ``value_and_grad``, a pair (value, gradients). Left out, ``chainrule.value_and_grad`` is
            checked.
        raise_error: raise `GradientMismatchError` unless all is good.
        seed: of the random choice of entries and directions.
        max_entries: how many entries of each array are checked. Of a larger one a random subset is,
            and the whole of it along random directions. At least 1.
        directions: how many.

    Returns:
        A report that is true where the gradient is good and prints as a table. The relative error
        ``|a - n| / max(|a|, |n|)`` of an argument is good up to 1e-7, suspicious up to 1e-4
        (acceptable if f has kinks there), probably wrong up to 1e-2, wrong above. An entry at a
        kink, where the slopes of the two sides differ, is right if it lies between them.

    Raises:
        ArgumentError: no argument holds floats, or a chosen one holds something else; the gradients
            returned do not match the arguments; f is random; max_entries is less than 1.
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
    if max_entries < 1 or directions < 0:
        raise ArgumentError(
            f"max_entries is {max_entries} and directions {directions}: at least one entry has to "
            "be checked, along 0 or more directions"
        )
    point = Point(f, args, argnums)
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


def _check_leaf(
    point: Point,
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
    if np.asarray(gradient).dtype.kind not in "fiub":
        problem = f"the gradient holds {np.asarray(gradient).dtype}, not real numbers"
        return ArgumentCheck(point.names[k], shape, (), 0, size, problem=problem)
    gradient = np.asarray(gradient, dtype=np.float64)
    typical = float(np.max(np.abs(leaf), initial=0.0)) or 1.0
    whole = size <= max_entries
    flat = range(size) if whole else np.sort(rng.choice(size, max_entries, replace=False))
    compare = _Comparison(point, k, value, _size_of(gradient))
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

    def __init__(self, point: Point, k: int, value: float, largest: float) -> None:
        self.point, self.k, self.value = point, k, value
        self.largest = largest  # the largest derivative of this leaf
        self.complex = True

    def __call__(
        self,
        index: tuple[int, ...] | str,
        analytic: float,
        scales: Sequence[float],
        along: Callable[[Any, complex], Any],
    ) -> Entry:
        point, k = self.point, self.k

        def phi(t: float) -> float:
            return point.moved(k, lambda x: along(x, t))

        derivative = None
        if self.complex:
            derivative = point.complex_step(k, lambda x: along(x, 1j * COMPLEX_STEP))
        found = slope(
            phi,
            self.value,
            scales,
            analytic,
            eps=point.eps,
            backed=derivative is not None and math.isclose(derivative, analytic, rel_tol=1e-9),
        )
        numeric, uncertainty, method = found.value, found.error, "differences"
        if self.complex and found.kind == "smooth":
            # np.abs, conj and the like lose the imaginary part without a word: believed only if
            # the differences agree.
            self.complex = derivative is not None and _agree(derivative, found)
            if self.complex and derivative is not None and not 0 < abs(derivative) < _REMAINDER:
                numeric, uncertainty = derivative, 4 * point.eps * abs(derivative)
                found, method = Slope(numeric, uncertainty, numeric, numeric), "complex step"
        if found.kind == "kink":
            numeric = found.nearest(analytic)
            uncertainty = 1e-11 * max(abs(found.left), abs(found.right))  # of first order: 1e-4
        granted = uncertainty
        rounding = _SHARE_OF_VALUE * abs(self.value) / scales[0]
        if uncertainty > max(_ROUGH * max(abs(numeric), self.largest), rounding):
            around = max(abs(numeric), self.largest, secant(phi, self.value, scales[0]))
            granted = min(uncertainty, max(_ROUGH * around, rounding))
        floor = max(_FLOOR * granted, _SHARE * self.largest, rounding)
        error = _relative(analytic, numeric, floor)
        return Entry(index, analytic, numeric, error, uncertainty, found.kind, method)


def _relative(analytic: float, numeric: float, floor: float) -> float:
    if analytic == numeric:  # both infinite, maybe
        return 0.0
    if not math.isfinite(analytic) or not math.isfinite(numeric):
        return math.inf
    return abs(analytic - numeric) / max(abs(analytic), abs(numeric), floor)


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


def _gradients(point: Point, gradient: Callable[..., Any] | None) -> tuple[list[Any], float | None]:
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
        candidates.append((result[1], float(result[0]) if is_floating(result[0]) else None))
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
