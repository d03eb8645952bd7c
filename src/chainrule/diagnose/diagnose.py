"""`diagnose`: everything that can be said of a model, its loss and its data before one waits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from chainrule.diagnose import precision, steps, wrong
from chainrule.diagnose.examine import Means, examine, read, without_warnings
from chainrule.diagnose.findings import KINDS, Finding
from chainrule.diagnose.learner import Learner
from chainrule.diagnose.probe import Probe, Subject
from chainrule.diagnose.report import Report
from chainrule.diagnose.trial import Trial
from chainrule.optim.optimiser import Optimiser
from chainrule.train.step import takes_context
from chainrule.transforms.reverse import grad

__all__ = ["diagnose"]


@without_warnings()
def diagnose(
    model: Any,
    loss: Callable[..., Any],
    data: Any,
    *,
    optimiser: Any = None,
    step: Callable[..., Any] | None = None,
    gradient: Callable[..., Any] | None = None,
    state: Any = None,
    batch_size: int = 32,
    trial: int = 60,
    seed: int = 0,
    kinds: Collection[str] | None = None,
) -> Report:
    """Say what keeps a model from learning, or may.

    The model is not changed. It is looked at as it is, before training or after; a copy of it is
    trained for some steps.

    Args:
        model: a module, or any tree of arrays; or a ``torch.nn.Module``.
        loss: ``loss(model, *batch)``, or ``loss(model, *batch, context)``, as `train.fit` takes it;
            of a PyTorch model one of PyTorch, too, ``loss(model(x), y)``.
        data: a tuple of arrays with one row for each example, inputs first, then targets; of a
            PyTorch model a ``DataLoader``, too.
        optimiser: what it is trained with; of a PyTorch model a ``torch.optim.Optimizer`` of it.
        step: in place of an optimiser, a training step of one's own: ``step(model, *batch)``
            returns the next model.
        gradient: a gradient of one's own, ``gradient(model, *batch)``, which is checked.
        state: running statistics, where the model was trained before.
        batch_size: examples in a step.
        trial: steps that are tried with the optimiser or step.
        seed: decides which examples are looked at.
        kinds: what is looked for, of `KINDS`; everything if None. Of a model that has been trained
            one may ask for what its units and gradients are like: ``{"dead", "saturated"}``.

    Raises:
        TypeError: the loss takes other arguments or returns no number, the optimiser is none, or
            the step returns no model.
        ValueError: the data are empty or of different lengths, or there is no such kind.

    >>> import numpy as np
    >>> from chainrule import nn
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 4))
    >>> model = nn.Sequential(nn.Linear(4, 8, rng=0), nn.sigmoid, nn.Linear(8, 1, rng=1))
    >>> def loss(model, x, y):
    ...     return nn.squared_error(model(x), y)
    >>> report = diagnose(model, loss, (100 * x, x[:, :1]))
    >>> report.kinds[:2]
    ['unscaled features', 'saturated']
    """
    unknown = set(kinds or ()) - set(KINDS)
    if unknown:
        raise ValueError(f"no kind of finding is called {min(unknown)!r}: {', '.join(KINDS)}")
    if batch_size < 1 or trial < 1:
        raise ValueError(f"batch_size and trial are 1 or more, got {batch_size} and {trial}")
    if _is_torch(model):
        from chainrule.diagnose.torch import diagnose_module

        return diagnose_module(model, loss, data, optimiser, batch_size, trial, seed, kinds)
    if optimiser is not None and not isinstance(optimiser, Optimiser):
        raise TypeError(f"an optimiser is wanted, such as optim.adam(1e-3), got {optimiser!r}")
    whole, found = read(data)
    title = f"{getattr(loss, '__name__', 'loss')} of {type(model).__name__}"
    if whole is None:
        return Report(tuple(found), title)
    context = takes_context(loss, len(whole.arrays))
    subject = Subject(model, loss, context, state or {})
    trying = None
    if step is not None or optimiser is not None:
        trying = Trial(subject, whole, step, optimiser, batch_size, trial, seed)

    def gradients(batch: Sequence[Any]) -> list[Finding]:
        return [] if gradient is None else wrong.gradients(subject, gradient, batch)

    means = Means(
        subject,
        probe=Probe,
        learner=Learner,
        mode=lambda batch: wrong.mode(subject, batch),
        non_finite=precision.non_finite,
        exact=lambda batch: precision.exact(subject, batch),
        slope=lambda batch: _slope(subject, batch),
        gradients=gradients,
        trial=trying,
        memory=lambda g: [] if optimiser is None else steps.memory(optimiser, model, g),
        decay=lambda g: steps.decay(optimiser if step is None else None, model, g),
        inputs=lambda model, batch: grad(subject.call, 1)(model, *batch),
    )
    return examine(means, whole, title, seed, lax=context, kinds=kinds)


def _slope(subject: Subject, batch: Sequence[Any]) -> Any:
    """Return the gradient of the model, None where it is of no use."""
    found = grad(subject.call)(subject.model, *batch)
    entries = steps.flat(found)
    return found if np.any(entries) and np.isfinite(entries).all() else None


def _is_torch(model: Any) -> bool:
    """Tell a torch.nn.Module, without loading PyTorch."""
    return any(kind.__module__.startswith("torch.nn.") for kind in type(model).__mro__)
