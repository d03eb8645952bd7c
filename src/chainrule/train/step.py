"""What is compiled: one step of training, and what is measured without one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from chainrule.native import compile
from chainrule.nn.context import Evaluation, Training
from chainrule.nn.module import modules
from chainrule.optim.optimiser import Optimiser, Update, apply_updates
from chainrule.transforms.reverse import value_and_grad

__all__ = ["Trained", "check_context", "evaluation", "step", "takes_context"]


class Trained(NamedTuple):
    """What a step changes."""

    model: Any
    state: Any
    optimiser: Any


#: Steps as long as their optimiser lives, by the loss.
_STEPS: WeakKeyDictionary[Optimiser, dict[Any, Callable[..., Any]]] = WeakKeyDictionary()
_MOST_STEPS = 4  # losses that are remembered with one optimiser


def step(loss: Callable[..., Any], optimiser: Optimiser, context: bool) -> Callable[..., Any]:
    """Return the compiled function ``(trained, key, *batch) -> (trained, loss)``.

    It is the same one for the same loss and optimiser.
    """
    try:
        known = _STEPS.setdefault(optimiser, {})
        found = known.get((loss, context))
    except TypeError:  # one of them has no hash
        return _step(loss, optimiser.update, context)
    if found is None:
        if len(known) >= _MOST_STEPS:
            del known[next(iter(known))]
        found = known[loss, context] = _step(loss, optimiser.update, context)
    return found


def _step(loss: Callable[..., Any], update: Update, context: bool) -> Callable[..., Any]:
    def of_model(model: Any, state: Any, key: Any, batch: tuple[Any, ...]) -> Any:
        if not context:
            return loss(model, *batch), state
        here = Training(model, state, key)
        return loss(model, *batch, here), here.state

    def one_step(trained: Trained, key: Any, *batch: Any) -> tuple[Trained, Any]:
        gradient_of = value_and_grad(of_model, has_aux=True)
        (value, state), gradient = gradient_of(trained.model, trained.state, key, batch)
        updates, following = update(gradient, trained.optimiser, trained.model)
        model = apply_updates(trained.model, updates)
        return Trained(model, state, following), value

    return compile(one_step)


def evaluation(f: Callable[..., Any], context: bool) -> Callable[..., Any]:
    """Return the compiled function ``(model, state, *batch) -> number`` of a loss or metric."""

    def measured(model: Any, state: Any, *batch: Any) -> Any:
        if not context:
            return f(model, *batch)
        return f(model, *batch, Evaluation(model, state))

    return compile(measured)


def takes_context(f: Callable[..., Any], arrays: int) -> bool:
    """Tell whether a loss or metric takes a context behind the model and the arrays of a batch.

    Raises:
        TypeError: it takes another number of arguments.
    """
    try:
        signature = inspect.signature(f)
    except ValueError:  # written in C
        return False
    for more in (2, 1):
        try:
            signature.bind(*range(arrays + more))
        except TypeError:
            continue
        return more == 2
    name = getattr(f, "__name__", repr(f))
    raise TypeError(
        f"{name}{signature} is called with the model and {arrays} arrays of a batch, and with a "
        "context if it takes one more: def loss(model, x, y): return nn.squared_error(model(x), y)"
    )


def check_context(loss: Callable[..., Any], model: Any) -> None:
    """Refuse a loss without a context where a layer needs one.

    Raises:
        TypeError: naming the layer.
    """
    for path, module in modules(model):
        if module.needs_context:
            name = getattr(loss, "__name__", repr(loss))
            raise TypeError(
                f"{path or 'the model'} is a {type(module).__name__}, which does something else in "
                f"training, and {name} takes no context to tell it so: "
                f"def {name}(model, x, y, context): return ...(model(x, context), y)"
            )
