"""A run of a function under observation: what it makes, and what Python looks at, is told."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.core.node import Node
from chainrule.core.recording import Observer, Recording
from chainrule.numpy.view import UserFunction

__all__ = ["observed_run"]


def observed_run(
    f: Callable[..., Any] | UserFunction,
    args: Sequence[Any],
    kwargs: dict[str, Any],
    recording: Recording,
    note: Observer,
    guard: Observer,
) -> Any:
    """Run a function whose inputs belong to a recording, and return its result.

    Args:
        f: the function.
        args: its arguments.
        kwargs: its named arguments.
        recording: of this run.
        note: is told of each new node and its value, afterwards too.
        guard: is told of each node that Python looked at and what it saw.
    """

    def looked(node: Node, outcome: Any) -> None:
        changeable = isinstance(outcome, (list, np.ndarray))  # the function may write into it
        guard(node, copy.deepcopy(outcome) if changeable else outcome)

    recording.note = note
    recording.guard = recording.converted = looked
    try:
        return (f if isinstance(f, UserFunction) else UserFunction(f))(args, kwargs)
    finally:
        recording.guard = recording.converted = None
