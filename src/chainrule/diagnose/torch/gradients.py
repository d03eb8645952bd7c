"""Gradients that a person wrote: the ``backward`` of a ``torch.autograd.Function``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from chainrule.diagnose.findings import Finding
from chainrule.diagnose.torch.subject import TorchSubject, as_in, in_float64, load, tensors

__all__ = ["gradients"]

_STEP = 1e-6  # in float64, along a direction of length 1
_WRONG = 1e-2  # relative; ReLUs that turn on on the way stay below


def gradients(subject: TorchSubject, batch: Sequence[Any]) -> list[Finding]:
    """Compare what backpropagation gives with differences, where somebody wrote a ``backward``.

    Along one random direction of each parameter. PyTorch's own need no such look.
    """
    own = _own_functions(subject, batch)
    if not own:
        return []
    with in_float64(subject) as wide:
        slopes = wide.slope(batch)
        if slopes is None:
            return []
        rng = np.random.default_rng(0)
        found = {}
        for name, p in wide.model.items():
            direction = rng.normal(size=p.shape)
            direction /= max(float(np.linalg.norm(direction)), 1e-300)
            said = float(np.sum(slopes[name] * direction))
            is_ = _difference(wide, batch, name, direction)
            size = max(float(np.linalg.norm(slopes[name])), abs(is_))
            if abs(said - is_) > _WRONG * size:
                found[name] = said, is_
    if not found:
        return []
    last = list(found)[-1]  # behind it the gradient is right
    said, is_ = found[last]
    names = " or ".join(f"`{name}`" for name in own)
    return [
        Finding(
            "wrong gradient",
            "error",
            last.rpartition(".")[0] or last,
            f"the backward of {names} is not the slope of its forward: along a direction of {last} "
            f"the gradient says {said:.4g}, and the loss has the slope {is_:.4g}",
            (
                "torch.autograd.gradcheck of this function",
                "nothing, if it is wrong on purpose, as a straight-through estimator",
            ),
            evidence={"given": said, "slope": is_, "parameters": list(found)},
        )
    ]


def _own_functions(subject: TorchSubject, batch: Sequence[Any]) -> list[str]:
    """Return the names of the functions with a ``backward`` of their own in a loss."""
    load(subject.module, subject.model)
    with as_in(subject.module, True, 0), torch.enable_grad():
        loss = subject.loss(subject.module, *tensors(batch, subject.module))
    names: dict[str, None] = {}
    waiting, seen = [loss.grad_fn], set[Any]()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if isinstance(node, torch.autograd.function.BackwardCFunction):
            names[type(node).__name__.removesuffix("Backward")] = None
        waiting += [before for before, _ in node.next_functions]
    return list(names)


def _difference(subject: TorchSubject, batch: Sequence[Any], name: str, direction: Any) -> float:
    """Return the slope of the loss along a direction of one parameter, by differences."""
    p = subject.model[name]
    ends = []
    for way in (1.0, -1.0):
        subject.model[name] = p + way * _STEP * direction
        ends.append(subject.value(batch, training=True))
    subject.model[name] = p
    return (ends[0] - ends[1]) / (2 * _STEP)
