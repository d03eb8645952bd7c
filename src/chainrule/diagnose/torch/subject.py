"""A PyTorch model and its loss, called with parameters that are NumPy arrays."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from chainrule.diagnose.learner import Learner
from chainrule.diagnose.probe import Subject

__all__ = [
    "TorchLearner",
    "TorchSubject",
    "arrays_of",
    "as_in",
    "in_float64",
    "load",
    "loss_of",
    "on_model",
    "tensors",
]


@dataclass
class TorchSubject(Subject):
    """A model, as `Subject` is one.

    Attributes:
        model: the parameters by name, as arrays.
        loss: ``loss(module, *batch)``.
        module: a copy of the model, which the parameters are put into.
    """

    module: Any = None

    def value(self, batch: Sequence[Any], training: bool = False, seed: int = 0) -> float:
        """Return the loss on a batch."""
        load(self.module, self.model)
        with torch.no_grad(), as_in(self.module, training, seed):
            return float(self.loss(self.module, *tensors(batch, self.module)))

    def slope(self, batch: Sequence[Any]) -> dict[str, Any] | None:
        """Return the gradient of each parameter, None where it is of no use."""
        load(self.module, self.model)
        with as_in(self.module, True, 0), torch.enable_grad():
            loss = self.loss(self.module, *tensors(batch, self.module))
            named = dict(self.module.named_parameters())
            if not loss.requires_grad:
                return None
            found = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
        slopes = {
            name: np.zeros(tuple(p.shape)) if g is None else g.cpu().numpy()
            for (name, p), g in zip(named.items(), found, strict=True)
        }
        whole = np.concatenate([g.ravel() for g in slopes.values()])
        return slopes if np.any(whole) and np.isfinite(whole).all() else None

    def inputs(self, model: Any, batch: Sequence[Any]) -> Any:
        """Return the gradient by the first array."""
        load(self.module, model)
        with as_in(self.module, True, 0), torch.enable_grad():
            x, *others = tensors(batch, self.module)
            x.requires_grad_(True)
            loss = self.loss(self.module, x, *others)
            slopes = torch.autograd.grad(loss, [x], allow_unused=True) if loss.requires_grad else ()
        found = next((g for g in slopes if g is not None), None)
        return np.zeros(tuple(x.shape)) if found is None else found.cpu().numpy()


class TorchLearner(Learner):
    """Trains a copy of a model with PyTorch's Adam."""

    def __init__(self, subject: Subject, rate: float) -> None:
        assert isinstance(subject, TorchSubject)
        load(subject.module, subject.model)
        self._begun: TorchSubject = subject
        self._module = copy.deepcopy(subject.module)
        self._optimiser = torch.optim.Adam(self._module.parameters(), lr=rate)

    def step(self, number: int, batch: Sequence[Any]) -> float:
        """Make a step, and return the loss before it."""
        with as_in(self._module, True, number), torch.enable_grad():
            self._optimiser.zero_grad()
            loss = self._begun.loss(self._module, *tensors(batch, self._module))
            loss.backward()
        self._optimiser.step()
        return float(loss.detach())

    @property
    def subject(self) -> Subject:
        """The model as it is now."""
        module = copy.deepcopy(self._module)
        return replace(self._begun, model=arrays_of(module), module=module)


@contextmanager
def in_float64(subject: TorchSubject) -> Iterator[TorchSubject]:
    """Return the same numbers in float64, and let what the model makes be of that type."""
    model = {name: p.astype(np.float64) for name, p in subject.model.items()}
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield replace(subject, module=copy.deepcopy(subject.module).double(), model=model)
    finally:
        torch.set_default_dtype(default)


def arrays_of(module: Any) -> dict[str, Any]:
    """Return copies of a module's parameters, as arrays by name."""
    return {name: p.detach().cpu().numpy().copy() for name, p in module.named_parameters()}


def load(module: Any, arrays: dict[str, Any]) -> None:
    """Put arrays into the parameters of a module."""
    with torch.no_grad():
        for name, p in module.named_parameters():
            p.copy_(torch.from_numpy(np.asarray(arrays[name])))


@contextmanager
def as_in(module: Any, training: bool, seed: int) -> Iterator[None]:
    """Put a module into training or prediction, and leave statistics and chance as they were."""
    modes = {each: each.training for each in module.modules()}
    buffers = {name: b.clone() for name, b in module.named_buffers()}
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module.train(training)
            yield
    finally:
        with torch.no_grad():
            for name, b in module.named_buffers():
                b.copy_(buffers[name])
        for each, mode in modes.items():
            each.training = mode


def tensors(batch: Sequence[Any], module: Any) -> list[Any]:
    """Return arrays as tensors, where the module is, floats as wide as its parameters."""
    like = next(iter(module.parameters()), torch.zeros(()))
    made = []
    for x in batch:
        tensor = torch.from_numpy(np.ascontiguousarray(x)).to(like.device)
        made.append(tensor.to(like.dtype) if tensor.is_floating_point() else tensor)
    return made


def loss_of(loss: Callable[..., Any]) -> Callable[..., Any]:
    """Return a loss as ``loss(module, *batch)``: PyTorch's own take an output and a target."""
    own = getattr(loss, "__module__", "") or type(loss).__module__
    if isinstance(loss, torch.nn.Module) or own.startswith("torch"):
        return lambda module, x, *targets: loss(module(x), *targets)
    return loss


def on_model(loss: Callable[..., Any], arrays: int) -> None:
    """Refuse a loss of other arguments than ``loss(module, *batch)``.

    Raises:
        TypeError: saying how it is called.
    """
    try:
        inspect.signature(loss).bind(*range(arrays + 1))
    except ValueError:
        return
    except TypeError:
        name = getattr(loss, "__name__", repr(loss))
        raise TypeError(
            f"{name}{inspect.signature(loss)} is called with the model and {arrays} tensors of a "
            "batch: def loss(model, x, y): return F.cross_entropy(model(x), y)"
        ) from None
