"""What `fit` tells somebody who watches: `chainrule.diagnose.Monitor` is one who does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from chainrule.train.step import Trained

__all__ = ["Step", "Watcher"]


class Step(NamedTuple):
    """One step of a run.

    Attributes:
        before: a copy of the model and its state before it, where the watcher wanted one.
        model: the model after it; overwritten by the next one.
        batch: what it was made with; overwritten, too.
        loss: the loss before it.
    """

    before: Trained | None
    model: Any
    batch: tuple[Any, ...]
    loss: float


class Watcher(Protocol):
    """What is told of every step. It changes nothing."""

    def begin(self, loss: Callable[..., Any], context: bool) -> None:
        """Take notice of a run that begins, and whether its loss takes a context."""

    def wants(self) -> bool:
        """Tell whether the next step is looked at."""

    def observe(self, step: Step) -> None:
        """Take notice of a step."""

    @property
    def health(self) -> str:
        """How it goes, in a few words."""
