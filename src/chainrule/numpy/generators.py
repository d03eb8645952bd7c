"""Random numbers that a recorded function draws: arrays that Arrays can be written into."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from chainrule.numpy.creation import to_be_filled
from chainrule.numpy.scipy.seen_objects import seen_class

__all__ = ["makers_of_generators"]


def makers_of_generators() -> list[tuple[Any, Any]]:
    """List pairs of what makes a generator, and what makes one whose arrays can be written into."""
    kind = _drawing(np.random.Generator)

    @wraps(np.random.default_rng)
    def default_rng(seed: Any = None) -> Any:
        return kind(np.random.default_rng(seed).bit_generator)

    state = seen_class(np.random.RandomState, _drawing(np.random.RandomState))
    return [(np.random.default_rng, default_rng), (np.random.RandomState, state)]


def _drawing(kind: type) -> type:
    """Return a subclass of a class of generators whose methods make such arrays."""
    methods = {
        name: _filled(method)
        for name, method in vars(kind).items()
        if callable(method) and not name.startswith("_")
    }
    return type(kind.__name__, (kind,), methods)


def _filled(draw: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(draw)
    def drawn(*args: Any, **kwargs: Any) -> Any:
        return to_be_filled(draw(*args, **kwargs))

    return drawn
