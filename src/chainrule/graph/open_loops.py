"""Loops that go on until a condition fails, watched while they run.

The number of turns of a ``while`` depends on the numbers, so what is said of such a loop has to
hold for any number of turns. A watched run helps with that in two ways. What a loop changes has a
node of its own where the loop begins and where it ends, and wherever one variable is given the
value of another: so the first turn, in which ``x`` may be an argument or a constant, is like all
others, and so is the last. And the loop can be told how many turns it is to have.
"""

from __future__ import annotations

import dis
import functools
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.array import Array, is_inexact
from chainrule.core.counted import OUTCOMES
from chainrule.core.kinds import identity
from chainrule.core.node import Node
from chainrule.core.recording import Recording
from chainrule.core.source import is_internal
from chainrule.graph.code import position
from chainrule.graph.exits import Exit, Region, exit_at, exits_of

__all__ = ["Asked", "OpenLoop", "Site", "Watch", "asked_in"]

_STORES = ("STORE_FAST", "STORE_DEREF")
_IN_PLACE = frozenset({"STORE_SUBSCR", "STORE_SLICE"})


class Site(NamedTuple):
    """A loop in the user's code, in the same words in every run."""

    filename: str
    lineno: int
    name: str
    head: int


class Asked(NamedTuple):
    """A question that decides whether a loop goes on: of which loop, where, and what it answers."""

    site: Site
    position: tuple[int | None, ...]
    stays: bool


@dataclass(eq=False)
class OpenLoop:
    """A loop that has run.

    Attributes:
        ending: the question at which it ends.
        number: how many began before it.
        begins: the nodes of its variables before the first turn.
        ends: the same behind the last one.
        stays: how often it was told to go on.
    """

    ending: Asked
    number: int
    begins: dict[str, Node] = field(default_factory=dict)
    ends: dict[str, Node] = field(default_factory=dict)
    stays: int = 0


def asked_in(frame: FrameType) -> Asked | None:
    """Return what a frame asks, if it is whether a loop goes on."""
    if is_internal(frame.f_code):
        return None
    found = exit_at(frame.f_code, frame.f_lasti)
    return None if found is None else _asked(frame.f_code, found)


def _asked(code: CodeType, found: Exit) -> Asked:
    return Asked(_site(code, found.region), found.position, found.stays)


def _site(code: CodeType, region: Region) -> Site:
    return Site(code.co_filename, code.co_firstlineno, code.co_qualname, region.head)


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
    """

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
        loops = _loops(frame.f_code) if not is_internal(frame.f_code) else ()
        watched = [loop for loop in loops if loop.site in self.endings]
        if not watched:
            return None
        for loop in watched:
            for exit in exits_of(frame.f_code, loop.region):
                if _asked(frame.f_code, exit) not in self.asked:
                    self.fault = self.fault or f"it may end at line {exit.position[0]}, too"
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        self._frames[id(frame)] = _Frame(self, watched)
        return self._frames[id(frame)].step

    def _answer(self, array: Array, found: bool) -> tuple[Array, bool]:
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

    def __init__(self, watch: Watch, loops: Sequence[_Loop]) -> None:
        self.watch, self.loops = watch, loops
        self.running: dict[Site, OpenLoop] = {}
        self._at = -1  # the instruction that runs

    def step(self, frame: FrameType, event: str, _: Any) -> Any:
        if event != "opcode":
            return self.step
        before, at = self._at, frame.f_lasti
        self._at = at
        stored = _stored(frame.f_code).get(before)
        changes: dict[str, Any] = {}
        for loop in self.loops:
            is_inside = loop.start <= at <= loop.region.end
            running = self.running.get(loop.site)
            if running is not None and stored in loop.names:
                self._name(stored, frame, before, changes)
                stored = None
            if running is not None and not is_inside:
                self._all(loop, frame, running.ends, changes)
                del self.running[loop.site]
            elif running is None and at == loop.start:
                self.watch.fault = self.watch.fault or _shared(loop, frame)
                ending, number = self.watch.endings[loop.site], len(self.watch.loops)
                self.running[loop.site] = begun = OpenLoop(ending, number)
                self.watch.loops.append(begun)
                self._all(loop, frame, begun.begins, changes)
        if changes:
            frame.f_locals.update(changes)
        return self.step

    def _all(
        self, loop: _Loop, frame: FrameType, nodes: dict[str, Node], changes: dict[str, Any]
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


# What stands in bytecode.


class _Loop(NamedTuple):
    """A loop: where it begins, with its first question, and the variables that it sets."""

    site: Site
    region: Region
    start: int
    names: tuple[str, ...]
    in_place: bool


@functools.lru_cache(4096)
def _loops(code: CodeType) -> tuple[_Loop, ...]:
    """Return the loops of code that end at a question, the outermost first."""
    instructions = [x for x in dis.get_instructions(code) if x.opname != "CACHE"]
    found = {}
    for x in instructions:
        exit = exit_at(code, x.offset)
        if exit is not None:
            found[exit.region] = exit.region
    loops = []
    for region in sorted(found, key=lambda r: (r.head, -r.end)):
        body = [x for x in instructions if region.holds(x.offset)]
        names = {x.argval: None for x in body if x.opname in _STORES}
        in_place = any(
            x.opname in _IN_PLACE or (x.opname == "BINARY_OP" and x.argrepr.endswith("="))
            for x in body
        )
        start = _start(code, instructions, region)
        loops.append(_Loop(_site(code, region), region, start, tuple(names), in_place))
    return tuple(loops)


def _start(code: CodeType, instructions: Sequence[dis.Instruction], region: Region) -> int:
    """Return where a loop asks for the first time: its test may be compiled twice."""
    offsets = [x.offset for x in instructions]
    asks = [
        position(code, o)
        for o in offsets
        if o < region.head and (e := exit_at(code, o)) is not None and e.region == region
    ]
    if not asks or any(None in place for place in asks):
        return region.head
    first = min((line, column) for line, _, column, _ in asks if line is not None)
    start = offsets.index(region.head)
    while start > 0:
        line, _, column, _ = position(code, offsets[start - 1])
        if line is None or column is None or (line, column) < first:
            break
        start -= 1
    return offsets[start]


@functools.lru_cache(4096)
def _stored(code: CodeType) -> Mapping[int, str]:
    return {x.offset: x.argval for x in dis.get_instructions(code) if x.opname in _STORES}


def _shared(loop: _Loop, frame: FrameType) -> str:
    """Say what a loop changes in place that has another name, too."""
    if not loop.in_place:
        return ""
    held = frame.f_locals
    for name in loop.names:
        value = held.get(name)
        if isinstance(value, (np.ndarray, Array)) and np.ndim(value):
            others = [key for key, x in held.items() if x is value and key != name]
            if others:
                return f"it changes {name}, which is {others[0]}, too"
    return ""
