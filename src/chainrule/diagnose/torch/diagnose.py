"""`diagnose` of a ``torch.nn.Module``."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from chainrule.diagnose import steps
from chainrule.diagnose.examine import Means, examine, read
from chainrule.diagnose.findings import Finding, ordered
from chainrule.diagnose.probe import Probe
from chainrule.diagnose.report import Report
from chainrule.diagnose.torch.gradients import gradients
from chainrule.diagnose.torch.modes import first_random, sleepers, special_layers
from chainrule.diagnose.torch.optimiser import as_optimiser
from chainrule.diagnose.torch.probe import TorchProbe, non_finite
from chainrule.diagnose.torch.spelling import in_words_of_torch
from chainrule.diagnose.torch.subject import (
    TorchLearner,
    TorchSubject,
    arrays_of,
    in_float64,
    loss_of,
    on_model,
)
from chainrule.diagnose.torch.trial import TorchTrial

__all__ = ["diagnose_module"]

_MOST = 4096  # examples that are taken from a loader


def diagnose_module(
    module: Any,
    loss: Callable[..., Any],
    data: Any,
    optimiser: Any = None,
    batch_size: int = 32,
    trial: int = 60,
    seed: int = 0,
    kinds: Collection[str] | None = None,
) -> Report:
    """Say what keeps a PyTorch model from learning, or may: `chainrule.diagnose.diagnose`.

    Raises:
        TypeError: the loss takes other arguments, or the optimiser is none of PyTorch.
        ValueError: the optimiser is of another model, or there are no data.
    """
    named = getattr(loss, "__name__", type(loss).__name__)
    title = f"{named} of {type(module).__name__}"
    whole, found = read(_arrays(data))
    if whole is None:
        return Report(tuple(found), title)
    loss = loss_of(loss)
    on_model(loss, len(whole.arrays))
    frozen = {name for name, p in module.named_parameters() if not p.requires_grad}
    inner = copy.deepcopy(module).requires_grad_(True)
    subject = TorchSubject(arrays_of(module), loss, False, module=inner)
    trying = single = None
    if optimiser is not None:
        _check(optimiser, module)
        single = as_optimiser(module, optimiser)
        trying = TorchTrial(subject, whole, module, optimiser, batch_size, trial, seed)
    means = Means(
        subject,
        probe=TorchProbe,
        learner=TorchLearner,
        mode=lambda batch: _mode(subject, module, batch, optimiser is not None),
        non_finite=non_finite,
        exact=lambda batch: _exact(subject, batch),
        slope=subject.slope,
        gradients=lambda batch: _gradients(subject, batch),
        trial=trying,
        memory=lambda slope: [] if single is None else steps.memory(single, subject.model, slope),
        decay=lambda slope: steps.decay(single, subject.model, slope),
        inputs=subject.inputs,
    )
    report = examine(means, whole, title, seed, lax=False, kinds=kinds)
    told = ordered([_on_purpose(f) if f.layer in frozen else f for f in report.findings])
    return replace(report, findings=tuple(map(in_words_of_torch, told)))


def _on_purpose(finding: Finding) -> Finding:
    """Say of a frozen parameter that it is not trained as a note: somebody wrote so."""
    if finding.kind != "not trained":
        return finding
    return replace(finding, severity="note", message="it is frozen: its requires_grad is False")


def _arrays(data: Any) -> tuple[Any, ...]:
    """Return tensors, arrays, or the batches of a loader, as arrays."""
    if isinstance(data, (tuple, list)) and data and hasattr(data[0], "shape"):
        return tuple(_array(x) for x in data)
    if hasattr(data, "shape"):
        return (_array(data),)
    parts: list[list[Any]] = []
    count = 0
    batches: Iterable[Any] = data
    for batch in batches:
        parts.append([_array(x) for x in (batch if isinstance(batch, (tuple, list)) else [batch])])
        count += len(parts[-1][0])
        if count >= _MOST:
            break
    if not parts:
        raise ValueError("the loader has no batch")
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def _array(x: Any) -> Any:
    return x.detach().cpu().numpy() if isinstance(x, torch.Tensor) else np.asarray(x)


def _check(optimiser: Any, module: Any) -> None:
    if not isinstance(optimiser, torch.optim.Optimizer):
        raise TypeError(
            f"a PyTorch model is trained with a torch.optim.Optimizer, got {optimiser!r}"
        )
    if isinstance(optimiser, torch.optim.LBFGS):
        raise TypeError(
            "a step of torch.optim.LBFGS asks for the loss again and again, and cannot be looked "
            "at by itself: diagnose the model without an optimiser, or with torch.optim.SGD"
        )
    own = {id(p) for p in module.parameters()}
    if not any(id(p) in own for group in optimiser.param_groups for p in group["params"]):
        raise ValueError("the optimiser is of another model: make it of model.parameters()")


def _mode(subject: TorchSubject, module: Any, batch: Sequence[Any], trained: bool) -> list[Finding]:
    """Look whether prediction is random, and whether a model to be trained is in training."""
    special = special_layers(module)
    first, second = (subject.value(batch, training=False, seed=seed) for seed in (0, 1))
    if first != second and not (np.isnan(first) or np.isnan(second)):
        place, line = first_random(subject, batch)
        return [
            Finding(
                "mode",
                "error",
                place,
                f"prediction is random: after eval() the loss of the same batch is {first:.6g} and "
                f"{second:.6g}",
                ("F.dropout(x, training=self.training), or nn.Dropout",),
                line,
                evidence={"first": first, "second": second},
            )
        ]
    asleep = [(path, m) for path, m in special if not m.training]
    if asleep and subject.value(batch, training=True) != first:
        path, layer = asleep[0]
        return [
            Finding(
                "mode",
                "warning" if trained else "note",
                path,
                f"this {type(layer).__name__} is in prediction, model.eval(): in training it would "
                "do something else; it was looked at as in training",
                ("model.train() before training, model.eval() before prediction",),
            )
        ]
    for path, layer in sleepers(subject, batch):
        return [
            Finding(
                "mode",
                "warning",
                path,
                f"this {type(layer).__name__} is put into prediction while the model is trained: "
                "it does nothing that it does in training, and its statistics do not change",
                ("leave out .eval() in forward; model.train() before training",),
            )
        ]
    return []


def _gradients(subject: TorchSubject, batch: Sequence[Any]) -> list[Finding]:
    try:
        return gradients(subject, batch)
    except RuntimeError:  # there is no float64 of this model
        return []


def _exact(subject: TorchSubject, batch: Sequence[Any]) -> Probe | None:
    """Run the same numbers in float64; None where they are that already, or that cannot be done."""
    if all(p.dtype == torch.float64 for p in subject.module.parameters()):
        return None
    try:
        with in_float64(subject) as wide:
            return TorchProbe(wide, batch)
    except RuntimeError:  # the model makes numbers of another type
        return None
