"""What is compiled: one step of training, and what is measured without one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from chainrule import trees
from chainrule.core.array import dtype_of
from chainrule.core.callables import name_of
from chainrule.native import compile
from chainrule.native.compiled import Compiled
from chainrule.native.executable import donating
from chainrule.nn.context import Evaluation, Training
from chainrule.nn.module import modules
from chainrule.optim.optimiser import Optimiser, Update, apply_updates
from chainrule.transforms.reverse import value_and_grad

__all__ = [
    "Carried",
    "Trained",
    "advance",
    "check_context",
    "evaluation",
    "step",
    "takes_context",
]


class Trained(NamedTuple):
    """What a step changes."""

    model: Any
    state: Any
    optimiser: Any


class Carried(NamedTuple):
    """What a step of a run takes over from the one before.

    Attributes:
        trained: what is trained; numbers in it are arrays without axes.
        tally: two numbers: the batches of this epoch so far, and the losses of their examples.
    """

    trained: Trained
    tally: Any


#: Steps as long as their optimiser lives, by how they are made and the loss.
_STEPS: WeakKeyDictionary[Optimiser, dict[Any, Callable[..., Any]]] = WeakKeyDictionary()
_MOST_STEPS = 8  # that are remembered with one optimiser


def step(loss: Callable[..., Any], optimiser: Optimiser, context: bool) -> Callable[..., Any]:
    """Return the compiled function ``(trained, key, *batch) -> (trained, loss)``.

    It is the same one for the same loss and optimiser.
    """
    return _remembered(_step, loss, optimiser, context)


def advance(loss: Callable[..., Any], optimiser: Optimiser, context: bool) -> Callable[..., Any]:
    """Return the compiled function ``(carried, key, *batch) -> (carried, loss)``.

    The arrays that it is given as carried must belong to nobody else: they may be written over, all
    at once, and be those of the result. Where the loss is not finite, all stays as it is.
    """
    return _remembered(_advance, loss, optimiser, context)


def _remembered(
    make: Callable[..., Callable[..., Any]],
    loss: Callable[..., Any],
    optimiser: Optimiser,
    context: bool,
) -> Callable[..., Any]:
    key = make, loss, context
    try:
        known = _STEPS.setdefault(optimiser, {})
        found = known.get(key)
    except TypeError:  # one of them has no hash
        return make(loss, optimiser.update, context)
    if found is None:
        if len(known) >= _MOST_STEPS:
            del known[next(iter(known))]
        found = known[key] = make(loss, optimiser.update, context)
    return found


def _advance(loss: Callable[..., Any], update: Update, context: bool) -> Callable[..., Any]:
    make = _one_step(loss, update, context)

    def advanced(carried: Carried, key: Any, *batch: Any) -> tuple[Carried, Any]:
        before = trees.map_leaves(lambda x: x[()] if np.ndim(x) == 0 else x, carried.trained)
        trained, value = make(before, key, *batch)
        examples = np.float64(len(batch[0]))
        tally = carried.tally + np.stack([np.float64(1), examples * value])
        following = Carried(trained, tally)
        if trees.structure(following) == trees.structure(carried):
            keep = partial(_unless, np.isfinite(value))
            following = trees.map_leaves(keep, following, carried)
        return following, value

    return Compiled(advanced, donating)


def _unless(fine: Any, new: Any, old: Any) -> Any:
    """Return an array as it is to be, or as it was if not all is fine."""
    alike = np.shape(new) == np.shape(old) and dtype_of(new) == dtype_of(old)
    return np.where(fine, new, old) if alike else new


def _step(loss: Callable[..., Any], update: Update, context: bool) -> Callable[..., Any]:
    return compile(_one_step(loss, update, context))


def _one_step(loss: Callable[..., Any], update: Update, context: bool) -> Callable[..., Any]:
    def of_model(model: Any, state: Any, key: Any, batch: tuple[Any, ...]) -> Any:
        if not context:
            return loss(model, *batch), state
        here = Training(model, state, key)
        return loss(model, *batch, here), here.state

    of_model.__name__ = name_of(loss)  # in messages

    def one_step(trained: Trained, key: Any, *batch: Any) -> tuple[Trained, Any]:
        gradient_of = value_and_grad(of_model, has_aux=True)
        (value, state), gradient = gradient_of(trained.model, trained.state, key, batch)
        updates, following = update(gradient, trained.optimiser, trained.model)
        model = apply_updates(trained.model, updates)
        return Trained(model, state, following), value

    return one_step


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
