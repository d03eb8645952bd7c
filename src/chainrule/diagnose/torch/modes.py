"""Layers of PyTorch that do something else in training, and chance in prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from chainrule.diagnose.torch.probe import TorchProbe
from chainrule.diagnose.torch.subject import TorchSubject, as_in, load, tensors

__all__ = ["first_random", "sleepers", "special_layers"]


def special_layers(module: Any) -> list[tuple[str, Any]]:
    """Return the layers that do something else in training, with their paths."""
    kinds = torch.nn.modules.batchnorm._BatchNorm, torch.nn.modules.dropout._DropoutNd
    return [(path, m) for path, m in module.named_modules() if isinstance(m, kinds)]


def sleepers(subject: TorchSubject, batch: Sequence[Any]) -> list[tuple[str, Any]]:
    """Return those that are called in prediction though the model is in training."""
    module, found = subject.module, dict[str, Any]()
    load(module, subject.model)
    hooks = []
    for path, layer in special_layers(module):

        def look(layer: Any, _: Any, path: str = path) -> None:
            if not layer.training:
                found[path] = layer

        hooks.append(layer.register_forward_pre_hook(look))
    try:
        with torch.no_grad(), as_in(module, True, 0):
            subject.loss(module, *tensors(batch, module))
    finally:
        for hook in hooks:
            hook.remove()
    return list(found.items())


def first_random(subject: TorchSubject, batch: Sequence[Any]) -> tuple[str, str]:
    """Return the layer and the line of the first call that gives something else each time."""
    one, other = (TorchProbe(subject, batch, training=False, chance=seed) for seed in (0, 1))
    for a, b in zip(one.run.live, other.run.live, strict=False):
        if not np.array_equal(a.output, b.output):
            return one.layer_of(a), one.line(a)
    return "", ""
