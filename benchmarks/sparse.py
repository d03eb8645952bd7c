"""Sparse Jacobians, against code by hand and the sparse tool for JAX, asdex.

Each problem is a function of a namespace. What is timed ends with a sparse matrix: a
``csr_array``, or JAX's BCOO.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from agreement import disagreement
from peers import Call
from scipy.sparse import coo_array, csr_array

_RANDOM = np.random.default_rng(0)
_SIDE = 32  # of the Brusselator's grid
_CAMERAS, _POINTS, _OBSERVATIONS = 49, 7776, 31843  # GradBench's ba1


def diagonal(np: Any) -> Callable[..., Any]:
    return lambda x: x**2


def banded(np: Any) -> Callable[..., Any]:
    return lambda x: np.sin(x[1:-1]) * x[2:] - x[:-2] ** 2


def brusselator(np: Any) -> Callable[..., Any]:
    """Return a reaction of two substances that spread on a torus."""

    def spread(u):
        around = np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, 1) + np.roll(u, -1, 1)
        return around - 4 * u

    def rate(x):
        u, v = x.reshape(2, _SIDE, _SIDE)
        reaction = u * u * v
        du = 1 + reaction - 4.4 * u + spread(u)
        dv = 3.4 * u - reaction + spread(v)
        return np.concatenate([du.reshape(-1), dv.reshape(-1)])

    return rate


def bundle(np: Any) -> Callable[..., Any]:
    """Return what is wrong with the places at which cameras see points."""

    def residuals(cameras, points, weights, camera_of, point_of, seen):
        c = cameras[camera_of]
        p = points[point_of] - c[:, 3:6]
        r = c[:, :3]
        angle = np.sqrt(np.sum(r * r, axis=1, keepdims=True))
        axis = r / angle
        cos, sin = np.cos(angle), np.sin(angle)
        along = np.sum(axis * p, axis=1, keepdims=True)
        p = p * cos + np.cross(axis, p) * sin + axis * along * (1 - cos)
        p = p[:, :2] / p[:, 2:]
        square = np.sum(p * p, axis=1, keepdims=True)
        p = p * (1 + c[:, 9:10] * square + c[:, 10:11] * square**2)
        return weights[:, None] * (p * c[:, 6:7] + c[:, 7:9] - seen)

    return residuals


def banded_by_hand() -> Callable[..., Any]:
    n = ARGUMENTS["banded"][0].size
    starts = np.arange(0, 3 * n - 5, 3, dtype=np.int32)
    columns = (np.arange(n - 2, dtype=np.int32)[:, None] + np.arange(3, dtype=np.int32)).ravel()

    def jacobian(x):
        entries = np.empty((n - 2, 3))
        entries[:, 0] = -2 * x[:-2]
        entries[:, 1] = np.cos(x[1:-1]) * x[2:]
        entries[:, 2] = np.sin(x[1:-1])
        return csr_array((entries.ravel(), columns.copy(), starts.copy()), shape=(n - 2, n))

    return jacobian


def by_observation() -> Callable[..., Any]:
    """Return what a user of JAX writes: small dense Jacobians, one for each observation."""
    import jax

    zero = np.zeros(1, int)

    def one(camera, point, weight, seen):
        given = camera[None], point[None], weight[None], zero, zero, seen[None]
        return bundle(jax.numpy)(*given)[0]

    each = jax.vmap(jax.jacfwd(one, (0, 1, 2)))
    return lambda cameras, points, weights, camera_of, point_of, seen: each(
        cameras[camera_of], points[point_of], weights, seen
    )


#: The arguments of each, and how many are differentiated by.
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "diagonal": (_RANDOM.normal(size=10_000),),
    "banded": (_RANDOM.normal(size=100_000),),
    "brusselator": (_RANDOM.normal(size=2 * _SIDE**2),),
    "bundle": (
        _RANDOM.normal(size=(_CAMERAS, 11)),
        _RANDOM.normal(size=(_POINTS, 3)) + np.array([0, 0, 5]),
        _RANDOM.normal(size=_OBSERVATIONS),
        _RANDOM.integers(0, _CAMERAS, _OBSERVATIONS),
        _RANDOM.integers(0, _POINTS, _OBSERVATIONS),
        _RANDOM.normal(size=(_OBSERVATIONS, 2)),
    ),
}
PROBLEMS = {f.__name__: f for f in (diagonal, banded, brusselator, bundle)}


def calls(name: str) -> dict[str, Call]:
    """Return who finds the Jacobian of a problem, by name."""
    import jax

    import chainrule as cr

    jax.config.update("jax_enable_x64", True)
    arguments = ARGUMENTS[name]
    there = jax.device_put(arguments)
    by = (0, 1, 2) if name == "bundle" else 0
    mine = cr.sparse_jacobian(PROBLEMS[name](np), by)
    racers = {"chainrule compiled": Call(cr.compile(mine), arguments)}
    if name == "bundle":
        racers["jax.jit by observation"] = Call(_ready(by_observation()), there)
    else:
        import asdex

        f = PROBLEMS[name](jax.numpy)
        coloured = asdex.jacobian_from_coloring(f, asdex.jacobian_coloring(f, *there))
        racers["asdex, jax.jit"] = Call(_ready(coloured), there)
    if name == "banded":
        racers["NumPy by hand"] = Call(banded_by_hand(), arguments)
    racers["chainrule eager"] = Call(mine, arguments)
    return racers


def _ready(f: Callable[..., Any]) -> Callable[..., Any]:
    import jax

    compiled = jax.jit(f)
    return lambda *arguments: jax.block_until_ready(compiled(*arguments))


def agree(name: str, racers: dict[str, Call]) -> None:
    """Raise where two of them have different entries."""
    reference, *rest = (_entries(call.function(*call.arguments)) for call in racers.values())
    for label, found in zip(list(racers)[1:], rest, strict=True):
        if not disagreement((1.0, (found,)), (1.0, (reference,))) < 1e-6:
            raise ValueError(f"{name}: {label} has another result")


def _entries(result: Any) -> np.ndarray[Any, Any]:
    """Return the entries, row by row; of the parts of a row one after the other."""
    if isinstance(result, tuple) and isinstance(result[0], csr_array):
        cameras, points, weights = (part.data for part in result)
        full = cameras.reshape(-1, 10)  # a focal length and a shift for both, but in one column
        return np.concatenate([full, points.reshape(-1, 3), weights.reshape(-1, 1)], 1).ravel()
    if isinstance(result, tuple):
        cameras, points, weights = (np.asarray(part) for part in result)
        rows = cameras.reshape(-1, 2, 11)
        full = np.stack([np.delete(rows[:, 0], 8, 1), np.delete(rows[:, 1], 7, 1)], 1)
        parts = full.reshape(-1, 10), points.reshape(-1, 3), weights.reshape(-1, 1)
        return np.concatenate(parts, 1).ravel()
    if isinstance(result, csr_array):
        return result.data
    places = tuple(np.asarray(result.indices).T)
    return coo_array((np.asarray(result.data), places), shape=result.shape).tocsr().data
