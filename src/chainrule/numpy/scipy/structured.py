"""scipy.linalg: matrices of a form, made of vectors or of blocks, and equations with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.numpy.axes import operand
from chainrule.numpy.casting import cast
from chainrule.numpy.dispatch import unsupported
from chainrule.numpy.scipy.table import means
from chainrule.operations import matrix_functions
from chainrule.operations.elementwise import conjugated

__all__: list[str] = []


def _vector(a: Any, function: str) -> Any:
    a = operand(a)
    if a.ndim != 1:
        raise unsupported(
            f"scipy.linalg.{function} of an array with {a.ndim} axes", "call it for each alone"
        )
    return a


@means("scipy.linalg.block_diag")
def block_diag(*arrs: Any) -> Any:
    blocks = [np.atleast_2d(operand(a)) for a in arrs]
    width, before, rows = sum(a.shape[1] for a in blocks), 0, []
    for a in blocks:
        rows.append(np.pad(a, ((0, 0), (before, width - before - a.shape[1]))))
        before += a.shape[1]
    return np.concatenate(rows)


@means("scipy.linalg.toeplitz")
def toeplitz(c: Any, r: Any = None) -> Any:
    c = _vector(c, "toeplitz")
    r = conjugated(c) if r is None else _vector(r, "toeplitz")
    entries = np.concatenate([c[::-1], r[1:]])
    return entries[len(c) - 1 - np.arange(len(c))[:, None] + np.arange(len(r))]


@means("scipy.linalg.circulant")
def circulant(c: Any) -> Any:
    c = _vector(c, "circulant")
    return c[(np.arange(len(c))[:, None] - np.arange(len(c))) % len(c)]


@means("scipy.linalg.hankel")
def hankel(c: Any, r: Any = None) -> Any:
    c = _vector(c, "hankel")
    r = np.zeros(c.shape, c.dtype) if r is None else _vector(r, "hankel")
    entries = np.concatenate([c, r[1:]])
    return entries[np.arange(len(c))[:, None] + np.arange(len(r))]


# Equations with such matrices.


def _toeplitz_of(c_or_cr: Any) -> Any:
    return toeplitz(*c_or_cr) if isinstance(c_or_cr, tuple) else toeplitz(c_or_cr)


def _in_double(y: Any) -> Any:
    return cast(y, np.result_type(y.dtype, float))  # as SciPy computes


@means("scipy.linalg.solve_toeplitz")
def solve_toeplitz(c_or_cr: Any, b: Any, check_finite: bool = True) -> Any:
    return _in_double(np.linalg.solve(_toeplitz_of(c_or_cr), operand(b)))


@means("scipy.linalg.matmul_toeplitz")
def matmul_toeplitz(c_or_cr: Any, x: Any, check_finite: bool = False, workers: Any = None) -> Any:
    return _in_double(_toeplitz_of(c_or_cr) @ operand(x))


@means("scipy.linalg.solveh_banded")
def solveh_banded(
    ab: Any,
    b: Any,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    lower: bool = False,
    check_finite: bool = True,
) -> Any:
    ab = operand(ab)
    width = ab.shape[0] - 1
    rows = ab if lower else ab[::-1]  # the diagonal, then the bands beside it
    if lower:
        below = list(rows[1:])
        above = [np.roll(conjugated(row), k) for k, row in enumerate(below, 1)]
    else:
        above = list(rows[1:])
        below = [np.roll(conjugated(row), -k) for k, row in enumerate(above, 1)]
    both = np.stack([*above[::-1], rows[0], *below])
    return matrix_functions.solve_banded(both, operand(b), lower=width, upper=width)
