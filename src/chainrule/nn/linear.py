"""Layers that are a matrix: all inputs to all outputs, and rows of a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.nn.initialisers import Initialiser, he_normal
from chainrule.nn.module import Module
from chainrule.nn.random import Rng, generator

__all__ = ["Embedding", "Linear"]


class Linear(Module):
    """``x @ weight + bias``.

    Attributes:
        weight: (inputs, outputs).
        bias: (outputs,), or None.

    Args:
        inputs: number of features.
        outputs: number of units.
        rng: a generator, or a seed.
        bias: whether there is one; it begins at 0.
        weight: the initialiser of the weights.
        dtype: that of the parameters.

    >>> layer = Linear(64, 10, rng=0)
    >>> layer(np.ones((32, 64))).shape
    (32, 10)
    """

    weight: Any
    bias: Any

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        rng: Rng,
        bias: bool = True,
        weight: Initialiser = he_normal,
        dtype: Any = np.float64,
    ) -> None:
        super().__init__(
            weight=weight(rng, (inputs, outputs), dtype),
            bias=np.zeros(outputs, dtype) if bias else None,
        )

    def __call__(self, x: Any) -> Any:
        """Take (..., inputs), return (..., outputs)."""
        y = x @ self.weight
        return y if self.bias is None else y + self.bias


class Embedding(Module):
    """A row of a table for each index.

    Attributes:
        weight: (number, features), drawn from the standard normal.

    Args:
        number: how many different indices there are.
        features: length of a row.
        rng: a generator, or a seed.
        dtype: that of the table.
    """

    weight: Any

    def __init__(self, number: int, features: int, *, rng: Rng, dtype: Any = np.float64) -> None:
        super().__init__(weight=generator(rng).normal(size=(number, features)).astype(dtype))

    def __call__(self, indices: Any) -> Any:
        """Take integers of any shape, return rows: (..., features)."""
        return self.weight[indices]
