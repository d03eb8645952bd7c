"""What a forward pass needs besides parameters and inputs: random numbers and running statistics.

Both are explicit. A `Context` is made for one forward pass from a model, its state and a key;
layers that need it find their own part by the model's structure:

    def loss(model, state, x, labels, key):
        context = nn.Training(model, state, key)
        return nn.cross_entropy(model(x, context), labels), context.state

Without a context a model predicts: nothing is dropped.
"""

from __future__ import annotations

from typing import Any

from chainrule.nn.module import Module, modules
from chainrule.operations.random import fold

__all__ = ["Context", "Evaluation", "Training", "initial_state"]

State = dict[str, Any]


def initial_state(model: Any) -> State:
    """Return what the layers of a model carry from batch to batch, by their paths, at the start.

    It is empty for a model without running statistics.
    """
    return {
        path: module.initial_state()
        for path, module in modules(model)
        if hasattr(module, "initial_state")
    }


class Context:
    """One forward pass.

    Attributes:
        training: whether the parameters are being trained.
        state: running statistics by the path of their layer; `Training` replaces those that change.
    """

    training: bool

    def __init__(self, model: Any, state: State | None = None, key: Any = None) -> None:
        self.state: State = dict(state or {})
        self._key = key
        self._drawn = 0
        self._paths = {id(module): path for path, module in modules(model)}
        self._model = model  # keeps the modules, whose ids are looked up, alive

    def path(self, module: Module) -> str:
        """Return the path of a module in the model.

        Raises:
            LookupError: the context was made for another model.
        """
        try:
            return self._paths[id(module)]
        except KeyError:
            raise LookupError(
                f"this {type(module).__name__} is no part of the model that the context was made "
                "for: make it with the model that is called, Training(model, state, key)"
            ) from None

    def read(self, module: Module) -> Any:
        """Return the state of a layer.

        Raises:
            LookupError: there is none.
        """
        path = self.path(module)
        if path not in self.state:
            raise LookupError(
                f"no running statistics for {path or 'the model'}, a {type(module).__name__}: "
                "begin with state = nn.initial_state(model) and hand it to the context"
            )
        return self.state[path]

    def write(self, module: Module, value: Any) -> None:
        """Replace the state of a layer."""
        self.state[self.path(module)] = value

    def key(self) -> Any:
        """Return a key that nobody else has in this forward pass.

        Raises:
            LookupError: the context was made without one.
        """
        if self._key is None:
            raise LookupError(
                "random numbers are drawn here, and the context has no key: "
                "Training(model, state, nn.key(0))"
            )
        self._drawn += 1
        return fold(self._key, count=self._drawn)


class Training(Context):
    """A forward pass that is trained by: units are dropped, statistics are those of the batch."""

    training = True


class Evaluation(Context):
    """A forward pass that predicts: nothing is dropped, statistics are the running ones."""

    training = False
