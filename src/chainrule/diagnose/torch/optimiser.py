"""An optimiser of PyTorch, asked for single steps: what `chainrule.optim.Optimiser` is."""

from __future__ import annotations

import copy
from typing import Any

import torch

from chainrule.diagnose.torch.subject import arrays_of, load
from chainrule.optim.optimiser import Optimiser

__all__ = ["as_optimiser"]


def as_optimiser(module: Any, optimiser: Any) -> Optimiser:
    """Return it as functions of arrays by name.

    Args:
        module: the model that it is of. Both are left as they are.
        optimiser: a ``torch.optim.Optimizer``.
    """

    def init(params: Any) -> Any:
        return copy.deepcopy((module, optimiser))

    def update(gradients: Any, state: Any, params: Any) -> tuple[Any, Any]:
        own, steps = state
        load(own, params)
        for name, p in own.named_parameters():
            p.grad = torch.from_numpy(gradients[name]).to(p)
        steps.step()
        after = arrays_of(own)
        return {name: after[name] - params[name] for name in after}, state

    return Optimiser(init, update)
