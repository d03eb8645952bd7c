"""What may stand before or behind a method in a chain: clipping, weight decay."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.optim.optimiser import Optimiser, like
from chainrule.trees import flatten, map_leaves

__all__ = ["clip", "clip_by_global_norm", "global_norm", "weight_decay"]


def global_norm(tree: Any) -> Any:
    """Return the Euclidean norm of all entries of a tree, as if it were one vector.

    >>> float(global_norm({"W": np.array([[3.0]]), "b": np.array([4.0])}))
    5.0
    """
    return np.sqrt(sum(np.sum(np.square(leaf)) for leaf in flatten(tree)[0]))


def clip_by_global_norm(most: float) -> Optimiser:
    """Scale gradients down where their global norm is larger than ``most``.

    Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", ICML
    2013, algorithm 1.

    Raises:
        ValueError: ``most`` is not positive.
    """
    _positive(most, "clip_by_global_norm")

    def update(gradients: Any, state: Any, params: Any) -> tuple[Any, Any]:
        scale = most / np.maximum(global_norm(gradients), most)
        return map_leaves(lambda g: like(scale, g) * g, gradients), state

    return Optimiser(_nothing, update)


def clip(most: float) -> Optimiser:
    """Clip each entry of the gradients to -most ... most.

    Raises:
        ValueError: ``most`` is not positive.
    """
    _positive(most, "clip")

    def update(gradients: Any, state: Any, params: Any) -> tuple[Any, Any]:
        return map_leaves(lambda g: np.clip(g, -most, most), gradients), state

    return Optimiser(_nothing, update)


def weight_decay(share: float) -> Optimiser:
    """Add ``share * p`` to the gradients, as ``share / 2 * sum(p**2)`` in the loss does.

    Chained before a method it is what PyTorch's ``weight_decay`` does; `adamw` and `lion` have the
    decoupled kind.
    """

    def update(gradients: Any, state: Any, params: Any) -> tuple[Any, Any]:
        return map_leaves(lambda g, p: g + share * p, gradients, params), state

    return Optimiser(_nothing, update)


def _nothing(params: Any) -> tuple[()]:
    return ()


def _positive(most: float, name: str) -> None:
    if not most > 0:
        raise ValueError(f"{name}({most!r}): the bound must be positive")
