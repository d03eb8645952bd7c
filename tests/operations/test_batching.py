"""Every row for many examples at once, `vmap`, against a loop over them: values and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.core.array import is_complex
from chainrule.operations.indexing import getitem, scatter_add, set_at, take, take_along_axis
from chainrule.operations.slot import SLOT
from tests.operations.test_rows import Run

rng = np.random.default_rng(0)
SIZE = 3


def examples_of(x: np.ndarray) -> np.ndarray:
    """Return the same array three times, each a little different."""
    return np.stack([x, x * 1.01, x * 0.98])


def close(found: Any, expected: Any) -> None:
    assert np.shape(found) == np.shape(expected)
    assert np.asarray(found).dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(found, expected, 1e-8, 1e-8)


def compare(run: Any, inputs: list[np.ndarray], many: list[bool]) -> None:
    given = [examples_of(x) if m else x for x, m in zip(inputs, many, strict=True)]
    axes = tuple(0 if m else None for m in many)
    each = [[x[k] if m else x for x, m in zip(given, many, strict=True)] for k in range(SIZE)]
    values = np.stack([run(*xs) for xs in each])
    weights = rng.uniform(0.5, 1.5, values.shape)

    def gradient(w: Any, *xs: Any) -> Any:
        return cr.vjp(run, *xs)[1](w)

    gradients = [gradient(w, *xs) for w, xs in zip(weights, each, strict=True)]
    # The gradient of all examples, and all gradients.
    found, pullback = cr.vjp(cr.vmap(run, axes), *given)
    close(found, values)
    for k, (g, m) in enumerate(zip(pullback(weights), many, strict=True)):
        parts = np.stack([gradient[k] for gradient in gradients])
        close(g, parts if m else parts.sum(axis=0))
    for k, g in enumerate(cr.vmap(gradient, (0, *axes))(weights, *given)):
        close(g, np.stack([gradient[k] for gradient in gradients]))


def test_examples_at_once(row: Any, given: Any) -> None:
    run = Run(row, given)
    count = len(run.inputs)
    if count:
        compare(run, run.inputs, [True] * count)
    for k in range(count if count > 1 else 0):
        compare(run, run.inputs, [j == k for j in range(count)])


def test_examples_of_constants(row: Any, given: Any) -> None:
    x = np.asarray(given.operands[0])
    if x.dtype.kind == "b":
        xs = np.stack([x, ~x])
    else:
        xs = np.stack([x, x[::-1]]) if row.name != "searchsorted" else np.stack([x, x + 0.5])
    f = lambda x: row(x, *given.operands[1:], **given.params)
    close(cr.vmap(f)(xs), np.stack([f(x) for x in xs]))


# Indices that each example has of its own.

X = rng.normal(size=(SIZE, 4, 3, 5))
I = np.array([[0, 2, 1], [1, 1, 2], [2, 0, 0]])  # for each example, three of them
J = np.array([[3, 1, 3], [0, 0, 2], [1, 2, -1]])

INDICES: dict[str, tuple[Any, ...]] = {
    "at the beginning": ((SLOT,), J),
    "in the middle": ((slice(None), SLOT), I),
    "at the end": ((Ellipsis, SLOT), I),
    "next to each other": ((SLOT, SLOT), J, I),
    "apart": ((SLOT, slice(1, 3), SLOT), J, I),
    "beside a number": ((1, SLOT), I),
    "apart from a number": ((1, slice(None), SLOT), I),
    "beside new axes": ((None, SLOT, None), J),
    "in two dimensions": ((slice(None), SLOT, SLOT), I[:, None], np.stack([I, J, I], axis=1) % 3),
    "one number each": ((slice(None), SLOT), I[:, 0]),
}


@pytest.mark.parametrize("name", INDICES)
@pytest.mark.parametrize("own", ["all", "arrays", "indices"])
def test_indices(name: str, own: str) -> None:
    index, *arrays = INDICES[name]
    xs = X if own != "indices" else X[0]
    if own == "arrays":
        arrays = [a[0] for a in arrays]
    many_x, many = (0 if own != "indices" else None), (None if own == "arrays" else 0)
    axes = (many_x, *(many,) * len(arrays))

    def picked(x: Any, *arrays: Any) -> Any:
        return getitem(x, *arrays, index=index)

    def each(f: Any, *args: Any) -> Any:
        args = [a if m is None else list(a) for a, m in zip(args, axes, strict=True)]
        rows = [
            [a if m is None else a[k] for a, m in zip(args, axes, strict=True)] for k in range(SIZE)
        ]
        return [f(*row) for row in rows]

    ys = np.stack(each(picked, xs, *arrays))
    close(cr.vmap(picked, axes)(xs, *arrays), ys)
    gs = rng.normal(size=ys.shape)
    expected = np.stack(
        [
            scatter_add(
                g,
                *([a if own == "arrays" else a[k] for a in arrays]),
                index=index,
                shape=X.shape[1:],
            )
            for k, g in enumerate(gs)
        ]
    )
    added = cr.vmap(
        lambda g, *arrays: scatter_add(g, *arrays, index=index, shape=X.shape[1:]),
        (0, *axes[1:]),
    )
    close(added(gs, *arrays), expected)
    for vs, axis in ((gs, 0), (gs[0], None), (np.float64(2.0), None)):
        written = cr.vmap(
            lambda x, v, *arrays: set_at(x, v, *arrays, index=index), (many_x, axis, *axes[1:])
        )
        if many_x is None and axis is None and many is None:
            continue
        rows = [
            set_at(
                xs if many_x is None else xs[k],
                vs if axis is None else vs[k],
                *([a if own == "arrays" else a[k] for a in arrays]),
                index=index,
            )
            for k in range(SIZE)
        ]
        close(written(xs, vs, *arrays), np.stack(rows))


@pytest.mark.parametrize("mode", ["raise", "wrap", "clip"])
def test_indices_along_an_axis(mode: str) -> None:
    rows = I if mode == "raise" else I * 3 - 2
    f = lambda x, i: take(x, i, axis=1, mode=mode)
    close(cr.vmap(f)(X, rows), np.stack([f(x, i) for x, i in zip(X, rows, strict=True)]))
    close(cr.vmap(f, (None, 0))(X[0], rows), np.stack([f(X[0], i) for i in rows]))
    places = rng.integers(0, 3, (SIZE, 4, 2, 5))
    g = lambda x, i: take_along_axis(x, i, axis=1)
    close(cr.vmap(g)(X, places), np.stack([g(x, i) for x, i in zip(X, places, strict=True)]))
    close(cr.vmap(g, (None, 0))(X[0], places), np.stack([g(X[0], i) for i in places]))


def test_masks() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        y[x > 0] = 7.0
        return y

    close(cr.vmap(f)(X), np.where(X > 0, 7.0, X))
    with pytest.raises(cr.errors.ExamplesDisagreeError, match=r"np\.where\(mask, x, 0\)"):
        cr.vmap(lambda x: np.sum(x[x > 0]))(X)
    assert is_complex(cr.vmap(np.fft.fft)(X))
