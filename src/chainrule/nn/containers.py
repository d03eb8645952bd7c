"""Layers made of layers: one after the other, and around a shortcut."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from chainrule.nn.context import Context
from chainrule.nn.module import Module, static
from chainrule.trees import is_container

__all__ = ["Residual", "Sequential", "call"]


class Sequential(Module):
    """Layers one after the other: modules, and functions such as `relu`.

    Attributes:
        layers: a tuple of them.

    >>> import numpy as np
    >>> from chainrule import nn
    >>> model = Sequential(nn.Linear(2, 8, rng=0), nn.relu, nn.Linear(8, 1, rng=1))
    >>> model(np.ones((5, 2))).shape
    (5, 1)
    """

    layers: tuple[Any, ...]

    def __init__(self, *layers: Callable[..., Any]) -> None:
        super().__init__(layers=tuple(map(_part, layers)))

    def __call__(self, x: Any, context: Context | None = None) -> Any:
        """Call each layer with the result of the one before it."""
        for k, layer in enumerate(self.layers):
            try:
                x = call(layer, x, context)
            except ValueError as error:
                error.add_note(f"in layers[{k}], {_named(layer)}: its input is {np.shape(x)}")
                raise
        return x


class Residual(Module):
    """``x + inner(x)``: the signal, and its gradient, have a way around the inner layers.

    He, Zhang, Ren and Sun, "Deep residual learning for image recognition", CVPR 2016, equation 1.

    Attributes:
        inner: a module whose output has its input's shape.
    """

    inner: Any

    def __init__(self, inner: Callable[..., Any]) -> None:
        super().__init__(inner=_part(inner))

    def __call__(self, x: Any, context: Context | None = None) -> Any:
        """Return ``x + inner(x)``."""
        return x + call(self.inner, x, context)


class Function(Module):
    """A function as a layer without parameters."""

    function: Callable[[Any], Any] = static()

    def __call__(self, x: Any) -> Any:
        """Call the function."""
        return self.function(x)


def _part(layer: Any) -> Any:
    if isinstance(layer, Module) or is_container(layer):
        return layer
    if not callable(layer):
        raise TypeError(f"a layer is a module or a function, got {layer!r}")
    return Function(layer)


def _named(layer: Any) -> str:
    """Return the name of a layer, and the shape of its weight if it has one."""
    weight = getattr(layer, "weight", None)
    of_shape = "" if weight is None else f" with a weight of {np.shape(weight)}"
    return f"{type(layer).__name__}{of_shape}"


def call(layer: Callable[..., Any], x: Any, context: Context | None = None) -> Any:
    """Call a layer, with the context if it takes one."""
    kind: Any = type(layer)
    return layer(x, context) if _takes_context(kind) else layer(x)


@cache
def _takes_context(kind: Any) -> bool:
    return "context" in inspect.signature(kind.__call__).parameters
