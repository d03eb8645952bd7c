"""Series of constants, one for each turn: multiples of a number, or of the one before."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

__all__ = ["factor_of", "multiples", "whole"]


def whole(value: Any) -> int | None:
    """Return a number as an integer, None if it is none."""
    is_number = type(value) in (int, float, np.float64) and abs(value) < 2**53
    if is_number and value == int(value) and repr(value) != "-0.0":
        return int(value)
    return None


def multiples(
    columns: Sequence[Sequence[Any]],
) -> tuple[list[list[int]], Callable[[int], Any]] | None:
    """Return columns as multiples of one number, and what gives the value of a multiple.

    ``0.1 * t`` and ``t / 300`` are such; whole numbers are those of 1.
    """
    numbers = [[whole(x) for x in column] for column in columns]
    if all(x is not None for column in numbers for x in column):
        return numbers, lambda n: n  # type: ignore[return-value]
    longest = max(columns, key=len)
    unit = abs(longest[1] - longest[0])
    if not 0 < unit < np.inf or not all(abs(x) < 2**53 * unit for c in columns for x in c):
        return None
    for value in _values(longest, float(unit)):
        one = value(1)
        counted = [[round(float(x) / one) for x in column] for column in columns]
        pairs = zip(itertools.chain(*counted), itertools.chain(*columns), strict=True)
        if all(value(n) == x for n, x in pairs):
            return counted, value
    return None


def _values(column: Sequence[Any], unit: float) -> Iterator[Callable[[int], float]]:
    """Yield what may give the value of a multiple, given about what the number is."""
    largest = max(map(float, column), key=abs)
    number = largest / (round(largest / unit) or 1)
    written = float(f"{number:.12g}")
    yield lambda n: n * written
    parts = round(1 / number) if number < 1 else 0
    if parts:
        yield lambda n: n / parts
    for close in (number, np.nextafter(number, 0.0), np.nextafter(number, 2 * number)):
        yield lambda n, close=float(close): n * close  # type: ignore[misc]


def factor_of(columns: Sequence[Sequence[Any]]) -> Any:
    """Return what each number is to be multiplied by to give the next one; None for nothing.

    The derivative of ``x = 0.9 * x + b`` has such constants.
    """
    longest = max(columns, key=len)
    if type(longest[0]) is int or any(c[k] != longest[k] for c in columns for k in range(len(c))):
        return None
    ratio = longest[1] / longest[0] if longest[0] else 0.0
    for factor in (ratio, np.nextafter(ratio, 0), np.nextafter(ratio, 2 * ratio)):
        if all(a * factor == b for a, b in itertools.pairwise(longest)):
            return factor
    return None
