"""Numbers as text: short enough to stand beside a line of code or a wire."""

from __future__ import annotations

import math
import unicodedata
from typing import Any

import numpy as np

from chainrule.core.array import is_complex, shape_of

__all__ = ["brief", "columns", "format_array", "format_number", "format_value", "is_scalar", "norm"]


def is_scalar(value: Any) -> bool:
    """Tell whether a value is one number rather than an array."""
    return shape_of(value) == ()


def norm(value: Any) -> float:
    """Return the Euclidean norm of all entries, without overflow on the way."""
    entries = np.abs(np.asarray(value, dtype=complex if is_complex(value) else float)).ravel()
    largest = float(entries.max()) if entries.size else 0.0
    if largest == 0.0 or not math.isfinite(largest):
        return largest if not np.isnan(entries).any() else math.nan
    return largest * float(np.sqrt(np.sum((entries / largest) ** 2)))


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes; East Asian wide characters take two.

    >>> columns("dx"), columns("幅")
    (2, 2)
    """
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def format_number(value: Any) -> str:
    """Write a number with four significant digits.

    >>> [format_number(v) for v in (0.7310585786, 3.0, -12345.678, 1.6e-9, float("nan"), True)]
    ['0.7311', '3', '-12345.7', '1.6e-09', 'nan', 'True']
    >>> format_number(0.5 - 2j)
    '0.5-2j'
    """
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if is_complex(value):
        return f"{value:.4g}"
    number = float(value)
    return f"{number:.6g}" if 1e4 <= abs(number) < 1e6 else f"{number:.4g}"


def format_array(value: Any) -> str:
    """Write the shape, mean and norm of an array.

    >>> import numpy as np
    >>> format_array(np.array([3.0, 4.0]))
    '(2,) mean 3.5, norm 5'
    """
    entries = np.asarray(value)
    if entries.dtype == bool:
        return f"{entries.shape} {int(entries.sum())} True"
    if not entries.size:
        return f"{entries.shape} empty"
    with np.errstate(all="ignore"):
        mean = entries.mean(dtype=complex if is_complex(entries) else float)
    return f"{entries.shape} mean {format_number(mean)}, norm {format_number(norm(entries))}"


def format_value(value: Any) -> str:
    """Write a number, or the shape, mean and norm of an array."""
    return format_number(value) if is_scalar(value) else format_array(value)


def brief(value: Any) -> str:
    """Write a number with two decimals where they tell enough, as circuit diagrams have it.

    >>> [brief(v) for v in (-2.0, 0.3679, 1234.5, 0.00017, 0.0)]
    ['-2.00', '0.37', '1234.50', '1.7e-04', '0.00']
    """
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if is_complex(value):
        return f"{value:.2f}"
    number = float(value)
    if number == 0 or not math.isfinite(number) or 0.01 <= abs(number) < 1e5:
        return f"{number:.2f}" if number != 0 else "0.00"
    return f"{number:.1e}"
