"""Recording a run with what only the run can tell: names, lines, calls, captured arrays.

`trace` runs the function; an observer is told of each node, and looks at the user's variables then.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.array import Array, is_inexact, value_of
from chainrule.core.callables import argument_names, name_of
from chainrule.core.captured import check_unchanged, hold
from chainrule.core.node import Leaf, Node
from chainrule.core.recording import Recording
from chainrule.core.source import location_of, user_frame
from chainrule.core.symbolic import Symbolic
from chainrule.errors import ArgumentError, ChainruleError
from chainrule.graph.code import position
from chainrule.graph.naming import counters_of, name_of_result
from chainrule.graph.open_code import asked_in
from chainrule.graph.open_loops import Watch
from chainrule.graph.run import observed_run
from chainrule.graph.trace import Argument, Guard, Note, Row, Trace
from chainrule.numpy.creation import result_leaves
from chainrule.numpy.view import UserFunction

__all__ = ["trace"]

#: Whose frame is next to the user's where rules run: of a transform, or of who runs one as f.
_DERIVING = ("chainrule.transforms", "chainrule.staged", "chainrule.explain")


@dataclass(slots=True)
class _Uses:
    """A captured array, as it was when ``nodes`` used it."""

    array: np.ndarray[Any, Any]
    copy: np.ndarray[Any, Any]
    nodes: list[Node] = field(default_factory=list)


class _Observer:
    """What is told of each node and each look of a run, and fills the trace of it."""

    def __init__(self, trace: Trace, watch: Watch | None) -> None:
        self.trace, self.watch = trace, watch
        self._calls: dict[FrameType, int] = {}
        self._entry: FrameType | None = None
        self._written: tuple[Node, FrameType] | None = None
        self._seen_in: dict[int, int] = {}  # of each list, how much was looked at
        self._uses: dict[int, _Uses] = {}

    def note(self, node: Node, value: Any) -> None:
        self.name_write()
        self.trace.nodes.append(node)
        self._keep(node)
        frame = user_frame(sys._getframe(1))
        if frame is None:
            return
        call = self._calls.setdefault(frame, len(self._calls))
        name = name_of_result(frame, node.params["part"] if node.operation.parts else None)
        if node.operation.clear is not None:  # a write, which gives the array a new value
            name = name or self._name_of(node.parents[0])
            self._written = node, frame
        # Of several nodes made by one run of an instruction (np.mean: a sum, then a division) the
        # last one is the value that the variable gets. In a loop the instruction runs anew, and
        # enters chainrule by a frame of its own.
        entry = sys._getframe(1)
        while entry.f_back is not None and entry.f_back is not frame:
            entry = entry.f_back
        if name and entry is self._entry:
            before_it = self.trace.nodes[-2]
            last = self.trace.notes.get(before_it)
            if last is not None and last.name == name:
                self.trace.notes[before_it] = replace(last, name=None)
        self._entry = entry
        derived = entry.f_globals.get("__name__", "").startswith(_DERIVING)
        counters = self._counters(frame)
        self.trace.notes[node] = Note(
            name, location_of(frame), call, frame.f_lasti, derived, counters
        )
        self._learn_names(node, frame)

    def _keep(self, node: Node) -> None:
        """Remember what captured arrays were when a node used them: they may be overwritten."""
        for x, parent in zip(node.operands, node.parents, strict=True):
            if parent is not None or type(x) is not np.ndarray or x.dtype.hasobject:
                continue
            uses = self._uses.get(id(x))
            if uses is None or self._has_parted(uses):
                copy = hold(x, self.trace.recording)
                if copy is x:
                    continue
                uses = self._uses[id(x)] = _Uses(x, copy)
            uses.nodes.append(node)

    def _has_parted(self, uses: _Uses) -> bool:
        """Give nodes the copy that was made for them, if their array has been overwritten."""
        array, copy = uses.array, uses.copy
        if array.shape == copy.shape and array.tobytes() == copy.tobytes():
            return False
        for node in uses.nodes:
            node.operands = tuple(copy if x is array else x for x in node.operands)
        if id(array) in self.trace.constant_names:
            self.trace.constant_names[id(copy)] = self.trace.constant_names[id(array)]
        return True

    def guard(self, node: Node, outcome: Any) -> None:
        self.name_write()
        frame = user_frame(sys._getframe(1))
        if frame is not None:
            self.trace.guards.append(
                Guard(node, outcome, location_of(frame), len(self.trace.nodes), asked_in(frame))
            )

    def watched(self, node: Node, name: str, frame: FrameType, offset: int) -> None:
        """Note a node that a variable of a watched loop has for itself."""
        self.name_write()
        self.trace.nodes.append(node)
        self._keep(node)
        call = self._calls.setdefault(frame, len(self._calls))
        location = location_of(frame, position(frame.f_code, offset)[0])
        counters = self._counters(frame)
        self.trace.notes[node] = Note(name, location, call, offset, False, counters)

    def _counters(self, frame: FrameType) -> tuple[tuple[str, int], ...]:
        counters = counters_of(frame, observed_run.__code__)
        watched = () if self.watch is None else self.watch.counted(frame)
        return (*(x for x in watched if x not in counters), *counters)

    def _name_of(self, node: Node | None) -> str | None:
        note = self.trace.notes.get(node) if node is not None else None
        if note is not None:
            return note.name
        return next((a.name for a in self.trace.arguments if a.node is node), None)

    def name_write(self) -> None:
        """Name what was last written into, now that the user's variable has its new value.

        It has the name that it had, unless it is a copy, and that name is the original's still.
        """
        if self._written is None:
            return
        node, frame = self._written
        self._written = None
        arrays = [(k, x) for k, x in frame.f_locals.items() if type(x) is Array]
        names = [name for name, x in arrays if x.node is node]
        before = node.parents[0]
        known = self._name_of(before)
        note = self.trace.notes[node]
        if names and known not in names:
            is_copy = before is not None and any(x.node is before for _, x in arrays)
            if is_copy:
                self.trace.copies.add(node)
            if is_copy or known is None:
                self.trace.notes[node] = replace(note, name=names[0])
                self._name_writes_before(node, names[0])

    def _name_writes_before(self, node: Node, name: str) -> None:
        """Name earlier writes into an array that had no name yet, as the ys of `chainrule.scan`."""
        while True:
            before = node.parents[0]
            if before is None:
                self._learn_name(node.operands[0], name)
                return
            note = self.trace.notes.get(before)
            if note is None or note.name is not None or before.operation.clear is None:
                return
            self.trace.notes[before] = replace(note, name=name)
            node = before

    def _learn_name(self, x: Any, name: str) -> None:
        if id(x) not in self.trace.constant_names:
            self.trace.constant_names[id(x)] = name
            self.trace.captured.append(x)

    def _learn_names(self, node: Node, frame: FrameType) -> None:
        """Find what user code calls the captured arrays and the leaves of its arguments."""
        unknown = [
            x
            for x, parent in zip(node.operands, node.parents, strict=True)
            if parent is None
            and isinstance(x, np.ndarray)
            and id(x) not in self.trace.constant_names
        ]
        leaves = {a.node: a for a in self.trace.arguments if a.path and a.node in node.parents}
        nameless = {
            p for p in node.parents if p in self.trace.notes and self.trace.notes[p].name is None
        }
        if not nameless <= self.trace.listed.keys():
            self._learn_lists(frame)
        if not unknown and not leaves and not nameless:
            return
        held = (x for x in frame.f_locals.values() if not issubclass(type(x), Symbolic))
        attributes = [getattr(x, "__dict__", {}) for x in held]
        # Globals in which functions are replaced are a view, which lists only what it replaces.
        module = getattr(frame.f_globals, "names", frame.f_globals)
        for names in (frame.f_locals, *attributes, module):
            for name, value in names.items():
                if type(value) is Array and names is not module:
                    if value.node in leaves:
                        leaves.pop(value.node).name = name
                    elif value.node in nameless:
                        self.trace.aliases.setdefault(value.node, name)
                held = value.value if type(value) is Array else value
                for x in unknown:
                    if held is x:
                        self._learn_name(x, name)
                    elif x.base is not None and type(held) is np.ndarray:
                        at = _row_of(held, x)
                        if at is not None:
                            self.trace.rows[id(x)] = Row(name, held, at)
                            self.trace.captured.append(x)

    def _learn_lists(self, frame: FrameType) -> None:
        """Find which unnamed values user code has put into lists, looking at each entry once."""
        for name, held in frame.f_locals.items():
            if type(held) is not list:
                continue
            start = self._seen_in.get(id(held), 0)
            for x in held[start if start <= len(held) else 0 :]:
                if type(x) is not Array:
                    break
                start += 1
                note = self.trace.notes.get(x.node)
                if note is not None and note.name is None:
                    self.trace.listed.setdefault(x.node, name)
            self._seen_in[id(held)] = start

    def check_captured(self) -> None:
        """Look for captured arrays that have been overwritten since they were used.

        Raises:
            GradientLostError: one of which there is no copy has.
        """
        check_unchanged(self.trace.recording)
        for uses in self._uses.values():
            self._has_parted(uses)


def _row_of(array: np.ndarray[Any, Any], x: np.ndarray[Any, Any]) -> int | None:
    """Return which row of another array one is, None if it is none."""
    same = x.base is array or x.base is array.base
    if not same or not array.ndim or x.shape != array.shape[1:] or x.dtype != array.dtype:
        return None
    if x.strides != array.strides[1:] or not array.strides[0] or not x.size:
        return None
    start, here = (a.__array_interface__["data"][0] for a in (array, x))
    at, rest = divmod(here - start, array.strides[0])
    return at if not rest and 0 <= at < len(array) else None


def trace(
    f: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None = None,
    argnums: int | Sequence[int] | None = None,
    stopped: Callable[[Trace], None] | None = None,
    watch: Watch | None = None,
) -> Trace:
    """Run a function on real values and return its trace.

    Args:
        f: the function.
        args: positional arguments, trees allowed; floats and float arrays in them become inputs.
        kwargs: passed on as they are.
        argnums: positions of the arguments to differentiate by; None for every float argument.
        stopped: is told of the trace of a run that an error ends, each time if it is run twice.
        watch: watches the loops that go on until a condition fails.

    Raises:
        ArgumentError: no argument that is to be differentiated by is made of floats.
    """
    run = UserFunction(f)
    try:
        return _trace(run, args, kwargs or {}, argnums, True, stopped, watch)
    except ChainruleError:
        raise
    except (TypeError, IndexError, ValueError):
        # Integer arrays were used in a way that only ndarrays can be, such as np.eye(3)[labels].
        return _trace(run, args, kwargs or {}, argnums, False, stopped, watch)


def _trace(
    run: UserFunction,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    argnums: int | Sequence[int] | None,
    integers: bool,
    stopped: Callable[[Trace], None] | None = None,
    watch: Watch | None = None,
) -> Trace:
    f, known = run.f, run.known
    recording = Recording()
    traced = Trace(f, recording)
    chosen = None if argnums is None else {argnums} if isinstance(argnums, int) else set(argnums)
    fresh_args = []
    for place, (name, arg) in enumerate(zip(argument_names(f, len(args)), args, strict=True)):
        leaves, build = trees.flatten(arg)
        fresh = []
        for path, leaf in zip(trees.paths(arg), leaves, strict=True):
            value = value_of(leaf)
            floating = is_inexact(value)
            node = Leaf(recording) if floating or (integers and _is_index(value)) else None
            wanted = floating and (chosen is None or place in chosen)
            traced.arguments.append(
                Argument(_leaf_name(name, path), place, path, value, node, wanted)
            )
            fresh.append(Array(value, node) if node is not None else value)
        fresh_args.append(build(fresh))
    if not traced.inputs:
        raise ArgumentError(
            f"{name_of(f)} was given no float argument to differentiate by: pass "
            "3.0 instead of 3, or np.asarray(x, dtype=float)"
        )
    observer = _Observer(traced, watch)
    try:
        with nullcontext() if watch is None else watch.watching(recording, observer.watched):
            output = observed_run(
                run, fresh_args, dict(kwargs), recording, observer.note, observer.guard
            )
        traced.loops = [] if watch is None else list(watch.loops)
        observer.name_write()
        recording.note = lambda node, value: traced.nodes.append(node)
        leaves, build = result_leaves(output)
        traced.output = build(leaves)
        observer.check_captured()
    except BaseException:
        recording.end()
        if run.known != known:  # it writes into what it makes of arrays from outside
            return _trace(run, args, kwargs, argnums, integers, stopped, watch)
        if stopped is not None:
            observer.name_write()
            _forget_others(traced.nodes, recording)
            stopped(traced)
        raise
    _forget_others(traced.nodes, recording)
    return traced


def _forget_others(nodes: Sequence[Node], recording: Recording) -> None:
    """Let what belongs to recordings inside this one be constants: it depends on no argument.

    The point at which a nested gradient is taken is such a constant.
    """
    for node in nodes:
        parents = [p if p is not None and p.recording is recording else None for p in node.parents]
        node.parents = tuple(parents)


def _is_index(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim > 0 and value.dtype.kind in "biu"


def _leaf_name(name: str, path: str) -> str:
    """Name a leaf by its own key or field where that is a word: ``params['W1']`` -> ``W1``."""
    if not path:
        return name
    words = re.findall(r"\w+", path)
    return words[-1] if words[-1].isidentifier() else "_".join([name, *words])
