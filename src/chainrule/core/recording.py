"""A recording: one run of user code while its graph is noted.

There is no global state. A recording is born with the fresh inputs of a transform, every node made
from them belongs to it, and it ends when the transform returns. A node that depends on several
recordings belongs to the outermost, so that it stays usable for as long as anything may ask for its
gradient.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeAlias

from chainrule.errors import EndedRecordingError

__all__ = [
    "FREE",
    "Observer",
    "Recording",
    "check_running",
    "has_ended",
    "outermost",
    "resumed",
]

_births = itertools.count()

#: Told of a node and a value. Nodes refer to their recording, so theirs is the file above this one.
#: One that is told of new nodes may return a node of the same value that is there already.
Observer: TypeAlias = "Callable[[Any, Any], Any]"


class Recording:
    """What the nodes of one run have in common.

    ``note`` is called with every new node and its value: None when nobody listens (an eager
    gradient), an observer while code is staged, and a function that raises once the recording has
    ended. One look at it per node serves all three. ``guard``, where there is one, is told when
    Python looks at a recorded value (``if x > 0``): the node and what Python saw. ``converted`` is
    told the same where NumPy makes an ndarray of a recorded array of integers. ``captured``
    remembers large arrays of the user's, by id, to find out if they are overwritten; None where the
    recording never ends. ``nodes`` are all nodes in order, where the one who began the recording
    wants them: a backward pass over them need not search. ``every_guard`` asks for a guard at every
    product of an upstream and a local gradient, of one who takes out those that do no work.
    ``keeps_values`` says that the observer wants nodes to keep the values that no rule reads, too.
    ``unseen`` says that what is recorded is for other numbers, too, so that stable forms are always
    taken. ``examples`` is there where a node stands for many examples, of which it has the value of
    one: it returns the values of them all (`chainrule.transforms.examples`). Such a recording is
    made with ``outermost``: it owns whatever depends on it, and hands on what it makes of that.
    ``defers`` says that values of large arrays are to be computed when somebody asks for them
    (`chainrule.core.deferred`).
    ``sees_through`` asks for what a checkpointed function does, in place of one node for it.
    ``own_gradients`` is set where a function has a gradient of its own, which need not be its
    derivative (`chainrule.custom_gradient`).
    ``supposes`` says that code runs as if a condition had come out otherwise: what has no value
    there is NaN, and raises nothing.
    ``laid_out`` is called where a result depends on how an array lies in memory.
    """

    __slots__ = (
        "birth",
        "captured",
        "converted",
        "defers",
        "every_guard",
        "examples",
        "guard",
        "keeps_values",
        "laid_out",
        "nodes",
        "note",
        "own_gradients",
        "sees_through",
        "supposes",
        "unseen",
    )

    def __init__(
        self,
        note: Observer | None = None,
        guard: Observer | None = None,
        nodes: list[Any] | None = None,
        every_guard: bool = False,
        keeps_values: bool = True,
        defers: bool = False,
        outermost: bool = False,
    ) -> None:
        self.birth = -next(_births) if outermost else next(_births)
        self.nodes = nodes
        self.note = note
        self.guard = guard
        self.converted: Observer | None = None
        self.every_guard = every_guard
        self.unseen = every_guard
        self.examples: Callable[[Any], Any] | None = None
        self.keeps_values = keeps_values
        self.defers = defers
        self.sees_through = self.own_gradients = self.supposes = False
        self.laid_out: Callable[[], None] | None = None
        self.captured: dict[int, tuple[Any, Any]] | None = {}

    @property
    def age(self) -> int:
        """A number that is smaller for what began earlier."""
        return abs(self.birth)

    def end(self) -> None:
        """Let any further use of the recording's arrays raise."""
        self.note = _ended
        self.nodes = None  # they refer to the recording, so it must let go of them


def _ended(node: Any, value: Any) -> NoReturn:
    raise _used_late(f"in `{node.operation.name}`")


def _used_late(where: str) -> EndedRecordingError:
    return EndedRecordingError(
        f"an Array of a finished recording was used {where}: arrays that a "
        "function under grad, vjp, jvp or stage sees are valid only while it runs. Return the "
        "value from the function (has_aux=True for extra outputs) instead of storing the Array."
    )


def check_running(recording: Recording) -> None:
    """Raise if the recording that a backward pass is to start in has ended."""
    if has_ended(recording):
        raise _used_late("in `backward`")


def has_ended(recording: Recording) -> bool:
    """Tell whether the recording is over, so that its nodes are constants to everyone else."""
    return recording.note is _ended


@contextmanager
def resumed(recordings: Iterable[Recording]) -> Iterator[None]:
    """Let arrays of recordings that have ended be used for a while, as a pullback does."""
    ended = {x for x in recordings if has_ended(x)}
    for recording in ended:
        recording.note = None
    try:
        yield
    finally:
        for recording in ended:
            recording.end()


def outermost(a: Recording, b: Recording) -> Recording:
    """Return the recording that began first; both must still be running."""
    for recording in (a, b):
        if has_ended(recording):
            return recording  # whose note then raises
    return a if a.birth < b.birth else b


#: The recording of arrays that a person makes with ``chainrule.array``; it never ends.
FREE = Recording()
FREE.captured = None
