"""Gradients of entries that are picked, added to one another and to those of whole arrays."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import chainrule as cr

from ..conftest import same

I, J = np.array([0, 1, 1]), np.array([2, 0, 3])
GRID = np.array([[0, 2, 1], [1, 1, 0], [2, 0, 0], [0, 0, 1]])

#: What reads a matrix of shape (4, 3): some entries of it, or all.
TERMS: dict[str, Any] = {
    "gather": lambda x: np.sum(np.sin(x[I])),
    "another gather": lambda x: np.sum(x[J, I] ** 2),
    "gather of columns": lambda x: np.sum(x[:, I]),
    "list": lambda x: np.sum(x[[1, 0, 1]]) ** 2,
    "take": lambda x: np.sum(np.take(x, J, axis=0) * 3),
    "take_along_axis": lambda x: np.sum(np.take_along_axis(x, GRID, 1) ** 2),
    "nonzero": lambda x: np.sum(x[np.nonzero(x > 0)]),
    "mask": lambda x: np.sum(x[x > 0.5] ** 2),
    "slice": lambda x: np.sum(x[1:, :2]),
    "pad": lambda x: np.sum(np.pad(x, 1)[1:, 1:] ** 2),
    "pad with edges": lambda x: np.sum(np.pad(x, 1, mode="edge")),
    "diagonal": lambda x: np.trace(x[:3]),
    "sum": lambda x: np.sum(x),
    "mean": lambda x: np.mean(x),
    "sum of rows": lambda x: np.sum(np.sum(x, axis=0) ** 2),
    "largest": lambda x: np.max(x),
    "broadcast": lambda x: np.sum(np.broadcast_to(x, (2, 4, 3))),
    "scaled": lambda x: 3 * np.sum(x) - np.sum(2 * x),
}
POINTS = [np.random.default_rng(k).normal(size=(4, 3)) + 0.7 * k - 1 for k in range(5)]


def agrees(f: Any) -> None:
    both = cr.value_and_grad(f)
    fast = cr.compile(both)
    for x in POINTS:
        same(fast(x), both(x), 1e-12)


@pytest.mark.parametrize("name", [name for name in TERMS if name != "gather"])
def test_two_terms(name: str) -> None:
    agrees(lambda x: TERMS["gather"](x) + TERMS[name](x))


@pytest.mark.parametrize("more", ["sum", "mean", "broadcast"])
@pytest.mark.parametrize("picking", ["another gather", "take_along_axis", "nonzero"])
def test_two_gathers_and_more(picking: str, more: str) -> None:
    agrees(lambda x: TERMS["gather"](x) + TERMS[picking](x) + TERMS[more](x))


def test_in_any_order() -> None:
    terms = [TERMS[name] for name in ("gather", "take", "sum")]
    for order in itertools.permutations(terms):
        agrees(lambda x, order=order: sum(term(x) for term in order))


def test_values_with_more_axes_than_the_entries_that_they_are_written_into():
    def f(x, y):
        h = x * 1.0
        h[np.array([1, 1, 0])] = y
        return np.sum(h**2)

    both = cr.value_and_grad(f, (0, 1))
    x = np.array([0.1, 0.2, 0.3])
    value, gradients = cr.compile(both)(x, x[None])
    expected, right = both(x, x[None])
    assert value == pytest.approx(expected)
    for found, g in zip(gradients, right, strict=True):
        np.testing.assert_allclose(found, g)
