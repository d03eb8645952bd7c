"""Losses: the mean over a batch, of logits where there are classes.

A logit is what stands before the softmax or the sigmoid: these losses have them inside, which is
exact for logits of any size.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special

from chainrule.numpy.scipy.special import log_softmax

__all__ = ["binary_cross_entropy", "cross_entropy", "hinge", "huber", "squared_error"]


def squared_error(predicted: Any, y: Any) -> Any:
    """Return the mean over all entries of ``(predicted - y)**2``.

    Args:
        predicted: numbers of any shape.
        y: what they should be, of the same shape.

    Raises:
        ValueError: the shapes differ: broadcasting would compare everything with everything.
    """
    _alike(predicted, y, "squared_error")
    return np.mean((predicted - y) ** 2)


def huber(predicted: Any, y: Any, delta: float = 1.0) -> Any:
    """Return the mean of half the squared error where it is below delta, growing linearly beyond.

    Huber, "Robust estimation of a location parameter", 1964. Shapes and errors as `squared_error`.
    """
    _alike(predicted, y, "huber")
    return np.mean(scipy.special.huber(delta, predicted - y))


def cross_entropy(logits: Any, labels: Any) -> Any:
    """Return the mean of ``-log(softmax(logits)[label])``.

    Args:
        logits: one row of scores for each example: (..., classes).
        labels: the class of each example, integers from 0, of shape (...); or the probability of
            each class, of the logits' shape.

    Raises:
        ValueError: the shapes do not belong together, or a label is out of range.

    >>> import numpy as np
    >>> round(float(cross_entropy(np.zeros((2, 10)), np.array([3, 7]))), 4)  # log(10)
    2.3026
    """
    if not hasattr(labels, "dtype"):
        labels = np.asarray(labels)
    shape, found = np.shape(logits), np.shape(labels)
    if found == shape and labels.dtype.kind == "f":
        return -np.mean(np.sum(labels * log_softmax(logits, axis=-1), axis=-1))
    if found != shape[:-1] or labels.dtype.kind not in "iu":
        raise ValueError(
            f"cross_entropy: logits of shape {shape} go with integer labels of shape {shape[:-1]} "
            f"or probabilities of shape {shape}, got {labels.dtype} of shape {found}"
        )
    classes = shape[-1]
    if np.any((labels < 0) | (labels >= classes)):
        raise ValueError(
            f"cross_entropy: labels from {labels.min()} to {labels.max()}, but the logits are of "
            f"{classes} classes, 0 to {classes - 1}"
        )
    log_p = log_softmax(logits, axis=-1).reshape(-1, classes)
    return -np.mean(log_p[np.arange(labels.size), labels.reshape(-1)])


def binary_cross_entropy(logits: Any, y: Any) -> Any:
    """Return the mean of ``-y * log(p) - (1 - y) * log(1 - p)`` with ``p = sigmoid(logits)``.

    Args:
        logits: numbers of any shape.
        y: 0 or 1, or probabilities, of the same shape.

    Raises:
        ValueError: the shapes differ.
    """
    _alike(logits, y, "binary_cross_entropy")
    return np.mean(np.logaddexp(logits, 0) - y * logits)


def hinge(scores: Any, y: Any) -> Any:
    """Return the mean of ``max(0, 1 - y * scores)``, where y is -1 or 1.

    Raises:
        ValueError: the shapes differ.
    """
    _alike(scores, y, "hinge")
    return np.mean(np.maximum(0, 1 - y * scores))


def _alike(a: Any, b: Any, name: str) -> None:
    if np.shape(a) != np.shape(b):
        cure = ""
        if np.size(a) == np.size(b) and {np.ndim(a), np.ndim(b)} == {1, 2}:
            cure = ": write y[:, None] for a column of numbers, or y[:, 0] for the numbers in one"
        raise ValueError(f"{name}: shapes {np.shape(a)} and {np.shape(b)} are not the same{cure}")
