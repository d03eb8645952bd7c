"""A recorded run parted into stages: the groups of operations that a person writes on one line.

A node that the user stored to a variable closes a stage. What has no name is written inside the
expression that uses it, unless two stages use it, or one uses it twice and it is worth keeping, or
the line would grow too long: then it becomes a stage too, under a name of its own.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.core.array import Array, dtype_of, shape_of
from chainrule.core.kinds import Elementwise, astype, broadcast_to, identity
from chainrule.core.node import Node
from chainrule.core.operation import Operation
from chainrule.core.reach import ancestors
from chainrule.core.source import Location
from chainrule.graph.finite import always_finite
from chainrule.graph.graph import Apply, Constant, Input, Vertex, from_nodes, topological
from chainrule.graph.rewrite import rewrite, substitute
from chainrule.graph.simplify.rules import TIDYING, TIDYING_OF_LOOPS, simplify
from chainrule.graph.trace import Guard, Trace
from chainrule.operations.elementwise import negative, square
from chainrule.staged.writes import Write, write_of

__all__ = ["LONG", "Assignment", "Check", "Partition", "is_cheap", "one_of", "partition"]

LONG = 5  # turns from which on a loop is printed as one
_LONGEST = 12  # operations in one expression


@dataclass(slots=True)
class Assignment:
    """One stage before it is printed: a variable, and the expression that gives its value.

    The variable's name is the one that it would like, '' for any. ``write`` says what it writes,
    where it is written in place; ``renames`` that what is written into is a copy, under a new name.
    """

    variable: Input
    expression: Vertex
    node: Node
    nodes: list[Node]
    location: Location | None
    write: Write | None = None
    renames: bool = False
    counters: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True)
class Check:
    """What Python saw of a value during the run, which has to be so again."""

    expression: Vertex
    guard: Guard
    before: int
    """How many stages come before it."""


@dataclass(slots=True)
class Extent:
    """The stages of a watched loop: from the variables that it begins with to those it leaves.

    ``carried`` are the variables that it hands on: before the first turn, and behind the last one.
    """

    first: int
    last: int
    carried: list[tuple[Input, Input]]


@dataclass(slots=True)
class Partition:
    """A run in stages. ``output`` is the variable or constant that the function returns.

    ``loops`` are those that were watched.
    """

    arguments: dict[Node, Input]
    assignments: list[Assignment]
    checks: list[Check]
    output: Vertex
    loops: list[Extent] = field(default_factory=list)


def partition(trace: Trace) -> Partition:
    """Part a run into stages, leaving out what reaches neither the output nor a check.

    The output of the run is one number.
    """
    output = trace.output.node if type(trace.output) is Array else None
    roots = [guard.node for guard in trace.guards]
    alive = ancestors([*roots, output] if output is not None else roots)
    handed_on = _handed_on(trace, output)
    last = [*_last_turns(trace, alive), *(end for _, end in handed_on)]
    last += _left(trace, set(alive), {begin for begin, _ in handed_on})
    alive = ancestors([*last, *alive]) if last else alive
    arguments = {a.node: Input(a.name, a.value) for a in trace.arguments if a.node is not None}
    wanted = _names_wanted(trace, alive, output)
    known: dict[Node, Vertex] = dict(arguments)
    times = Counter(_place(trace, node) for node in alive)
    assignments: list[Assignment] = []
    for node in alive:
        if node not in wanted or node in known:
            continue
        expression = _expression(node, known, trace, times[_place(trace, node)] >= LONG)
        variable = Input(wanted[node] or "", node.output, always_finite(expression))
        note = trace.notes.get(node)
        inside = ancestors([node], known)
        known[node] = variable
        assignments.append(
            Assignment(
                variable,
                expression,
                node,
                inside,
                note.location if note else None,
                write_of(expression),
                node in trace.copies,
                note.counters if note else (),
            )
        )
    order = {node: k for k, node in enumerate(trace.nodes)}
    checks = []
    shaped = [node for node in alive if node.is_shaped_by_values and node in trace.notes]
    shapes = [
        Guard(node, shape_of(node.output), trace.notes[node].location, order[node] + 1)
        for node in shaped
    ]
    for guard in sorted([*trace.guards, *shapes], key=lambda guard: guard.position):
        (expression,) = from_nodes([guard.node], known)
        before = sum(order[assignment.node] < guard.position for assignment in assignments)
        checks.append(Check(expression, guard, before))
    result = known[output] if output is not None else Constant(trace.output)
    if output in arguments:
        assignments.append(_returned(output, arguments[output]))
        result = assignments[-1].variable
    kept = {known[node] for node in last if node in known}
    needed = _needed(assignments, checks, result, kept)
    return Partition(arguments, needed, checks, result, _extents(trace, needed, handed_on, known))


def _left(trace: Trace, alive: Collection[Node], carried: Collection[Node]) -> list[Node]:
    """Return what all turns of a watched loop give to the variables that are read behind it."""
    places = set()
    for loop in trace.loops:
        for name, end in loop.ends.items():
            given = end.parents[0]
            if loop.begins.get(name) not in carried and end in alive and given is not None:
                places.add(_place(trace, given))
    return [node for node in trace.nodes if places and _place(trace, node) in places]


def _extents(
    trace: Trace,
    assignments: Sequence[Assignment],
    handed_on: Collection[tuple[Node, Node]],
    known: Mapping[Node, Vertex],
) -> list[Extent]:
    """Find the stages of the watched loops."""
    places = {assignment.node: k for k, assignment in enumerate(assignments)}
    found = []
    for loop in trace.loops:
        pairs = [(a, b) for a, b in handed_on if a in loop.begins.values()]
        carried = [(known[a], known[b]) for a, b in pairs]
        nodes = [*loop.begins.values(), *loop.ends.values()]
        numbers = [places[node] for node in nodes if node in places]
        inputs = [(a, b) for a, b in carried if isinstance(a, Input) and isinstance(b, Input)]
        if numbers:
            found.append(Extent(min(numbers), max(numbers), inputs))
    return found


def _handed_on(trace: Trace, output: Node | None) -> list[tuple[Node, Node]]:
    """Return what watched loops hand on from turn to turn to the output: before, and behind."""
    if output is None:
        return []
    found: dict[Node, Node] = {}
    while True:
        useful = set(ancestors([output, *found.values()]))
        more = {
            begin: loop.ends[name]
            for loop in trace.loops
            for name, begin in loop.begins.items()
            if begin in useful and begin not in found and name in loop.ends
        }
        if not more:
            return list(found.items())
        found |= more


def _last_turns(trace: Trace, alive: list[Node]) -> list[Node]:
    """Return what the last turns of long loops give to variables, though nobody reads it.

    With it the loop is what the user wrote, and not the turns before and a part of one.
    """
    living = set(alive)
    times = Counter(_place(trace, node) for node in alive)
    latest = {_place(trace, node): node.birth for node in alive}
    found = []
    for node in trace.nodes:
        note = trace.notes.get(node)
        if node in living or note is None or note.name is None or node.operation.clear is not None:
            continue
        place = _place(trace, node)
        if times[place] >= LONG - 1 and node.birth > latest[place]:
            found.append(node)
    return found


def _needed(
    assignments: list[Assignment], checks: list[Check], output: Vertex, kept: Collection[Vertex]
) -> list[Assignment]:
    """Leave out the stages that nobody reads: what was in a buffer before it got other values."""
    read = {output, *kept, *topological(check.expression for check in checks)}
    needed = []
    for assignment in reversed(assignments):
        if assignment.variable in read:
            needed.append(assignment)
            read.update(topological([assignment.expression]))
    left_out = len(assignments) - len(needed)
    if left_out:
        left = {assignment.variable for assignment in needed}
        gone = [k for k, a in enumerate(assignments) if a.variable not in left]
        for check in checks:
            check.before -= bisect.bisect_left(gone, check.before)
    return needed[::-1]


def _expression(node: Node, known: dict[Node, Vertex], trace: Trace, in_loop: bool) -> Vertex:
    """Return what is assigned: as it was written, simplified where a nested gradient is in it."""
    rules = TIDYING_OF_LOOPS if in_loop else TIDYING
    (expression,) = rewrite(from_nodes([node], known), rules)
    notes = [trace.notes.get(inner) for inner in ancestors([node], known) if inner.parents]
    if not any(note is None or note.derived for note in notes):  # no line of the user's made it
        return expression
    filled: dict[Vertex, Vertex] = {
        x: full
        for x in topological([expression])
        if isinstance(x, Constant) and (full := _filled(x, trace)) is not None
    }
    (simple,) = simplify(substitute([expression], filled))
    return simple if isinstance(simple, Apply) else Apply(identity, (simple,), {}, node.output)


def _place(trace: Trace, node: Node) -> object:
    """Return the instruction that made a node; itself where that is not known."""
    note = trace.notes.get(node)
    return node if note is None else (note.location[:2], note.instruction, node.operation)


def _filled(constant: Constant, trace: Trace) -> Vertex | None:
    """Return an array that a rule has filled with one number as that number, broadcast."""
    array = constant.value
    if not isinstance(array, np.ndarray) or id(array) in trace.constant_names:
        return None
    if array.dtype != np.float64 or array.size == 0 or np.any(array != array.flat[0]):
        return None
    return Apply(broadcast_to, (Constant(float(array.flat[0])),), {"shape": array.shape}, array)


def _returned(node: Node, argument: Input) -> Assignment:
    """Make the one stage of a function that returns its argument."""
    variable = Input("value", argument.value)
    expression = Apply(identity, (argument,), {}, argument.value)
    return Assignment(variable, expression, node, [node], None)


def _names_wanted(trace: Trace, alive: list[Node], output: Node | None) -> dict[Node, str | None]:
    """Choose the nodes that get a line of their own, and the name that each would like."""
    wanted: dict[Node, str | None] = {}
    for node in alive:
        note = trace.notes.get(node)
        if node.parents and note is not None and note.name is not None and note.name != "_":
            wanted[node] = note.name
    if output is not None and output.parents and output not in wanted:
        wanted[output] = "value"
    _name_listed(alive, wanted, trace)
    costly: set[Node] = set()
    for node in alive:
        for part, name in _looked_at_again(node, costly):
            if part.parents and part not in wanted:
                wanted[part] = trace.aliases.get(part, name)
        inner = [p for p in node.parents if p in costly and p not in wanted]
        if inner or (node.parents and _costs_much(node.operation)):
            costly.add(node)
    users = _users(trace, alive)
    owners: dict[Node, set[Any]] = {}  # the stages whose expression a node would stand in
    sizes = _sizes(alive, wanted)
    for node in reversed(alive):
        if not node.parents or node in wanted:
            owners[node] = {node}
            continue
        found: set[Any] = set()
        count = 0
        for user in users.get(node, []):
            found |= owners[user] if isinstance(user, Node) else {user}
            count += 1
        small = sizes[node] == 1 and (node.operation is negative or node.operation.view)
        if not small and (len(found) > 1 or (count > 1 and sizes[node] > 1)):
            wanted[node] = trace.aliases.get(node)
            found = {node}
        owners[node] = found
    _shorten(alive, wanted, trace)
    return wanted


def _name_listed(alive: list[Node], wanted: dict[Node, str | None], trace: Trace) -> None:
    """Name what a long list holds by the list: ``hs`` has an ``h`` from each turn of a loop."""
    counts = Counter(trace.listed.values())
    for node in alive:
        name = trace.listed.get(node)
        if name is not None and node.parents and node not in wanted and counts[name] >= LONG:
            wanted[node] = one_of(name)


def one_of(many: str) -> str:
    """Return what one entry of a so named list is called."""
    if many.endswith("s") and not many.endswith("ss") and len(many) > 1:
        return many[:-1]
    return f"{many}_t"


def _looked_at_again(node: Node, costly: Collection[Node]) -> Iterator[tuple[Node, str | None]]:
    """Yield the parts of a node that its backward pass refers to, and what they may be called.

    They are the array that a write goes into, with its index, and what a choice compares, where
    that costs much.
    """
    if not node.parents:
        return
    if node.operation.clear is not None:
        yield node, None
        first, _, *index = node.parents
        for part in (first, *index):
            if part is not None:
                yield part, "mask" if dtype_of(part.output).kind == "b" else None
    elif isinstance(node.operation, Elementwise) and node.operation.selects:
        for part in node.parents:
            if part is not None and part in costly:
                yield part, None


def _costs_much(operation: Operation) -> bool:
    is_constant = isinstance(operation, Elementwise) and not any(operation.d)  # np.zeros_like(x)
    return not is_constant and not is_cheap(operation)


def is_cheap(operation: Operation) -> bool:
    """Tell whether computing it again costs little: arithmetic, comparisons and views."""
    arithmetic = operation.entrywise and operation.symbol is not None
    return arithmetic or operation.view or operation in (square, astype)


def _shorten(alive: list[Node], wanted: dict[Node, str | None], trace: Trace) -> None:
    """Give names to the largest parts of expressions that are too long for a line."""
    sizes: dict[Node, int] = {}
    for node in alive:
        inner = _inside(node, wanted)
        while inner and 1 + sum(sizes[p] for p in inner) > _LONGEST:
            largest = max(inner, key=lambda p: sizes[p])
            wanted[largest] = trace.aliases.get(largest)
            inner = [p for p in inner if p is not largest]
        sizes[node] = (1 if node.parents else 0) + sum(sizes[p] for p in inner)


def _users(trace: Trace, alive: list[Node]) -> dict[Node, list[Any]]:
    """Return, for each node, the nodes that use it; once for every time that they do."""
    users: dict[Node, list[Any]] = {}
    for node in alive:
        for parent in node.parents:
            if parent is not None:
                users.setdefault(parent, []).append(node)
    for k, guard in enumerate(trace.guards):
        users.setdefault(guard.node, []).append(("guard", k))
    return users


def _sizes(alive: list[Node], wanted: dict[Node, str | None]) -> dict[Node, int]:
    """Count the operations in the expression of each node, down to the next names."""
    sizes: dict[Node, int] = {}
    for node in alive:
        sizes[node] = (1 if node.parents else 0) + sum(sizes[p] for p in _inside(node, wanted))
    return sizes


def _inside(node: Node, wanted: Collection[Node]) -> list[Node]:
    """Return the operands that are written inside the expression of a node."""
    return [p for p in node.parents if p is not None and p.parents and p not in wanted]
