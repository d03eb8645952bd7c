"""Random compositions of transforms: the gradient of the vmap of a pushforward, and so on.

A function from R^3 to R^3 is made of random operations, and each transform makes another such
function of one. The outermost transform is compared with differences of what is inside it, and so,
by induction, all are.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import chainrule as cr

__all__ = ["Composition", "composition", "examine"]

Map = Callable[[Any], Any]

SIZE = 3
_STEP = 1e-3  # of the differences, which are of eighth order
_WEIGHTS = (4 / 5, -1 / 5, 4 / 105, -1 / 280)
_DEEPEST = 3

_M = np.array([[0.3, -0.7, 0.2], [0.5, 0.1, -0.4], [-0.2, 0.6, 0.8]])

#: Operations on vectors of three entries, smooth and of moderate size everywhere.
STEPS: dict[str, Map] = {
    "sin": np.sin,
    "tanh": np.tanh,
    "product": lambda x: x * np.cos(x),
    "quotient": lambda x: x / (1.5 + np.sin(x) ** 2),
    "matrix": lambda x: _M @ x,
    "outer": lambda x: np.outer(x, np.sin(x)) @ np.array([0.4, -0.2, 0.1]),
    "reversed": lambda x: x[::-1] * x[0],
    "running": lambda x: np.cumsum(x) * 0.5,
    "joined": lambda x: np.concatenate([x[1:], x[:1] ** 2]),
    "softmax": lambda x: np.exp(x) / np.sum(np.exp(x)),
    "written": lambda x: _written(x),
    "looped": lambda x: _looped(x),
    "einsum": lambda x: np.einsum("i,ij,j->j", x, _M, np.cos(x)),
    "root": lambda x: np.sqrt(1.0 + x**2),
    "power": lambda x: (2.0 + np.tanh(x)) ** 1.5,
    "solved": lambda x: np.linalg.solve(4.0 * np.eye(SIZE) + np.outer(x, x), x),
    "chosen": lambda x: np.where(np.arange(SIZE) < 2, x * x, np.sin(x)),
    "picked": lambda x: x[np.array([2, 0, 0])] - 0.3 * np.mean(x),
}


def _written(x: Any) -> Any:
    out = np.zeros(SIZE)
    out[0] = x[0] * x[1]
    out[1:] = np.sin(x[:-1])
    out[2] += 0.5 * x[2]
    return out


def _looped(x: Any) -> Any:
    for k in range(4):
        x = np.sin(x) + 0.2 * k * x[0]
    return x


class Transform(NamedTuple):
    """What a transform makes of a function, and what differences give for the same."""

    apply: Callable[[Map, Any], Map]
    expected: Callable[[Map, Any, Any], Any]


def _slopes(f: Map, x: Any, along: Any) -> Any:
    return sum(
        w * (f(x + k * _STEP * along) - f(x - k * _STEP * along)) / _STEP
        for k, w in enumerate(_WEIGHTS, 1)
    )


def _transposed(f: Map, x: Any, upstream: Any) -> Any:
    return np.array([_slopes(f, x, along) @ upstream for along in np.eye(SIZE)])


def _second(f: Map, x: Any, along: Any) -> Any:
    return _slopes(lambda x: _slopes(f, x, along), x, along)


def _averaged(f: Map, x: Any, scales: Any) -> Any:
    return np.mean([f(x * s) for s in scales], axis=0)


TRANSFORMS: dict[str, Transform] = {
    "grad": Transform(lambda f, u: cr.grad(lambda x: f(x) @ u), _transposed),
    "vjp": Transform(lambda f, u: lambda x: cr.vjp(f, x)[1](u)[0], _transposed),
    "jvp": Transform(lambda f, u: lambda x: cr.jvp(f, (x,), (u,))[1], _slopes),
    "linearize": Transform(lambda f, u: lambda x: cr.linearize(f, x)[1](u), _slopes),
    "columns": Transform(lambda f, u: lambda x: cr.jacobian(f, mode="forward")(x) @ u, _slopes),
    "rows": Transform(lambda f, u: lambda x: u @ cr.jacobian(f, mode="reverse")(x), _transposed),
    "vmap": Transform(lambda f, u: lambda x: np.mean(cr.vmap(f)(u[:, None] * x), 0), _averaged),
    "taylor": Transform(
        lambda f, u: lambda x: cr.taylor(f, x, u, 2)[2],
        lambda f, x, u: _second(f, x, u) / 2,
    ),
    "hvp": Transform(
        lambda f, u: lambda x: cr.hvp(lambda x: np.sum(f(x)))(x, u),
        lambda f, x, u: _slopes(cr.grad(lambda x: np.sum(f(x))), x, u),
    ),
    "checkpoint": Transform(lambda f, u: cr.grad(lambda x: cr.checkpoint(f)(x) @ u), _transposed),
}


class Composition(NamedTuple):
    """A random function of random steps, and transforms of it, the outermost last."""

    steps: tuple[str, ...]
    transforms: tuple[str, ...]
    directions: tuple[Any, ...]
    x: Any

    def __repr__(self) -> str:
        return f"{' of '.join(reversed(self.transforms))} of {' after '.join(reversed(self.steps))}"

    def inside(self, depth: int) -> Map:
        """Return the function with the innermost transforms."""

        def f(x: Any) -> Any:
            for step in self.steps:
                x = STEPS[step](x)
            return x

        made: Map = f
        for name, u in zip(self.transforms[:depth], self.directions, strict=False):
            made = TRANSFORMS[name].apply(made, u)
        return made


def composition(seed: int) -> Composition:
    """Draw the composition of a seed."""
    choose = random.Random(seed)
    rng = np.random.default_rng(seed)
    transforms = tuple(choose.choices(list(TRANSFORMS), k=choose.randint(1, _DEEPEST)))
    return Composition(
        tuple(choose.choices(list(STEPS), k=choose.randint(1, 3))),
        transforms,
        tuple(rng.uniform(-1, 1, SIZE) for _ in transforms),
        rng.uniform(-1, 1, SIZE),
    )


def examine(drawn: Composition, compiled: bool = False) -> None:
    """Compare the outermost transform with differences, and with its compiled function.

    Raises:
        AssertionError: they differ.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cr.errors.IndependentOutputWarning)  # linear functions'
        _examine(drawn, compiled)


def _examine(drawn: Composition, compiled: bool) -> None:
    depth = len(drawn.transforms)
    f, x = drawn.inside(depth), drawn.x
    outermost = TRANSFORMS[drawn.transforms[-1]]
    expected = outermost.expected(drawn.inside(depth - 1), x, drawn.directions[-1])
    scale = 1 + np.max(np.abs(expected))
    np.testing.assert_allclose(f(x), expected, rtol=1e-6, atol=1e-6 * scale, err_msg=repr(drawn))
    if compiled:
        fast = cr.compile(f)
        for k in range(5):
            there = x * (1 - 0.2 * k)
            np.testing.assert_allclose(
                fast(there), f(there), rtol=1e-9, atol=1e-10 * scale, err_msg=repr(drawn)
            )
