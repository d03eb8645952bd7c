"""Gradients have the dtype that eager mode gives them, for every mix of precisions."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

KINDS: dict[str, Any] = {
    "double": np.array([1.5, -2.0]),
    "single": np.array([1.25, 2.5], np.float32),
    "np.float64": np.float64(1.5),
    "np.float32": np.float32(1.5),
    "float": 1.5,
    "0-d": np.array(1.5, np.float32),
    "integers": np.array([1, 2]),
    "int": 2,
}


def written(x: Any, y: Any) -> Any:
    z = np.zeros(2)
    z[:] = x
    z[0] += np.sum(y)
    return np.sum(z**2)


PROGRAMS: list[Callable[[Any, Any], Any]] = [
    lambda x, y: np.sum(x * y),
    lambda x, y: np.sum((x + y) ** 2 / (y + 3)),
    lambda x, y: np.sum(np.exp(x * y * 0.1) * x),
    lambda x, y: np.sum(np.maximum(x, y)),
    lambda x, y: np.mean(x) * np.mean(y),
    lambda x, y: np.sum(x * np.float64(2.1) + y),
    lambda x, y: np.sum(x * np.float32(2.1) + y),
    lambda x, y: np.sum(x * np.array([1.0, 2.0]) + y),
    lambda x, y: np.sum(x) * np.float32(2) + np.sum(y),
    written,
]


@pytest.mark.parametrize("kinds", list(itertools.product(KINDS, KINDS)), ids="-".join)
def test_dtypes_are_those_of_eager_gradients(kinds: tuple[str, str]) -> None:
    args = tuple(KINDS[kind] for kind in kinds)
    floats = tuple(k for k, x in enumerate(args) if np.asarray(x).dtype.kind == "f")
    if not floats:
        return
    for f in PROGRAMS:
        expected, eager = cr.value_and_grad(f, floats)(*args)
        value, gradients = cr.stage(f, *args)(*args)
        for found, right in zip((value, *gradients), (expected, *eager), strict=True):
            assert np.asarray(found).dtype == np.asarray(right).dtype
            assert np.shape(found) == np.shape(right)
            np.testing.assert_allclose(found, right, rtol=1e-6)
