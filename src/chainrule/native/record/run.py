"""One recorded run of a function for compiling, and the program that it makes.

The run sees recorded arrays in the place of all inputs and captured arrays. What Python looks at on
the way becomes a guard. A second run, of the function as it is, tells what type each part of the
result has, and shows up what no recording could: random numbers, a hidden state.
"""

from __future__ import annotations

import dataclasses
import random
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.array import Array
from chainrule.core.captured import check_unchanged, hold
from chainrule.core.counted import DOUBTS, NUMBERS, OUTCOMES, ROWS, SEEDS, Doubt
from chainrule.core.node import Leaf, Node
from chainrule.core.placeholder import without_entries
from chainrule.core.recording import Observer, Recording
from chainrule.core.source import Location, user_location
from chainrule.errors import ChainruleError, GradientLostError
from chainrule.graph.graph import Constant, Input, Vertex, from_nodes
from chainrule.graph.run import observed_run
from chainrule.native.record.capture import Walk, capture, unwritable
from chainrule.native.record.conditions import BRANCHED, Place
from chainrule.native.record.counters import find_counters
from chainrule.native.record.guards import Guards, Seen, axes_shaped_by_values, condition
from chainrule.native.record.iterables import builtins_for, rows_for
from chainrule.native.record.program import Program
from chainrule.native.record.recorded import NotFaithful, NotLifted, Run
from chainrule.native.record.result import (
    flatten,
)
from chainrule.native.record.short import Shortener
from chainrule.native.record.signature import Replacing, statics_of
from chainrule.native.record.structure import of_arguments
from chainrule.native.record.variables import Unset
from chainrule.numpy.creation import restack

__all__ = ["run"]

_ndarray = np.ndarray
_ATOMS = (int, float, complex, str, bytes, type(None), np.generic, np.dtype)


def run(
    f: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    names: Sequence[str],
    lift: bool,
    integers: bool,
    defers: bool,
    shortener: Shortener | None = None,
) -> Run:
    """Record a run.

    Args:
        f: the function.
        args: its arguments.
        kwargs: its named arguments.
        names: what the positional arguments are called.
        lift: record what is done with captured arrays, too; else they are plain to the run, and
            compared at each call.
        integers: record what is done with arrays of integers and booleans among the arguments, and
            with Python's complex numbers; else they are plain to the run, and the program is for
            their values alone.
        defers: compute of large arrays what somebody looks at, and no more.
        shortener: ends long loops early; None to record every turn.

    Raises:
        NotFaithful: compiled code could not do what the function does.
        NotLifted: a recorded number was used where only a plain one can be.
        Doubt: a loop cannot be ended early.
        Enough: a loop has more turns than are worth recording.
    """
    recording = Recording(every_guard=True, keeps_values=False, defers=defers)
    statics = statics_of(args, kwargs)
    loops = None if shortener is None else builtins_for(shortener)
    walk = capture(f, statics, recording if lift else None, loops)
    walk.found.statics = statics
    if walk.found.obstacle is not None:
        raise NotFaithful(walk.found.obstacle)
    inputs: list[tuple[Input, Leaf | None]] = []
    arrays: list[tuple[Array, Leaf, str]] = []

    def fresh(value: Any, path: str) -> Any:
        plain = type(value) is complex or (
            type(value) is not float and value.dtype.kind not in "fc"
        )
        leaf = None if plain and not integers else Leaf(recording)
        inputs.append((Input(path, value), leaf))
        if leaf is None:
            return unwritable(value) if type(value) is _ndarray else value
        arrays.append((Array(value, leaf), leaf, path))
        return arrays[-1][0]

    replace = Replacing(fresh, lambda value: walk.statics.get(id(value), value))
    fresh_args = [replace(value, name) for name, value in zip(names, args, strict=True)]
    fresh_kwargs = {name: replace(value, name) for name, value in kwargs.items()}
    seen: list[Seen] = []
    laid_out: list[Location | None] = []
    conditions = None if shortener is None else shortener.conditions
    note, guard = _observers(recording, seen, shortener)
    recording.laid_out = lambda: laid_out.append(user_location())
    draws = _states(walk)
    if shortener is not None:
        shortener.changes = lambda: walk.changes() or walk.found.changed_since()
        shortener.base, shortener.recording = sys._getframe(), recording
    rows = ROWS.set(None if shortener is None else rows_for(shortener))
    numbers = NUMBERS.set(None if shortener is None else shortener.numbers)
    seeds = SEEDS.set(None if shortener is None or not shortener.shortens else shortener.seed)
    answers = OUTCOMES.set(None if shortener is None else shortener.conditions)
    doubts = DOUBTS.set([])
    try:
        with np.errstate(all="ignore"):
            try:
                output = observed_run(
                    walk.function, fresh_args, fresh_kwargs, recording, note, guard
                )
            finally:
                if conditions is not None:
                    conditions.branches.stop(sys.exception())
                _raise_caught(sys.exception())
        leaves, _ = flatten(output)
        leaves = [restack(leaf) for leaf in leaves]
    except ValueError as error:
        if "read-only" in str(error):  # arrays that are not recorded cannot be written
            raise NotFaithful(
                f"it writes into an array that it does not make itself ({error})"
            ) from None
        raise
    except ChainruleError as error:
        if error.caught:
            raise NotFaithful(
                f"it catches an error that it does not meet by itself ({error})"
            ) from None
        raise
    except Doubt:
        walk.found.restore()  # or what the function does to arrays would be done twice
        raise
    finally:
        ROWS.reset(rows)
        NUMBERS.reset(numbers)
        OUTCOMES.reset(answers)
        SEEDS.reset(seeds)
        DOUBTS.reset(doubts)
        recording.end()
        recording.laid_out = None
        if shortener is not None:
            shortener.let_go()
    try:
        check_unchanged(recording)
    except GradientLostError:
        raise NotFaithful(
            "it overwrites a large array that it has used before; make a new one instead"
        ) from None
    if conditions is not None:
        conditions.branches.finish()
        conditions.finish()
    changed = walk.changes()
    if changed is not None:
        raise NotFaithful(changed)
    for array, leaf, path in arrays:
        if array.node is not leaf:
            raise NotFaithful(f"it writes into its argument `{path}`; return the new value instead")
    if laid_out:
        raise NotFaithful(
            f'it asks for the order of entries in memory, at {laid_out[0]}: write order="C" or '
            'order="F"'
        )
    if not replace.is_unchanged():
        raise NotFaithful("it changes a container among its arguments; return a new one instead")
    if _states(walk) != draws:
        raise NotFaithful(
            "it draws random numbers, which compiled code would repeat; draw them outside and pass "
            "them as an argument"
        )
    if not walk.found.is_current():
        changed = walk.found.changed()
        walk.found.restore()  # or what the function does to arrays would be done twice
        raise NotFaithful(f"it changes {changed}, which it does not make itself")
    if any(type(leaf) is Unset for leaf in leaves):
        raise Doubt("it returns what only one way through a turn sets")
    for leaf in leaves:
        _check_leaf(leaf, recording)
    name = getattr(f, "__name__", type(f).__name__)
    lifted = {} if shortener is None else shortener.lifted
    program, guards = _program(name, inputs, walk, seen, leaves, recording, lifted)
    if not kwargs:
        program = dataclasses.replace(program, arguments=of_arguments(args))
    return Run(
        program,
        guards,
        walk.found,
        trees.paths(output),
        leaves,
        trees.flatten(output)[0],
    )


def _raise_caught(error: BaseException | None) -> None:
    """Raise a doubt that the function has caught, whereupon it went another way."""
    doubts = DOUBTS.get()
    if doubts and not isinstance(error, (Doubt, KeyboardInterrupt, SystemExit)):
        raise doubts[0] from None


def _program(
    name: str,
    inputs: Sequence[tuple[Input, Leaf | None]],
    walk: Walk,
    seen: Sequence[Seen],
    leaves: Sequence[Any],
    recording: Recording,
    lifted: Mapping[Node, Any],
) -> tuple[Program, Guards]:
    """Make the program of a run, without the run's arrays, and its guards.

    Of what is computed, and of the inputs, only shapes, dtypes and types are needed later.
    """
    light = [Input(vertex.name, without_entries(vertex.value)) for vertex, _ in inputs]
    known: dict[Node, Vertex] = {
        leaf: vertex for vertex, (_, leaf) in zip(light, inputs, strict=True) if leaf is not None
    }
    captured = [Constant(array) for array, _, _ in walk.found.arrays]
    for constant_, (_, own, _) in zip(captured, walk.found.arrays, strict=True):
        known[own] = constant_
    known |= {leaf: _literal(array) for leaf, array in lifted.items()}
    nodes = [look.node for look in seen]
    nodes += [leaf.node for leaf in leaves if type(leaf) is Array]
    known |= _constants(nodes, recording)
    made: dict[Node, Vertex] = {}
    vertices = iter(from_nodes(nodes, known, _literal, made=made, kept=without_entries))
    for node in made:
        if any(type(x) is Array for x in node.params.values()):
            raise NotLifted(f"{node.operation.name} takes a plain number as a parameter")
    guards = Guards()
    for given, (whole, leaf) in zip(light, inputs, strict=True):
        if leaf is None:  # integers that were plain to the run
            guards.add(given, np.array(whole.value), None)
    conditions: dict[Place, list[Vertex]] = {}
    for look in seen:
        vertex = next(vertices)
        place, number = look.asked or (None, 0)
        if place is None:
            guards.see(vertex, look)
            continue
        conditions.setdefault(place, []).append(condition(vertex, look.outcome))
        if not number:
            guards.see(vertex, look)
            guards.count(conditions[place][0], look.location)
    program = Program(
        name,
        tuple(light),
        tuple(captured),
        tuple(vertices),
        tuple(guards.met),
        conditions=tuple(map(tuple, conditions.values())),
    )
    guards.forget()
    return program, guards


def _observers(
    recording: Recording, seen: list[Seen], shortener: Shortener | None
) -> tuple[Observer, Observer]:
    """Return what is told of new nodes, and what is told of those that Python looks at."""
    conditions = None if shortener is None else shortener.conditions

    def note(node: Node, value: Any) -> Node:
        if None in node.parents:  # a constant, which the function may overwrite later
            node.operands = tuple(
                _held(x, recording) if parent is None else x
                for x, parent in zip(node.operands, node.parents, strict=True)
            )
        if shortener is not None and shortener.shortens:
            find_counters(shortener, sys._getframe(1))
        known = node if conditions is None else conditions.branches.known(node)
        if known is node and node.is_shaped_by_values:
            where = user_location()
            seen.extend(Seen(node, None, where, axis) for axis in axes_shaped_by_values(node))
        return known

    def guard(node: Node, outcome: Any) -> None:
        asked = None if conditions is None else conditions.taken()
        if asked is BRANCHED:
            return
        seen.append(Seen(node, outcome, user_location(), asked=asked))

    return note, guard


def _held(value: Any, recording: Recording) -> Any:
    """Return what a node may keep of a constant."""
    plain = type(value) is _ndarray and not value.dtype.hasobject
    return hold(value, recording) if plain else value


def _states(walk: Walk) -> list[Any]:
    """Return what changes when random numbers are drawn."""
    own = [
        repr(x.bit_generator.state) if isinstance(x, np.random.Generator)
        else repr(x.get_state() if isinstance(x, np.random.RandomState) else x.getstate())
        for x in walk.found.generators
    ]  # fmt: skip
    name, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002  # to see if it is used
    return [*own, name, np.asarray(keys).tobytes(), *rest, random.getstate()]


def _constants(nodes: Iterable[Node], recording: Recording) -> dict[Node, Vertex]:
    """Find what belongs to recordings inside this one: it depends on nothing of this one."""
    constants: dict[Node, Vertex] = {}
    stack = list(nodes)
    seen = set(stack)
    while stack:
        node = stack.pop()
        for value, parent in zip(node.operands, node.parents, strict=True):
            if parent is None or parent in seen:
                continue
            if parent.recording is recording:
                seen.add(parent)
                stack.append(parent)
            else:
                constants.setdefault(parent, _literal(value))
    return constants


def _literal(value: Any) -> Constant:
    """Make the constant of what the run made itself, or what is compared at each call."""
    return Constant(value, literal=True)


def _check_leaf(leaf: Any, recording: Recording) -> None:
    if type(leaf) is Array:
        if leaf.node.recording is not recording:
            raise NotFaithful("it returns an Array of another recording")
    elif not isinstance(leaf, _ATOMS) and not (type(leaf) is _ndarray and not leaf.dtype.hasobject):
        raise NotFaithful(
            f"it returns a {type(leaf).__name__}: return numbers, arrays, or tuples, lists, dicts "
            "and dataclasses of them"
        )
