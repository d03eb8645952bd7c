"""What a module is: a frozen dataclass, and by that a tree of its parameters."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from typing import Any, ClassVar, Self, dataclass_transform
from weakref import WeakSet

import numpy as np

from chainrule import trees

__all__ = ["Module", "count", "modules", "parameters", "static"]


def static(**options: Any) -> Any:
    """Return a field that is no parameter: a size, a rate, a function.

    Its value belongs to the model's structure, so it must be hashable, and compiled code is made
    anew for another one.

    Args:
        options: as in `dataclasses.field`.
    """
    return dataclasses.field(metadata={trees.STATIC: True}, **options)


_GENERATED: WeakSet[type] = WeakSet()  # modules whose ``__init__`` takes the fields in order


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(static,))
class Module:
    """A part of a network: parameters, and what is computed with them.

    A subclass is a frozen dataclass by itself. Its fields are arrays, further modules, containers
    of these, or `static`. So a model is a tree: `chainrule.grad` of a function of a model returns
    a gradient of the same structure, and optimisers add trees of updates.

    >>> import numpy as np, chainrule as cr
    >>> class Scale(Module):
    ...     factor: np.ndarray
    ...
    ...     def __call__(self, x):
    ...         return x * self.factor
    >>> model = Scale(np.array([2.0, 3.0]))
    >>> cr.grad(lambda model, x: np.sum(model(x)))(model, np.array([1.0, 10.0])).factor
    array([ 1., 10.])
    """

    #: Whether it does something else in training than in prediction.
    needs_context: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        written = next(kind for kind in cls.__mro__ if "__init__" in kind.__dict__)
        init = written is Module or written in _GENERATED
        dataclasses.dataclass(frozen=True, eq=False, repr=False, init=init)(cls)
        if init:
            _GENERATED.add(cls)

    def __init__(self, **fields: Any) -> None:
        """Take the fields by name: what a subclass's own ``__init__`` ends with."""
        names = [field.name for field in dataclasses.fields(self)]  # type: ignore[arg-type]
        if set(names) != set(fields):
            raise TypeError(f"{type(self).__name__} has the fields {names}, got {list(fields)}")
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def replace(self, **fields: Any) -> Self:
        """Return a copy with other values in some fields.

        >>> from chainrule import nn
        >>> layer = nn.Linear(2, 3, rng=0)
        >>> layer.replace(bias=None).bias is None
        True
        """
        unknown = set(fields) - {field.name for field in dataclasses.fields(self)}  # type: ignore[arg-type]
        if unknown:
            raise TypeError(f"{type(self).__name__} has no field {', '.join(sorted(unknown))}")
        made = copy.copy(self)
        for name, value in fields.items():
            object.__setattr__(made, name, value)
        return made

    def __repr__(self) -> str:
        parts = [
            f"{field.name}={_shown(getattr(self, field.name))}"
            for field in dataclasses.fields(self)  # type: ignore[arg-type]
        ]
        return f"{type(self).__name__}({', '.join(parts)})"


def _shown(value: Any) -> str:
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{value.dtype}{list(value.shape)}"
    return getattr(value, "__name__", None) or repr(value)


def parameters(model: Any) -> dict[str, Any]:
    """Return the parameters of a model by their paths.

    >>> from chainrule import nn
    >>> model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.tanh, nn.Linear(3, 1, rng=1))
    >>> list(parameters(model))
    ['layers.0.weight', 'layers.0.bias', 'layers.2.weight', 'layers.2.bias']
    """
    leaves, _ = trees.flatten(model)
    return dict(zip(map(_dotted, trees.paths(model)), leaves, strict=True))


def _dotted(path: str) -> str:
    """Write ``.layers[0]['weight']`` as ``layers.0.weight``."""
    return path.replace("['", ".").replace("']", "").replace("[", ".").replace("]", "").lstrip(".")


def count(model: Any) -> int:
    """Return the number of parameters of a model, entry by entry."""
    return sum(int(np.size(leaf)) for leaf in trees.flatten(model)[0])


def modules(model: Any, path: str = "") -> Iterator[tuple[str, Module]]:
    """Yield each module in a model with its path, itself first, whose path is ''."""
    if isinstance(model, Module):
        yield path, model
        parts = {f.name: getattr(model, f.name) for f in dataclasses.fields(model)}  # type: ignore[arg-type]
    elif isinstance(model, dict):
        parts = model
    elif isinstance(model, (list, tuple)):
        names = getattr(model, "_fields", range(len(model)))
        parts = dict(zip(map(str, names), model, strict=True))
    else:
        return
    for name, part in parts.items():
        yield from modules(part, f"{path}.{name}" if path else str(name))
