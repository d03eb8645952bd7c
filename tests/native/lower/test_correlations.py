"""Convolutional layers in compiled code: products with windows that are never written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.native.executable import native
from chainrule.native.runtime import threads
from chainrule.operations.correlation import correlation

from ..conftest import same

#: examples, sizes, channels, channels of the result, kernel, step, padding, dilation; products that
#: read windows where they lie.
LAYERS = {
    "around": ((3, (9, 8), 5, 6, (3, 3), (1, 1), (1, 1), (1, 1)), 3),
    "a sum in blocks": ((90, (14, 14), 16, 24, (3, 3), (1, 1), (1, 1), (1, 1)), 3),
    "steps, dilated": ((2, (12, 13), 4, 8, (3, 2), (2, 1), (1, 0), (1, 2)), 2),
    "along a line": ((4, (30,), 5, 17, (4,), (1,), (2,), (1,)), 3),
    "in space": ((2, (6, 6, 6), 4, 4, (2, 2, 2), (1, 1, 1), (1, 1, 1), (1, 1, 1)), 3),
    "more padding than windows": ((2, (6,), 4, 4, (2,), (1,), (3,), (1,)), 2),
    "too narrow": ((2, (4, 3), 2, 3, (2, 2), (1, 1), (0, 0), (1, 1)), 0),
}


def layer(name: str) -> tuple[Any, tuple[np.ndarray[Any, Any], ...]]:
    """Return a loss that uses a layer, and its arguments."""
    n, sizes, channels, outputs, kernel, step, padding, dilation = LAYERS[name][0]
    params = {"step": step, "padding": padding, "dilation": dilation}
    random = np.random.default_rng(0)
    x = random.normal(size=(n, *sizes, channels))
    w = random.normal(size=(*kernel, channels, outputs))
    upstream = random.normal(size=correlation(x, w, **params).shape)

    def loss(x: Any, w: Any, upstream: Any) -> Any:
        return np.sum(correlation(x, w, **params) * upstream)

    return cr.value_and_grad(loss, (0, 1, 2)), (x, w, upstream)


@pytest.mark.parametrize("name", LAYERS)
def test_the_gradients_are_those_of_numpy(name: str) -> None:
    f, args = layer(name)
    compiled = cr.compile(f, builder=native)
    for factor in (1.0, -0.5):
        given = [factor * x for x in args]
        same(compiled(*given), f(*given), 1e-12, 100)
    assert compiled.lower(*args).loops.count("nested_product") == LAYERS[name][1]


def test_single_precision_and_several_threads() -> None:
    f, args = layer("a sum in blocks")
    given = [x.astype("f4") for x in args]
    before = threads.count()
    try:
        threads.set_count(2)
        found = cr.compile(f, builder=native)(*given)
    finally:
        threads.set_count(before)
    for own, other in zip(found[1], f(*args)[1], strict=True):
        assert own.dtype == np.float32
        np.testing.assert_allclose(own, other, atol=1e-5 * np.max(np.abs(other)))
