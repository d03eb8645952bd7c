"""scipy.spatial.distance: distances, of gradient 0 where they are 0, as every norm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.numpy.axes import operand
from chainrule.numpy.casting import cast
from chainrule.numpy.dispatch import unsupported
from chainrule.numpy.scipy.table import means

__all__: list[str] = []


def _cosine(u: Any, v: Any) -> Any:
    lengths = np.linalg.norm(u, axis=-1) * np.linalg.norm(v, axis=-1)
    return 1 - np.sum(u * v, axis=-1) / lengths


#: Functions of vectors in the last axis.
METRICS: dict[str, Callable[..., Any]] = {
    "euclidean": lambda u, v: np.linalg.norm(u - v, axis=-1),
    "sqeuclidean": lambda u, v: np.sum((u - v) ** 2, axis=-1),
    "cityblock": lambda u, v: np.sum(abs(u - v), axis=-1),
    "chebyshev": lambda u, v: np.max(abs(u - v), axis=-1),
    "minkowski": lambda u, v, p=2: np.linalg.norm(u - v, p, axis=-1),
    "canberra": lambda u, v: np.sum(abs(u - v) / (abs(u) + abs(v)), axis=-1),
    "braycurtis": lambda u, v: np.sum(abs(u - v), axis=-1) / np.sum(abs(u + v), axis=-1),
    "cosine": _cosine,
    "correlation": lambda u, v: _cosine(
        u - np.mean(u, axis=-1, keepdims=True), v - np.mean(v, axis=-1, keepdims=True)
    ),
}


def _metric(function: str, name: Any, options: dict[str, Any]) -> Callable[..., Any]:
    unknown = options.keys() - ({"p"} if name == "minkowski" else set())
    if not isinstance(name, str) or name not in METRICS or unknown:
        what = f"metric={name!r}" if isinstance(name, str) else "a metric of your own"
        more = f" and {unknown.pop()}=" if unknown else ""
        raise unsupported(
            f"scipy.spatial.distance.{function} with {what}{more}",
            f"use one of {', '.join(METRICS)}",
        )
    return METRICS[name]


def _double(x: Any) -> Any:
    return cast(operand(x), float)  # SciPy computes in double precision


@means("scipy.spatial.distance.cdist")
def cdist(XA: Any, XB: Any, metric: Any = "euclidean", *, out: Any = None, **options: Any) -> Any:
    distance = _metric("cdist", metric, options)
    a, b = _double(XA), _double(XB)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError("XA and XB must be 2-dimensional arrays with as many columns each.")
    return distance(a[:, None], b[None], **options)


@means("scipy.spatial.distance.pdist")
def pdist(X: Any, metric: Any = "euclidean", *, out: Any = None, **options: Any) -> Any:
    distance = _metric("pdist", metric, options)
    x = _double(X)
    if x.ndim != 2:
        raise ValueError("A 2-dimensional array must be passed.")
    first, second = np.triu_indices(x.shape[0], 1)
    return distance(x[first], x[second], **options)


@means("scipy.spatial.distance.squareform")
def squareform(X: Any, force: str = "no", checks: bool = True) -> Any:
    x = operand(X)
    if x.ndim == 2:
        return x[np.triu_indices(x.shape[0], 1)]
    n = int(np.ceil(np.sqrt(x.shape[0] * 2)))
    square = np.zeros((n, n), int)
    upper = np.triu_indices(n, 1)
    square[upper] = np.arange(1, x.shape[0] + 1)
    return np.concatenate([np.zeros(1, x.dtype), x])[square + square.T]


#: Of two vectors alone SciPy computes these in their own precision.
_IN_SINGLE = frozenset({"sqeuclidean", "cityblock", "chebyshev", "cosine", "correlation"})


def _of_two(name: str) -> None:
    @means(f"scipy.spatial.distance.{name}")
    def distance(u: Any, v: Any, w: Any = None, **options: Any) -> Any:
        if w is not None:
            raise unsupported(f"scipy.spatial.distance.{name} with w=", "scale the vectors")
        made = operand if name in _IN_SINGLE else _double
        return METRICS[name](made(u), made(v), **options)


for _name in METRICS:
    _of_two(_name)


@means("scipy.spatial.distance.minkowski")
def minkowski(u: Any, v: Any, p: Any = 2, w: Any = None) -> Any:
    if w is not None:
        raise unsupported("scipy.spatial.distance.minkowski with w=", "scale the vectors")
    return METRICS["minkowski"](*map(_double if p == 2 else operand, (u, v)), p)
