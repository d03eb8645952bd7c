"""Operations on shapes, on arrays that have no axes: numbers, and arrays of shape ()."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr

from ..conftest import same

#: What NumPy does with an array of no axes; those that a function makes beside it have some.
FUNCTIONS: dict[str, Any] = {
    "flip": np.flip,
    "flip of a flip": lambda a: np.flip(np.flip(a)),
    "transpose": np.transpose,
    "T": lambda a: np.asarray(a).T,
    "reshape to 1": lambda a: np.reshape(a, (1,)),
    "reshape to 1 x 1": lambda a: np.reshape(a, (1, 1)).T,
    "reshape to none": lambda a: np.reshape(a, ()),
    "ravel": np.ravel,
    "squeeze": np.squeeze,
    "expand_dims": lambda a: np.expand_dims(a, 0),
    "two more axes": lambda a: np.expand_dims(a, (0, 1)),
    "atleast_1d": np.atleast_1d,
    "atleast_2d": np.atleast_2d,
    "atleast_3d": np.atleast_3d,
    "broadcast_to": lambda a: np.broadcast_to(a, (2, 3)),
    "broadcast_to none": lambda a: np.broadcast_to(a, ()),
    "broadcast_arrays": lambda a: np.broadcast_arrays(a, np.ones(2))[0],
    "moveaxis": lambda a: np.moveaxis(a, (), ()),
    "index with nothing": lambda a: np.reshape(a, ())[()],
    "index with an ellipsis": lambda a: np.reshape(a, ())[...],
    "index with a new axis": lambda a: np.reshape(a, ())[None],
    "index with an ellipsis and a new axis": lambda a: np.reshape(a, ())[..., None],
    "tile": lambda a: np.tile(a, 3),
    "tile in two directions": lambda a: np.tile(a, (2, 1)),
    "repeat": lambda a: np.repeat(a, 2),
    "roll": lambda a: np.roll(a, 1),
    "stack": lambda a: np.stack([a, a]),
    "hstack": lambda a: np.hstack([a, a]),
    "vstack": lambda a: np.vstack([a, a]),
    "append": lambda a: np.append(a, a),
    "concatenate": lambda a: np.concatenate([np.ravel(a), np.ones(2)]),
    "pad": lambda a: np.pad(np.ravel(a), 1),
    "sum": np.sum,
    "sum over nothing": lambda a: np.sum(a, axis=()),
    "mean": np.mean,
    "max": np.max,
    "cumsum": lambda a: np.cumsum(a),
    "sort": lambda a: np.sort(np.ravel(a)),
    "diag": lambda a: np.diag(np.ravel(a)),
    "meshgrid": lambda a: np.meshgrid(a, np.ones(2))[0],
    "where": lambda a: np.where(a > 0, a, -a),
    "outer": lambda a: np.outer(a, np.arange(2.0)),
    "kron": lambda a: np.kron(a, np.arange(2.0)),
    "dot": lambda a: np.dot(a, np.arange(2.0)),
    "copy": np.copy,
    "astype": lambda a: np.reshape(a, ()).astype(np.float32),
    "full_like": lambda a: np.full_like(a, 2.0) * a,
}
NUMBERS = [0.7, -1.3, 2.5, 0.1, -0.2, 4.0]
ORIGINS: dict[str, Any] = {
    "an argument": (lambda x: x, np.array),
    "a sum": (np.sum, lambda k: np.array([k, 1.0])),
    "an entry": (lambda x: x[1, ...], lambda k: np.array([1.0, k])),
    "a computed entry": (lambda x: np.exp(x)[0, ...], lambda k: np.array([k, 1.0])),
    "a Python float": (np.sin, float),
}


GROUPS = [sorted(FUNCTIONS)[k::6] for k in range(6)]  # compiled together, to save time


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("names", GROUPS, ids=", ".join)
def test_functions_of_no_axes(names: list[str], origin: str) -> None:
    begin, make = ORIGINS[origin]

    def f(x):
        return [FUNCTIONS[name](begin(x)) * 2 for name in names]

    def loss(x):
        return sum(np.sum(y**2) for y in f(x))

    for program in (f, cr.value_and_grad(loss)):
        fast = cr.compile(program)
        for k in NUMBERS:
            for found, expected in zip(fast(make(k)), program(make(k)), strict=True):
                same(found, expected)
