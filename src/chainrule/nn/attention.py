"""Attention: each place of a sequence reads from all, by how well a query fits a key."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.nn.initialisers import glorot_uniform
from chainrule.nn.module import Module, static
from chainrule.nn.random import Rng, generator
from chainrule.numpy.scipy.special import softmax

__all__ = ["MultiHeadAttention", "attention"]


def attention(query: Any, key: Any, value: Any, mask: Any = None) -> Any:
    """Return ``softmax(query @ key.T / sqrt(features)) @ value``.

    Vaswani et al., "Attention is all you need", 2017, equation 1.

    Args:
        query: (..., places, features).
        key: (..., others, features).
        value: (..., others, outputs).
        mask: booleans that broadcast to (..., places, others): where they are false, a place does
            not see the other. Each place sees at least one.

    Returns:
        (..., places, outputs).
    """
    scores = query @ np.swapaxes(key, -1, -2) / math.sqrt(np.shape(query)[-1])
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    return softmax(scores, axis=-1) @ value


class MultiHeadAttention(Module):
    """Several attentions side by side, each in a part of the features: section 3.2.2 there.

    Attributes:
        query_weight: (features, features).
        key_weight: (features, features).
        value_weight: (features, features).
        output_weight: (features, features).
        output_bias: (features,).
        heads: how many.
        causal: whether a place sees only itself and what stands before it.

    >>> layer = MultiHeadAttention(8, heads=2, rng=0)
    >>> layer(np.ones((4, 10, 8))).shape
    (4, 10, 8)
    """

    query_weight: Any
    key_weight: Any
    value_weight: Any
    output_weight: Any
    output_bias: Any
    heads: int = static()
    causal: bool = static()

    def __init__(
        self,
        features: int,
        *,
        heads: int,
        rng: Rng,
        causal: bool = False,
        dtype: Any = np.float64,
    ) -> None:
        if heads < 1 or features % heads:
            raise ValueError(f"{features} features cannot be shared out to {heads} heads")
        rng = generator(rng)
        shape = (features, features)
        super().__init__(
            query_weight=glorot_uniform(rng, shape, dtype),
            key_weight=glorot_uniform(rng, shape, dtype),
            value_weight=glorot_uniform(rng, shape, dtype),
            output_weight=glorot_uniform(rng, shape, dtype),
            output_bias=np.zeros(features, dtype),
            heads=heads,
            causal=causal,
        )

    def __call__(self, x: Any) -> Any:
        """Take (batch, places, features), return the same shape."""
        query, key, value = (
            self._split(x @ weight)
            for weight in (self.query_weight, self.key_weight, self.value_weight)
        )
        places = np.shape(x)[-2]
        mask = np.tri(places, dtype=bool) if self.causal else None
        y = np.swapaxes(attention(query, key, value, mask), -2, -3)
        return y.reshape(np.shape(x)) @ self.output_weight + self.output_bias

    def _split(self, x: Any) -> Any:
        """Share the features out to the heads: (batch, heads, places, features / heads)."""
        *batch, places, features = np.shape(x)
        parts = x.reshape(*batch, places, self.heads, features // self.heads)
        return np.swapaxes(parts, -2, -3)
