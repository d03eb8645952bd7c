"""Initial weights: how large they have to be, so that signals keep their size through the layers.

Each function takes a generator, a shape, and a dtype. Of a shape ``(inputs, outputs)``, or
``(outputs, inputs, *kernel)`` of a convolution, it takes the fan in and the fan out: how many
numbers make one output, and how many outputs one input has a part in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.nn.random import Rng, generator

__all__ = [
    "Initialiser",
    "fans",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "orthogonal",
]

Initialiser = Callable[..., Any]


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """Return fan in and fan out of weights.

    >>> fans((64, 100)), fans((32, 16, 3, 3))
    ((64, 100), (144, 288))
    """
    if len(shape) < 2:
        raise ValueError(f"weights of shape {tuple(shape)} have no inputs and outputs")
    if len(shape) == 2:
        return shape[0], shape[1]
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


def _normal(rng: Rng, shape: Sequence[int], variance: float, dtype: Any) -> Any:
    return (generator(rng).normal(size=shape) * math.sqrt(variance)).astype(dtype)


def _uniform(rng: Rng, shape: Sequence[int], variance: float, dtype: Any) -> Any:
    bound = math.sqrt(3 * variance)
    return generator(rng).uniform(-bound, bound, size=shape).astype(dtype)


def glorot_normal(rng: Rng, shape: Sequence[int], dtype: Any = float) -> Any:
    """Normal with variance ``2 / (fan in + fan out)``: for tanh and sigmoid.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010, equation 12.
    """
    return _normal(rng, shape, 2 / sum(fans(shape)), dtype)


def glorot_uniform(rng: Rng, shape: Sequence[int], dtype: Any = float) -> Any:
    """Uniform with the variance of `glorot_normal`: equation 16 there."""
    return _uniform(rng, shape, 2 / sum(fans(shape)), dtype)


def he_normal(rng: Rng, shape: Sequence[int], dtype: Any = float) -> Any:
    """Normal with variance ``2 / fan in``: for ReLU, which drops half of the signal.

    He, Zhang, Ren and Sun, "Delving deep into rectifiers", ICCV 2015, equation 10.
    """
    return _normal(rng, shape, 2 / fans(shape)[0], dtype)


def he_uniform(rng: Rng, shape: Sequence[int], dtype: Any = float) -> Any:
    """Uniform with the variance of `he_normal`."""
    return _uniform(rng, shape, 2 / fans(shape)[0], dtype)


def lecun_normal(rng: Rng, shape: Sequence[int], dtype: Any = float) -> Any:
    """Normal with variance ``1 / fan in``: keeps the variance where nothing bends.

    LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998, section 4.6.
    """
    return _normal(rng, shape, 1 / fans(shape)[0], dtype)


def lecun_uniform(rng: Rng, shape: Sequence[int], dtype: Any = float) -> Any:
    """Uniform with the variance of `lecun_normal`."""
    return _uniform(rng, shape, 1 / fans(shape)[0], dtype)


def orthogonal(rng: Rng, shape: Sequence[int], dtype: Any = float, gain: float = 1.0) -> Any:
    """Weights whose rows or columns, whichever are fewer, are orthonormal, times ``gain``.

    Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks", ICLR 2014. For recurrent weights.
    """
    fans(shape)
    rows, columns = shape[0], math.prod(shape[1:])
    normal = generator(rng).normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(normal)
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)  # or it is not uniform
    return (gain * (q if rows >= columns else q.T)).reshape(shape).astype(dtype)
