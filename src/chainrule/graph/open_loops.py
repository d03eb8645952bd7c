"""Loops that go on until a condition fails, watched while they run.

The number of turns of a ``while`` depends on the numbers, so what is said of such a loop has to
hold for any number of turns. A watched run helps with that in two ways. What a loop changes has a
node of its own where the loop begins and where it ends, and wherever one variable is given the
value of another: so the first turn, in which ``x`` may be an argument or a constant, is like all
others, and so is the last. And the loop can be told how many turns it is to have.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np

from chainrule.core.array import Array, is_inexact
from chainrule.core.counted import OUTCOMES, Doubt
from chainrule.core.kinds import identity
from chainrule.core.node import Node
from chainrule.core.recording import Recording
from chainrule.core.source import is_internal, is_library
from chainrule.graph.exits import exits_of
from chainrule.graph.open_code import (
    Asked,
    Limit,
    LoopCode,
    Site,
    asked_at,
    asked_in,
    bound_of,
    loops_in,
    range_of,
    remembers,
    stored_in,
    unclear,
)

__all__ = ["OpenLoop", "Watch"]


@dataclass(eq=False)
class OpenLoop:
    """A loop that has run.

    Attributes:
        ending: the question at which it ends.
        number: how many began before it.
        limit: what else it may end at, where that is a number that counts its turns.
        begins: the nodes of its variables before the first turn.
        ends: the same behind the last one.
        stays: how often it was told to go on.
        turn: which one it is in.
        seen: what is no number and not recorded, where its latest turn began.
        heads: the integers that it changes, as they were at the beginning of each turn.
    """

    ending: Asked
    number: int
    limit: Limit | None
    begins: dict[str, Node] = field(default_factory=dict)
    ends: dict[str, Node] = field(default_factory=dict)
    stays: int = 0
    turn: int = 0
    seen: dict[str, Hashable] = field(default_factory=dict)
    heads: dict[int, dict[str, int]] = field(default_factory=dict)


class Watch:
    """Watches the loops that end at some questions.

    Args:
        endings: the question at which each loop ends.
        asked: what else is asked of recorded values.
        turns: how often each loop is to be told to go on, in the order in which they begin; where
            none are given, as its condition says.

    Attributes:
        loops: those that have run, in the order in which they began.
        fault: what cannot be followed, '' if all can.
        most_asked: how many questions may be asked, in a run that ends.
    """

    most_asked = sys.maxsize

    def __init__(
        self,
        endings: Mapping[Site, Asked],
        asked: Collection[Asked] = (),
        turns: Sequence[int] = (),
    ) -> None:
        self.endings, self.asked, self.turns = endings, asked, turns
        self.loops: list[OpenLoop] = []
        self.fault = ""
        self._frames: dict[int, _Frame] = {}

    @contextmanager
    def watching(
        self, recording: Recording, note: Callable[[Node, str, FrameType, int], None]
    ) -> Iterator[None]:
        """Watch what runs."""
        self._recording, self._note = recording, note
        self._asked = 0
        self.loops.clear()
        before, answers = sys.gettrace(), OUTCOMES.set(self._answer)
        sys.settrace(self._called)
        try:
            yield
        finally:
            sys.settrace(before)
            OUTCOMES.reset(answers)
            self._frames.clear()

    def _called(self, frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if is_internal(code) or is_library(frame):
            return None
        if any(x.running for x in self._frames.values()) and remembers(code):
            self.fault = self.fault or f"{code.co_name} may do something else in each turn"
        loops = loops_in(code)
        watched = [loop for loop in loops if loop.site in self.endings]
        if not watched:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        self._frames[id(frame)] = _Frame(self, watched)
        return self._frames[id(frame)].step

    def _answer(self, array: Array, found: bool) -> tuple[Array, bool]:
        self._asked += 1
        if self._asked > self.most_asked:
            raise Doubt("it may go on for ever, with another number of turns")
        frame = sys._getframe(2)
        asked = asked_in(frame)
        if asked is None or id(frame) not in self._frames:
            return array, found
        loop = self._frames[id(frame)].running.get(asked.site)
        ending = self.endings.get(asked.site)
        if loop is None or ending is None:
            return array, found
        if loop.number < len(self.turns):
            at_end = asked == ending and loop.stays >= self.turns[loop.number]
            found = asked.stays is not at_end
        if asked == ending and found is asked.stays:
            loop.stays += 1
        return array, found

    def counted(self, frame: FrameType) -> tuple[tuple[str, int], ...]:
        """Return the integers that the loops in a frame change."""
        known = self._frames.get(id(frame))
        return () if known is None else tuple(known.counted(frame))

    def turn_begins(
        self, loop: OpenLoop, names: Collection[str], frame: FrameType, changes: dict[str, Any]
    ) -> None:
        """Take notice of what integers are where a turn begins.

        Args:
            loop: it runs.
            names: the variables that it changes.
            frame: of its code.
            changes: is given what variables are to be.
        """
        held = {**frame.f_locals, **changes}
        seen = {name: _fingerprint(x) for name, x in held.items() if type(x) is not int}
        others = [name for name, x in seen.items() if loop.seen.get(name, x) != x]
        if others:
            self.fault = self.fault or f"{others[0]} is another one in each turn"
        loop.seen = seen
        values = ((name, held.get(name)) for name in names)
        loop.heads[loop.turn] = {name: x for name, x in values if type(x) is int}

    def is_counted(self, loop: OpenLoop, name: str, value: Any, changes: dict[str, Any]) -> None:
        """Take notice of what a ``for`` has handed out."""
        if type(value) is int:
            loop.heads[loop.turn][name] = value

    def anew(self, name: str, value: Any, frame: FrameType, offset: int) -> Array | None:
        """Return a variable's value as a node of its own; None for what is no float.

        ``offset`` is the instruction that it belongs to.
        """
        held = value.value if type(value) is Array else value
        if type(held) is not float and not (
            isinstance(held, (np.ndarray, np.generic)) and is_inexact(held)
        ):
            return None
        parent = value.node if type(value) is Array else None
        if parent is not None and parent.recording is not self._recording:
            return None
        node = Node(identity, (parent,), (held,), held, {}, self._recording)
        self._note(node, name, frame, offset)
        return Array(held, node)


class _Frame:
    """A frame with loops that are watched, instruction by instruction."""

    def __init__(self, watch: Watch, loops: Sequence[LoopCode]) -> None:
        self.watch, self.loops = watch, loops
        self.running: dict[Site, OpenLoop] = {}
        self._at = -1  # the instruction that runs

    def step(self, frame: FrameType, event: str, _: Any) -> Any:
        if event != "opcode":
            return self.step
        before, at = self._at, frame.f_lasti
        self._at = at
        stored = stored_in(frame.f_code).get(before, ())
        changes: dict[str, Any] = {}
        for loop in self.loops:
            is_inside = loop.start <= at <= loop.region.end
            running = self.running.get(loop.site)
            if running is not None:
                for name in stored:
                    self._name(name, frame, before, changes)
                    if name == loop.counter:
                        self.watch.is_counted(running, name, frame.f_locals[name], changes)
                stored = ()
            if running is not None and not is_inside:
                self._all(loop, frame, running.ends, changes)
                del self.running[loop.site]
            elif running is None and at == loop.start:
                fault = _shared(loop, frame)
                if fault:  # a copy would be changed in its place, and the loop may not end
                    raise Doubt(fault)
                self.watch.fault = self.watch.fault or unclear(loop, frame)
                self.running[loop.site] = begun = self._begun(loop, frame)
                self.watch.loops.append(begun)
                self._all(loop, frame, begun.begins, changes)
                self.watch.turn_begins(begun, loop.names, frame, changes)
                begun.turn -= at != loop.region.head  # it asks first whether there is one
            if running is not None and at == loop.region.head:
                running.turn += 1
                self.watch.turn_begins(running, loop.names, frame, changes)
        if changes:
            frame.f_locals.update(changes)
        return self.step

    def _begun(self, loop: LoopCode, frame: FrameType) -> OpenLoop:
        ending, limit = self.watch.endings[loop.site], None
        others = [
            exit
            for exit in exits_of(frame.f_code, loop.region)
            if asked_at(frame.f_code, exit) not in self.watch.asked
        ]
        if loop.is_for or others:
            limit = range_of(frame, loop) if loop.is_for else bound_of(frame, loop, others, ending)
            is_clear = limit is not None and len(others) <= (not loop.is_for)
            if not is_clear and not self.watch.fault:
                where = others[0].position[0] if others else frame.f_lineno
                self.watch.fault = f"it may end at line {where}, too, where nothing is computed"
        return OpenLoop(ending, len(self.watch.loops), limit)

    def counted(self, frame: FrameType) -> Iterator[tuple[str, int]]:
        """Yield the integers that loops change."""
        held = frame.f_locals
        for loop in self.loops:
            if loop.site in self.running:
                values = ((name, held.get(name)) for name in loop.names)
                yield from ((name, x) for name, x in values if type(x) is int)

    def _all(
        self, loop: LoopCode, frame: FrameType, nodes: dict[str, Node], changes: dict[str, Any]
    ) -> None:
        held = dict(frame.f_locals)
        for name in loop.names:
            value = changes.get(name, held.get(name))
            made = None if value is None else self.watch.anew(name, value, frame, loop.start)
            if made is not None:
                changes[name] = made
                nodes[name] = made.node

    def _name(self, name: str, frame: FrameType, offset: int, changes: dict[str, Any]) -> None:
        """Give ``x = y`` a node of its own."""
        held = dict(frame.f_locals)
        value = held[name]
        if any(value is other for key, other in held.items() if key != name):
            made = self.watch.anew(name, value, frame, offset)
            if made is not None:
                changes[name] = made


def _shared(loop: LoopCode, frame: FrameType) -> str:
    """Say what a loop changes in place that has another name, or is a part of something."""
    if not loop.in_place:
        return ""
    held = frame.f_locals
    for name in loop.names:
        value = held.get(name)
        if isinstance(value, (np.ndarray, Array)) and np.ndim(value):
            others = [key for key, x in held.items() if x is value and key != name]
            if others:
                return f"it changes {name}, which is {others[0]}, too"
            if type(value) is Array and (value.origin or any(x() for x in value.views or ())):
                return f"it changes {name}, which shares its entries with another array"
    return ""


def _fingerprint(value: Any) -> Hashable:
    """Return what tells whether a value that is not recorded has changed; lists may grow."""
    if type(value) is Array:
        return Array
    if isinstance(value, tuple):
        return type(value), tuple(map(_fingerprint, value))
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, (int, float, complex, str, bytes, np.generic)):
        return type(value), repr(value)
    return list if isinstance(value, list) else id(value)
