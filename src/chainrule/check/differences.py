"""The slope of a function of one number at 0, from values alone, and how far it can be trusted.

Central differences are extrapolated to step 0 (Ridders, "Accurate computation of F'(x) and
F'(x) F''(x)", Advances in Engineering Software 4, 1982), from several first steps, so that
neither a nearby kink nor rounding decides. Where the one-sided slopes do not come together, there
is a kink; where the function exists on one side only, an edge; where they both grow without limit,
the slope is vertical.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Slope", "secant", "slope"]

_LEVELS, _EDGE_LEVELS = 8, 12
_FIRST_STEP = 4e-3  # of the scale of x; three halvings give about eps**(1/5), best for order 4
_SMALL_STEP = 2e-6  # about eps**(1/3): below it the rounding of f outweighs what a kink would cost
_EXACT, _BACKED = 1e-9, 1e-6
_GROWTH = 1.1  # of a difference when its step is a quarter: 4**(1 - p) for a slope like x**(p - 1)
_SAME = 1e-4  # one-sided slopes that differ by less, relatively, are no kink


@dataclass(frozen=True, slots=True)
class Slope:
    """A numeric derivative: its value, an estimate of its absolute error, and the two sides."""

    value: float
    error: float
    left: float
    right: float
    kind: Literal["smooth", "kink", "edge", "vertical", "undefined"] = "smooth"

    def nearest(self, derivative: float) -> float:
        """Return the slope nearest to a derivative: at a kink all between the two sides count."""
        if self.kind != "kink":
            return self.value
        low, high = sorted((self.left, self.right))
        margin = _SAME * max(-low, high)  # the sides are differences of first order
        return (
            derivative
            if low - margin <= derivative <= high + margin
            else min(low, high, key=lambda side: abs(side - derivative))
        )


def slope(
    phi: Callable[[float], float],
    at_zero: float,
    scales: Sequence[float],
    guess: float,
    *,
    eps: float = 2.0**-52,
    backed: bool = False,
) -> Slope:
    """Estimate the derivative of phi at 0.

    Args:
        phi: the function; it returns NaN where it is not defined.
        at_zero: its value at 0.
        scales: lengths over which phi may be expected to vary, the likeliest first.
        guess: where the answer is expected. It only decides how soon the search may end.
        eps: the relative rounding error of phi.
        backed: the guess comes from two sources, so that a rough answer will do.
    """
    exact = _BACKED if backed else _EXACT
    guess = guess if math.isfinite(guess) else 0.0
    smooth = kink = None
    steps = [_FIRST_STEP * s for s in scales] + [_SMALL_STEP * s for s in scales]
    for h in steps:
        found = _central(phi, at_zero, h, eps, exact)
        if found is None:
            continue
        if found.kind == "kink":
            if h >= _SMALL_STEP * scales[0]:  # below that, rounding looks like one
                kink = found
        elif smooth is None or found.error < smooth.error:
            smooth = found
            if _settled(found, guess, exact):
                return found
    if smooth is not None and smooth.error <= 1e-3 * max(abs(smooth.value), abs(guess)):
        return smooth
    return kink or _vertical(phi, at_zero, max(steps)) or smooth or _edge(phi, at_zero, steps, eps)


def secant(phi: Callable[[float], float], at_zero: float, scale: float) -> float:
    """Return the larger slope, without its sign, of the secants over the first step."""
    h = _FIRST_STEP * scale
    slopes = [abs(phi(step) - at_zero) / h for step in (h, -h)]
    return max(filter(math.isfinite, slopes), default=0.0)


def _settled(found: Slope, guess: float, exact: float) -> bool:
    size = max(abs(found.value), abs(guess))
    return found.error <= exact * size or abs(found.value - guess) <= exact * size


def _central(
    phi: Callable[[float], float], at_zero: float, first: float, eps: float, exact: float
) -> Slope | None:
    """Extrapolate central differences from a first step; None where phi is undefined nearby."""
    before: list[float] = []
    best, error = math.nan, math.inf
    gaps: list[float] = []
    left = right = rounding = math.nan
    for level in range(_LEVELS):
        h = first / 2**level
        above, below = phi(h), phi(-h)
        if not (math.isfinite(above) and math.isfinite(below)):
            return None
        rounding = 2 * eps * max(abs(above), abs(below), abs(at_zero)) / h
        left, right = (at_zero - below) / h, (above - at_zero) / h
        gaps.append(abs(right - left))
        row = [(above - below) / (2 * h)]
        for j, coarse in enumerate(before):
            power = 4.0 ** (j + 1)
            row.append((power * row[j] - coarse) / (power - 1))
            estimate = max(abs(row[j + 1] - row[j]), abs(row[j + 1] - coarse)) + rounding
            if estimate < error:
                best, error = row[j + 1], estimate
        if level >= 2:
            if _is_kink(gaps, left, right, rounding):
                return Slope((left + right) / 2, gaps[-1] / 2, left, right, "kink")
            if error <= exact * abs(best) or abs(row[-1] - before[-1]) >= 2 * error:
                break
        before = row
    return Slope(best, error, left, right)


def _is_kink(gaps: Sequence[float], left: float, right: float, rounding: float) -> bool:
    """Tell a kink, where the sides differ at every step, from curvature, which halves with it."""
    significant = _SAME * max(abs(left), abs(right)) + 16 * rounding
    return gaps[-1] > significant and gaps[-1] > 0.6 * gaps[-3] and gaps[-2] > 0.6 * gaps[-3]


def _vertical(phi: Callable[[float], float], at_zero: float, h: float) -> Slope | None:
    """Return the infinite slope that the differences of both sides grow to; None if they do not."""
    for sequence in (_one_sided(phi, at_zero, h), _one_sided(phi, at_zero, -h)):
        # At every step: rounding grows too, but changes its sign.
        if not all(
            b > _GROWTH * a > 0 or b < _GROWTH * a < 0 for a, b in itertools.pairwise(sequence)
        ):
            return None
    limit = math.copysign(math.inf, sequence[0])
    return Slope(limit, 0.0, limit, limit, "vertical")


def _one_sided(phi: Callable[[float], float], at_zero: float, first: float) -> list[float]:
    steps = [first / 4.0**level for level in range(_EDGE_LEVELS)]
    return [(phi(step) - at_zero) / step for step in steps]


def _edge(
    phi: Callable[[float], float], at_zero: float, steps: Sequence[float], eps: float
) -> Slope:
    """Extrapolate one-sided differences on the side on which phi exists."""
    for h in sorted(steps, reverse=True):
        for sign in (1.0, -1.0):
            if not math.isfinite(phi(sign * h)):
                continue
            value, error = _limit(_one_sided(phi, at_zero, sign * h))
            error += eps * abs(at_zero) / (h / 4.0 ** (_EDGE_LEVELS - 1))
            sides = (math.nan, value) if sign > 0 else (value, math.nan)
            return Slope(value, error, *sides, "edge")
    return Slope(math.nan, math.inf, math.nan, math.nan, "undefined")


def _limit(sequence: Sequence[float]) -> tuple[float, float]:
    """Return the limit of a sequence and an estimate of its error, by Wynn's epsilon algorithm.

    At an edge the differences may go like any power of the step, as those of x**1.5 do at 0, which
    is a sum of geometric sequences here: the case in which the algorithm is exact.
    """
    changes = [abs(b - a) for a, b in itertools.pairwise(sequence)]
    if changes[-1] > changes[0] and abs(sequence[-1]) > 2 * abs(sequence[0]):
        return math.copysign(math.inf, sequence[-1]), 0.0
    best, error = sequence[-1], changes[-1]
    older, column = [0.0] * (len(sequence) + 1), list(sequence)
    for k in range(1, len(sequence)):
        steps = [b - a for a, b in itertools.pairwise(column)]
        if not all(steps):  # converged
            break
        older, column = column, [o + 1 / d for o, d in zip(older[1:], steps, strict=False)]
        if k % 2 == 0 and len(column) >= 2 and abs(column[-1] - column[-2]) < error:
            best, error = column[-1], abs(column[-1] - column[-2])
    return best, error
