"""Activation functions, entry by entry or along the last axis, in plain NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special

from chainrule.numpy.scipy import special

__all__ = [
    "elu",
    "gelu",
    "leaky_relu",
    "log_softmax",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]


def sigmoid(x: Any) -> Any:
    """Return ``1 / (1 + exp(-x))``, which is 0 to 1; its slope ``y * (1 - y)`` is 1/4 at most.

    >>> float(sigmoid(0.0))
    0.5
    """
    return scipy.special.expit(x)


def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent, -1 to 1; its slope is ``1 - y**2``."""
    return np.tanh(x)


def relu(x: Any) -> Any:
    """Return ``max(x, 0)``.

    Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML 2010.
    """
    return np.maximum(x, 0)


def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """Return x where it is positive, ``slope * x`` elsewhere, so that no unit can die.

    Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013.
    """
    return np.where(x > 0, x, slope * x)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """Return x where it is positive, ``alpha * (exp(x) - 1)`` elsewhere.

    Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential
    linear units", ICLR 2016, equation 15.
    """
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def gelu(x: Any) -> Any:
    """Return x times the probability that a standard normal is below x.

    Hendrycks and Gimpel, "Gaussian error linear units", 2016, equation 1.
    """
    return 0.5 * x * (1 + scipy.special.erf(x / math.sqrt(2)))


def silu(x: Any) -> Any:
    """Return ``x * sigmoid(x)``, also called swish.

    Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units", Neural Networks 107, 2018.
    """
    return x * scipy.special.expit(x)


def softplus(x: Any) -> Any:
    """Return ``log(1 + exp(x))``, a smooth ReLU whose slope is the sigmoid."""
    return np.logaddexp(x, 0)


def softmax(x: Any) -> Any:
    """Return ``exp(x)`` as shares of its sum along the last axis."""
    return special.softmax(x, axis=-1)


def log_softmax(x: Any) -> Any:
    """Return the logarithm of `softmax`, where its entries may be tiny."""
    return special.log_softmax(x, axis=-1)
