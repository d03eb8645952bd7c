"""The orders "K" and "A": the entries as they lie in memory."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr

FUNCTIONS: dict[str, Any] = {
    "ravel K": lambda a: np.ravel(a, order="K"),
    "ravel A": lambda a: np.ravel(a, order="A"),
    "flatten K": lambda a: a.flatten("K"),
    "flatten A": lambda a: a.flatten("A"),
    "reshape A": lambda a: np.reshape(a, (-1,), order="A"),
    "reshape A to a matrix": lambda a: a.reshape(a.shape[::-1], order="A"),
    "of a result": lambda a: (np.sin(a) * 2).ravel("K") + a.ravel("C"),
    "of a transpose": lambda a: np.ravel(a.T, "A") * np.ravel(a.T, "K"),
}


def layouts(shape: tuple[int, ...]) -> Iterator[Any]:
    """Yield arrays of a shape that lie in memory in many ways."""
    x = np.random.default_rng(0).normal(size=shape)
    yield from (x, np.asfortranarray(x), x[::-1], x[..., ::-1])
    yield np.repeat(x, 2, axis=-1)[..., ::2]
    for order in itertools.permutations(range(x.ndim)):
        yield np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 2), (5,)], ids=str)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_as_in_numpy(name: str, shape: tuple[int, ...]) -> None:
    f = FUNCTIONS[name]
    fast = cr.compile(f)
    for x in layouts(shape):
        expected = f(x)
        weights = np.random.default_rng(1).normal(size=expected.shape)
        value, gradient = cr.value_and_grad(lambda x, w=weights: np.sum(f(x) * w))(x)
        np.testing.assert_allclose(value, np.sum(expected * weights))
        tangent = np.cos(np.arange(x.size)).reshape(x.shape)
        change = np.zeros_like(expected)
        for sign in (1, -1):
            x += sign * 1e-6 * tangent  # in place, so that it lies as it did
            change += sign * f(x)
            x -= sign * 1e-6 * tangent
        slope = np.sum(change * weights) / 2e-6
        np.testing.assert_allclose(np.sum(gradient * tangent), slope, rtol=1e-6, atol=1e-6)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", cr.errors.NotCompiledWarning)
            np.testing.assert_allclose(fast(x), expected, rtol=1e-12)


def test_what_cannot_be_told() -> None:
    with pytest.raises(cr.errors.UnsupportedError, match='write order="C"'):
        cr.grad(lambda x: np.sum(np.ravel(np.broadcast_to(x, (2, 3)), "K")))(np.ones(3))
    with pytest.raises(ValueError, match="order must be"):
        cr.grad(lambda x: np.sum(np.ravel(x, "B")))(np.ones((2, 3)))


def test_compiled_code_does_not_know_how_arrays_lie() -> None:
    fast = cr.compile(lambda x: np.ravel(x, order="K"))
    with pytest.warns(cr.errors.NotCompiledWarning, match='order of entries.*write order="C"'):
        fast(np.ones((2, 3)))
