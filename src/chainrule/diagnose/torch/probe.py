"""One run of a PyTorch model, by layer: what `Probe` is to the searches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch

from chainrule.diagnose.findings import Finding
from chainrule.diagnose.probe import Probe, Subject, rms
from chainrule.diagnose.torch.recording import Call, Recording
from chainrule.diagnose.torch.subject import TorchSubject, as_in, load, tensors
from chainrule.explain.activations import Activation

__all__ = ["TorchProbe", "non_finite"]


class Run:
    """The calls that a loss depends on: what an `Observation` is to the searches."""

    def __init__(self, recording: Recording, loss: Any) -> None:
        end = recording.made(loss)
        self.reached: set[Any] = set()
        pending = [] if end is None else [end]
        while pending:
            call = pending.pop()
            if call not in self.reached:
                self.reached.add(call)
                pending += [parent for parent in call.parents if parent is not None]
        self.live = [call for call in recording.calls if call in self.reached]


class TorchProbe(Probe):
    """A loss on a batch, with the gradient of every tensor.

    Args:
        subject: the model and its loss.
        batch: the arrays.
        training: as in training, or as in prediction.
        chance: seed of the random numbers.
    """

    def __init__(
        self, subject: Subject, batch: Sequence[Any], training: bool = True, chance: int = 0
    ) -> None:
        assert isinstance(subject, TorchSubject)
        self.subject: TorchSubject = subject
        self.batch = batch
        module = subject.module
        load(module, subject.model)
        self._recording = recording = Recording()
        with as_in(module, training, chance), torch.enable_grad():
            recording.add_parameters(module)
            given = tensors(batch, module)
            if any(isinstance(m, torch.nn.RNNBase) for m in module.modules()):
                given = [_followed(x) for x in given]
            with recording.mode():
                loss = subject.loss(module, *given)
            self.value = float(loss.detach())
            run: Any = Run(recording, loss)
            self.run = run
            self._turns = self._by_turn(loss)
            self._gradients = self._backward(loss)

    @property
    def broken(self) -> Call | None:
        """The first call that makes NaN or infinity of the data, in front of all parameters."""
        return self._recording.broken

    def _backward(self, loss: Any) -> dict[Any, Any]:
        if not loss.requires_grad:
            return {}
        reached: set[Any] = self.run.reached
        calls: list[Call] = [c for c in reached if c.tensor.requires_grad]
        if not calls:
            return {}
        found = torch.autograd.grad(loss, [c.tensor for c in calls], allow_unused=True)
        gradients: dict[Any, Any] = {}
        for call, g in zip(calls, found, strict=True):
            if g is not None:
                gradients[call] = g.cpu().numpy().T if call.turned else g.cpu().numpy()
        return gradients

    def through_time(self, layer: Any) -> tuple[Any, list[float]] | None:
        """Return a call of a whole recurrent layer, and the RMS of the gradient by its inputs."""
        return next(((c, self._turns[c]) for c in layer.nodes if c in self._turns), None)

    def _by_turn(self, loss: Any) -> dict[Any, list[float]]:
        """Return for each call of a whole recurrent layer the RMS of the gradient by its inputs."""
        found = {}
        for call in self.run.live:
            x, axis = getattr(call, "turns", None) or (None, 0)
            if x is None or not loss.requires_grad:
                continue
            (g,) = torch.autograd.grad(loss, [x], allow_unused=True, retain_graph=True)
            if g is not None:
                found[call] = [rms(each.cpu().numpy()) for each in g.unbind(axis)]
        return found

    @cached_property
    def parameters(self) -> list[tuple[str, Any, Any]]:
        """Path, node and value of each parameter."""
        return [(name, leaf, leaf.output) for name, leaf in self._recording.leaves.items()]

    def gradient(self, node: Any) -> Any:
        """Return the gradient of a node, None where the loss does not depend on it."""
        return self._gradients.get(node)

    def owners(self) -> dict[str, str]:
        """Return for each parameter the path of its module."""
        name = type(self.subject.module).__name__
        return {path: path.rpartition(".")[0] or name for path in self._recording.leaves}

    def line(self, node: Any) -> str:
        """Return the line of user code that made a node."""
        return "" if node.location is None else str(node.location)

    @cached_property
    def activations(self) -> list[Activation]:
        """The activation functions, as far as parameters have a part in their input."""
        live: list[Any] = self.run.live
        return [
            Activation(c.activation, c, c.parents[0], c.operands[0])
            for c in live
            if c.activation and c.parents[0] is not None and self.layer_of(c.parents[0])
        ]


def _followed(x: Any) -> Any:
    """Return a tensor that a gradient can be asked for, and that may be written into."""
    return x.requires_grad_().clone() if x.is_floating_point() else x


def non_finite(probe: Probe) -> list[Finding]:
    """Find the call whose output is NaN or infinite first, or the parameter whose gradient is.

    Of a loss that is NaN the call that makes the first NaN of an infinity is told, too.
    """
    cures = (
        "a form that does not overflow: torch.logaddexp, losses of logits",
        "a smaller learning rate, if it came with training",
        "torch.nn.utils.clip_grad_norm_",
    )
    found: dict[str, Finding] = {}
    assert isinstance(probe, TorchProbe)
    broken, live = probe.broken, list[Any](probe.run.live)
    for call in live if broken is None else [broken, *live]:
        output = np.asarray(call.output)
        if np.isfinite(output).all():
            continue
        node: Any = call
        kind = "nan" if np.isnan(output).any() else "inf"
        of = f", in `{call.name}`" if call.name else ""
        said = f"{kind} arises here first{of}, in {int((~np.isfinite(output)).sum())} entries"
        if broken is not None and call is broken:
            said += ": of the data, before any layer"
        place = probe.layer_of(node), said, cures, probe.line(node)
        found.setdefault(kind, Finding(kind, "error", *place))
        if kind == "nan" or not np.isnan(probe.value):
            break
    if found:
        return list(found.values())
    for name, leaf, _ in probe.parameters:
        g = probe.gradient(leaf)
        if g is not None and not np.isfinite(g).all():
            kind = "nan" if np.isnan(g).any() else "inf"
            return [Finding(kind, "error", name, f"its gradient is {kind}", cures)]
    return []
