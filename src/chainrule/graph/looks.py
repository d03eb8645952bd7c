"""What passes see of the values of a run.

A graph that a pass makes holds for other values, too, as long as the pass would see the same of
them. So it asks by `saw`, and who wants to use its result again notes the questions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple, TypeAlias

from chainrule.graph.graph import Vertex

__all__ = ["Look", "Question", "noted", "saw"]

#: A function of the values of some vertices.
Question: TypeAlias = "Callable[..., bool]"


class Look(NamedTuple):
    """What was asked about the values of which vertices."""

    question: Question
    vertices: tuple[Vertex, ...]


_looks: ContextVar[dict[Look, bool] | None] = ContextVar("looks", default=None)


def saw(question: Question, *vertices: Vertex) -> bool:
    """Ask a question about the values of vertices: a function of a module, True or False."""
    answer = bool(question(*(vertex.value for vertex in vertices)))
    seen = _looks.get()
    if seen is not None:
        seen[Look(question, vertices)] = answer
    return answer


@contextmanager
def noted() -> Iterator[dict[Look, bool]]:
    """Note what is asked in the meantime, with the answers."""
    seen: dict[Look, bool] = {}
    token = _looks.set(seen)
    try:
        yield seen
    finally:
        _looks.reset(token)
